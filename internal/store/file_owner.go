package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"overdue/internal/journal"
)

// sqliteWALHeader is the length of the header of SQLite's write-ahead log, in bytes. A log
// that is not longer is empty (https://www.sqlite.org/fileformat2.html, 4.1).
const sqliteWALHeader = 32

// foreignFiles returns the error of a database next to files of another database.
func foreignFiles(path string) error {
	return fmt.Errorf("%s does not belong to the files next to it (%s-wal, %s-pings0, %s-pings1): it was copied over the database of a server that was killed. "+
		"Put that database back, or run overdue restore with the backup, which also moves the old files aside", path, path, path, path)
}

// checkNeighbours returns an error if the files next to a database belong to another one:
// SQLite would mix both without an error. Call it before SQLite opens the database.
// SQLite's log does not name its database; the journal of the same server does.
func checkNeighbours(ctx context.Context, path string) error {
	owners, err := journal.Owners(path + "-pings")
	if err != nil || len(owners) == 0 {
		return err
	}
	mark, found, err := readMark(ctx, path)
	if err != nil || !found {
		return nil // a damaged file or one of no server: opening it returns the error
	}
	for _, owner := range owners {
		if owner != mark && holdData(path, mark) {
			return foreignFiles(path)
		}
	}
	return nil
}

// holdData reports whether the files next to a database contain data.
func holdData(path string, mark [16]byte) bool {
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > sqliteWALHeader {
		return true
	}
	_, err := journal.Read(path+"-pings", mark)
	return errors.Is(err, journal.ErrForeignOwner)
}

// readMark reads the mark from a database file, without the files next to it.
func readMark(ctx context.Context, path string) (mark [16]byte, found bool, err error) {
	q := url.Values{"immutable": {"1"}, "mode": {"ro"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return mark, false, err
	}
	defer db.Close()
	var kept string
	if err := db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, walOwnerSetting).Scan(&kept); err != nil {
		return mark, false, err
	}
	return mark, true, parseOwner(kept, &mark)
}
