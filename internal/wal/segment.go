package wal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// segment is the valid content of one file.
type segment struct {
	file     int // 0 or 1
	sequence uint64
	salt     uint64
	records  [][]byte
	end      int64 // where the next record would go
	damage   []Damage
}

// readSegments returns the segments of a log, the older one first, and all damage.
func readSegments(path string, owner [16]byte) (segments []segment, damage []Damage, err error) {
	for i, name := range SegmentPaths(path) {
		s, fileOwner, ok, err := readSegment(name)
		if err != nil {
			return nil, nil, fmt.Errorf("write-ahead log: %w", err)
		}
		if ok && fileOwner != owner {
			if len(s.records) > 0 {
				return nil, nil, fmt.Errorf("%s: %w", name, ErrForeignOwner)
			}
			continue // our records below that header would be taken for those of the other owner
		}
		damage = append(damage, s.damage...)
		if !ok {
			continue
		}
		s.file = i
		segments = append(segments, s)
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.sequence, b.sequence) })
	return segments, damage, nil
}

// maxReads is the maximum number of times that a file is read to confirm damage.
const maxReads = 5

// readSegment reads and parses a file. Another process that writes meanwhile can look like
// damage, so damage counts only if a second read finds the same.
func readSegment(name string) (s segment, owner [16]byte, ok bool, err error) {
	for range maxReads {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return segment{}, owner, false, nil
		}
		if err != nil {
			return s, owner, false, err
		}
		before := s
		s, owner, ok = parseSegment(text)
		for i := range s.damage {
			s.damage[i].File = name
		}
		if len(s.damage) == 0 || s.salt == before.salt && slices.Equal(s.damage, before.damage) {
			return s, owner, ok, nil
		}
	}
	s.damage = nil // each read found another one
	return s, owner, ok, nil
}

// parseSegment parses a file up to its last valid record. ok is false if it has no
// header.
func parseSegment(text []byte) (s segment, owner [16]byte, ok bool) {
	h, ok := readHeader(text)
	if !ok {
		if len(bytes.Trim(text[:min(headerLength, len(text))], "\x00")) == 0 {
			return s, owner, false // unused, or its first write was interrupted
		}
		used := int64(len(bytes.TrimRight(text, "\x00")))
		if h, ok = repairHeader(text); !ok {
			s.damage = []Damage{{Bytes: used, Records: countRecords(text, min(int64(headerLength), used), used)}}
			return s, owner, false
		}
		s.damage = []Damage{{Bytes: int64(headerLength)}}
	}
	s.sequence, s.salt, s.end = h.sequence, h.salt, int64(headerLength)
	var finder *recordFinder
	for {
		if record, ok := readRecord(text, h.salt, s.end); ok {
			s.records = append(s.records, record)
			s.end += int64(recordHeaderLength + len(record))
			continue
		}
		if finder == nil {
			finder = newRecordFinder(text, h.salt)
		}
		next := finder.next(s.end + 1)
		if next < 0 {
			return s, h.owner, true
		}
		s.damage = append(s.damage, Damage{Offset: s.end, Bytes: next - s.end, Records: countRecords(text, s.end, next)})
		s.end = next
	}
}

// Owners returns the owners of the files at a path. A file that was never used has none.
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

// readHeaderBytes returns the first bytes of a file, up to the length of a header.
// It returns none if the file does not exist.
func readHeaderBytes(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("write-ahead log: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(headerLength)))
	if err != nil {
		return nil, fmt.Errorf("write-ahead log: %w", err)
	}
	return text, nil
}
