package wal

import (
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
}

// readSegments returns the segments of a log, the older one first.
func readSegments(path string, owner [16]byte) ([]segment, error) {
	var segments []segment
	for i, name := range SegmentPaths(path) {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("write-ahead log: %w", err)
		}
		s, fileOwner, ok := parseSegment(text)
		if !ok {
			continue // unused, or its first write was interrupted
		}
		if fileOwner != owner {
			if len(s.records) > 0 {
				return nil, fmt.Errorf("%s: %w", name, ErrForeignOwner)
			}
			continue // our records below that header would be taken for those of the other owner
		}
		s.file = i
		segments = append(segments, s)
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.sequence, b.sequence) })
	return segments, nil
}

// parseSegment parses a file up to the first invalid record.
func parseSegment(text []byte) (s segment, owner [16]byte, ok bool) {
	h, ok := readHeader(text)
	if !ok {
		return s, owner, false
	}
	s = segment{sequence: h.sequence, salt: h.salt, end: int64(headerLength)}
	for {
		record, ok := readRecord(text, h.salt, s.end)
		if !ok {
			return s, h.owner, true
		}
		s.records = append(s.records, record)
		s.end += int64(recordHeaderLength + len(record))
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
