package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
)

// How the files grow.
const (
	growStep = 1 << 20 // bytes of zeros by which a file grows
	// resetAbove is the size in bytes above which Reset starts a new segment: below,
	// that would only cost a header.
	resetAbove = 1 << 20
)

// Log is a write-ahead log. It is not safe for concurrent use.
type Log struct {
	owner          [16]byte
	files          [2]*os.File
	sizes          [2]int64
	current        int    // the file of the current segment
	end            int64  // where the next record goes; 0: the header is written first
	sequence       uint64 // of the current segment
	salt           uint64 // of the current segment
	previousNeeded bool   // the other file holds records that are needed
	buffer         []byte // of the last record, reused for the next
	damage         []Damage
	// sync forces the content of a file to disk.
	sync func(*os.File) error
	// Confirm is called after a record was synced and before it counts. Append
	// returns its error. It can be nil.
	Confirm func() error
}

// ErrForeignOwner means that the files belong to another owner.
var ErrForeignOwner = errors.New("the write-ahead log belongs to another database")

// SegmentPaths returns the files of the log at a path.
func SegmentPaths(path string) []string { return []string{path + "0", path + "1"} }

// Open opens the log at a path, or creates one, and returns its records: those before
// and after damage. A log with records of another owner is ErrForeignOwner. The records
// stay until Reset.
func Open(path string, owner [16]byte) (*Log, [][]byte, error) {
	segments, damage, err := readSegments(path, owner)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{owner: owner, damage: damage, sync: syncData}
	for i, name := range SegmentPaths(path) {
		if l.files[i], err = os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("write-ahead log: %w", err), l.Close())
		}
		info, err := l.files[i].Stat()
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("write-ahead log: %w", err), l.Close())
		}
		l.sizes[i] = info.Size()
	}
	var records [][]byte
	for _, s := range segments {
		records = append(records, s.records...)
		l.sequence = s.sequence
	}
	// Records of both segments can be needed, so Rotate must wait for Reset.
	l.previousNeeded = len(segments) == 2
	if len(segments) > 0 {
		last := segments[len(segments)-1]
		l.current, l.end, l.salt = last.file, last.end, last.salt
	}
	return l, records, SyncDirectory(path)
}

// Read returns the records of a log that another process can be writing, as of
// some time after the call, and the damage that it found.
func Read(path string, owner [16]byte) (records [][]byte, damage []Damage, err error) {
	segments, damage, err := readSegments(path, owner)
	for _, s := range segments {
		records = append(records, s.records...)
	}
	return records, damage, err
}

// Append adds a record and returns when it is on disk. After an error, the
// record can be there or not, and the next record takes its place.
func (l *Log) Append(record []byte) error {
	at, text := l.end, l.buffer[:0]
	sequence, salt := l.sequence, l.salt
	if at == 0 {
		sequence, salt = sequence+1, rand.Uint64()
		text = appendHeader(text, header{sequence, salt, l.owner})
	}
	text = appendRecord(text, salt, at+int64(len(text)), record)
	l.buffer = text[:0]
	if err := l.grow(at + int64(len(text))); err != nil {
		return err
	}
	if _, err := l.files[l.current].WriteAt(text, at); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	if err := l.sync(l.files[l.current]); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	if l.Confirm != nil {
		if err := l.Confirm(); err != nil {
			return err
		}
	}
	l.sequence, l.salt, l.end = sequence, salt, at+int64(len(text))
	return nil
}

// grow extends the current file to end. It writes zeros, because a sync would have
// to allocate the blocks of a hole.
func (l *Log) grow(end int64) error {
	for l.sizes[l.current] < end {
		n, err := l.files[l.current].WriteAt(make([]byte, growStep), l.sizes[l.current])
		if err == nil {
			err = l.files[l.current].Sync()
		}
		if err != nil {
			return fmt.Errorf("write-ahead log: %w", err)
		}
		l.sizes[l.current] += int64(n)
	}
	return nil
}

// Rotate starts a segment in the other file, if that file is free, and reports
// whether it did.
func (l *Log) Rotate() bool {
	if l.previousNeeded || l.end == 0 {
		return false
	}
	l.current, l.end, l.previousNeeded = 1-l.current, 0, true
	return true
}

// Truncate discards the records before the last Rotate.
func (l *Log) Truncate() { l.previousNeeded = false }

// Reset discards all records. Open can still return them.
func (l *Log) Reset() {
	l.previousNeeded = false
	if l.end > resetAbove {
		l.end = 0
	}
}

// Size returns the size of the files in bytes.
func (l *Log) Size() int64 { return l.sizes[0] + l.sizes[1] }

// Close closes the files.
func (l *Log) Close() error {
	var errs []error
	for _, f := range l.files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Remove closes and deletes the files, and returns when the deletion is on disk.
// All records are lost.
func (l *Log) Remove() error {
	_, err := l.remove(nil, "")
	return err
}

// RemoveExceptDamaged is Remove, but it keeps the files in which Open found damage, under
// a name that ends with suffix. It returns the damage with the new names.
func (l *Log) RemoveExceptDamaged(suffix string) ([]Damage, error) { return l.remove(l.damage, suffix) }

// remove is RemoveExceptDamaged of the files with the given damage.
func (l *Log) remove(damage []Damage, suffix string) ([]Damage, error) {
	kept := slices.Clone(damage)
	errs := []error{l.Close()}
	for _, f := range l.files {
		remove := func() error { return os.Remove(f.Name()) }
		for i := range kept {
			if kept[i].File == f.Name() {
				kept[i].File += suffix
				remove = func() error { return os.Rename(f.Name(), f.Name()+suffix) }
			}
		}
		if err := remove(); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return kept, errors.Join(append(errs, SyncDirectory(l.files[0].Name()))...)
}
