package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
)

// How the files grow.
const (
	growStep = 1 << 20 // bytes; a file is lengthened by so many zeros at a time
	// resetAbove is how far a file may be filled before Clear begins it anew: sooner
	// would only cost a header.
	resetAbove = 1 << 20
)

// Log is two files that take turns. One goroutine at a time may use it.
type Log struct {
	owner          [16]byte
	segments       [2]*os.File
	sizes          [2]int64
	current        int    // the file that is written
	end            int64  // where its next record goes; 0: its header is to be written first
	sequence       uint64 // of that file
	salt           uint64 // of that file
	previousNeeded bool   // the other file holds records that are needed
	buffer         []byte // of the last record, for the next
	// sync forces what was written to a file to disk.
	sync func(*os.File) error

	// Confirm is asked after a record was synced and before it counts. An error
	// of it is that of Append. nil: not asked.
	Confirm func() error
}

// ErrForeignOwner says that the files belong to something else.
var ErrForeignOwner = errors.New("the journal belongs to another database")

// SegmentPaths are the files of the journal at a path.
func SegmentPaths(path string) []string { return []string{path + "0", path + "1"} }

// Open opens the journal at a path, or makes one, and returns the records that
// it holds. owner says whose it is: a journal that holds records of somebody
// else is ErrForeignOwner. Until Clear the records stay.
func Open(path string, owner [16]byte) (*Log, [][]byte, error) {
	parts, err := readSegments(path, owner)
	if err != nil {
		return nil, nil, err
	}
	j := &Log{owner: owner, sync: syncData}
	for i, name := range SegmentPaths(path) {
		if j.segments[i], err = os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("journal: %w", err), j.Close())
		}
		info, err := j.segments[i].Stat()
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("journal: %w", err), j.Close())
		}
		j.sizes[i] = info.Size()
	}
	var records [][]byte
	for _, p := range parts {
		records = append(records, p.records...)
		j.sequence = p.sequence
	}
	if len(parts) == 2 {
		// Both may be needed, so neither can be begun anew before Clear. The
		// newer one is gone on with.
		j.previousNeeded = true
	}
	if len(parts) > 0 {
		last := parts[len(parts)-1]
		j.current, j.end, j.salt = last.file, last.end, last.salt
	}
	return j, records, syncDirectory(path)
}

// Read returns the records of a journal that another process may be writing:
// those of some moment since the call.
func Read(path string, owner [16]byte) ([][]byte, error) {
	parts, err := readSegments(path, owner)
	var records [][]byte
	for _, p := range parts {
		records = append(records, p.records...)
	}
	return records, err
}

// Append adds a record and returns when it is on disk. After an error it is not
// known to be there, and the next record takes its place.
func (j *Log) Append(record []byte) error {
	at, text := j.end, j.buffer[:0]
	epoch, salt := j.sequence, j.salt
	if at == 0 {
		epoch, salt = epoch+1, rand.Uint64()
		text = appendHeader(text, header{epoch, salt, j.owner})
	}
	text = appendRecord(text, salt, at+int64(len(text)), record)
	j.buffer = text[:0]
	if err := j.grow(at + int64(len(text))); err != nil {
		return err
	}
	if _, err := j.segments[j.current].WriteAt(text, at); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.sync(j.segments[j.current]); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if j.Confirm != nil {
		if err := j.Confirm(); err != nil {
			return err
		}
	}
	j.sequence, j.salt, j.end = epoch, salt, at+int64(len(text))
	return nil
}

// grow makes room in the current file up to end. The zeros are written, not
// only promised: a hole would have to be filled in at each sync.
func (j *Log) grow(end int64) error {
	for j.sizes[j.current] < end {
		n, err := j.segments[j.current].WriteAt(make([]byte, growStep), j.sizes[j.current])
		if err == nil {
			err = j.segments[j.current].Sync()
		}
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		j.sizes[j.current] += int64(n)
	}
	return nil
}

// Rotate begins the other file, if that is free, and reports whether it did.
func (j *Log) Rotate() bool {
	if j.previousNeeded || j.end == 0 {
		return false
	}
	j.current, j.end, j.previousNeeded = 1-j.current, 0, true
	return true
}

// Truncate says that the records before the last Turn are needed no more.
func (j *Log) Truncate() { j.previousNeeded = false }

// Reset says that no record is needed any more. They may still be given back.
func (j *Log) Reset() {
	j.previousNeeded = false
	if j.end > resetAbove {
		j.end = 0
	}
}

// Size is how many bytes the files take.
func (j *Log) Size() int64 { return j.sizes[0] + j.sizes[1] }

// Close closes the files.
func (j *Log) Close() error {
	var errs []error
	for _, f := range j.segments {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Remove closes and deletes the files, and returns when they are gone from the
// disk too. No record may be needed any more.
func (j *Log) Remove() error {
	errs := []error{j.Close()}
	for _, f := range j.segments {
		if err := os.Remove(f.Name()); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, syncDirectory(j.segments[0].Name()))...)
}

// Owners returns the marks of whom the files at a path belong to. A file that
// was never used has none.
func Owners(path string) ([][16]byte, error) {
	var owners [][16]byte
	for _, name := range SegmentPaths(path) {
		text, err := readHeaderBytes(name)
		if err != nil {
			return nil, err
		}
		if h, ok := readHeader(text); ok {
			owners = append(owners, h.owner)
		}
	}
	return owners, nil
}
