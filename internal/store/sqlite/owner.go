package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"

	"overdue/internal/wal"
)

// OwnerSetting is the name of the setting that identifies the WAL of a database.
const OwnerSetting = "journal"

// walHeaderSize is the size of the header of SQLite's write-ahead log, in bytes. A
// log that is not larger is empty (https://www.sqlite.org/fileformat2.html, 4.1).
const walHeaderSize = 32

// Owner identifies the database that a WAL belongs to.
type Owner = [16]byte

// ParseOwner parses the value of OwnerSetting.
func ParseOwner(text string) (owner Owner, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(owner) {
		return owner, fmt.Errorf("setting %s is %q, not 32 hexadecimal digits", OwnerSetting, text)
	}
	return Owner(b), nil
}

// ForeignFilesError returns the error of a database next to files of another database.
func ForeignFilesError(path string) error {
	return fmt.Errorf("%s does not belong to the files next to it (%s-wal, %s-pings0, %s-pings1): it was copied over the database of a server that was killed. "+
		"Put that database back, or run overdue restore with the backup, which also moves the old files aside", path, path, path, path)
}

// CheckNeighbours returns an error if the files next to a database belong to
// another one: SQLite would mix both without an error. Call it before SQLite opens
// the database. SQLite's log does not name its database; the WAL of the same
// server does.
func CheckNeighbours(ctx context.Context, path string) error {
	owners, err := wal.Owners(WALPath(path))
	if err != nil || len(owners) == 0 {
		return err
	}
	owner, found, err := readOwner(ctx, path)
	if err != nil || !found {
		return nil // the file is damaged or never had a server: opening it returns the error
	}
	for _, other := range owners {
		if other != owner && containData(path, owner) {
			return ForeignFilesError(path)
		}
	}
	return nil
}

// containData reports whether the files next to a database contain data.
func containData(path string, owner Owner) bool {
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > walHeaderSize {
		return true
	}
	_, _, err := wal.Read(WALPath(path), owner)
	return errors.Is(err, wal.ErrForeignOwner)
}

// readOwner reads the owner from a database file, without the files next to it.
func readOwner(ctx context.Context, path string) (owner Owner, found bool, err error) {
	db, err := sql.Open("sqlite", fileURI(path, url.Values{"immutable": {"1"}, "mode": {"ro"}}))
	if err != nil {
		return owner, false, err
	}
	defer db.Close()
	var text string
	if err := db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, OwnerSetting).Scan(&text); err != nil {
		return owner, false, err
	}
	owner, err = ParseOwner(text)
	return owner, true, err
}
