package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// segment is what one file holds.
type segment struct {
	file     int
	sequence uint64
	salt     uint64
	records  [][]byte
	end      int64 // where the next record would go
}

// readSegments reads the files that hold anything, the older one first.
func readSegments(path string, owner [16]byte) ([]segment, error) {
	var parts []segment
	for i, name := range SegmentPaths(path) {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		p, whose, ok := parseSegment(text)
		if !ok {
			continue // never used, or its first record was not written to the end
		}
		if whose != owner {
			if len(p.records) > 0 {
				return nil, fmt.Errorf("%s: %w", name, ErrForeignOwner)
			}
			continue // records of ours below that header would be taken for another's
		}
		p.file = i
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b segment) int { return cmp.Compare(a.sequence, b.sequence) })
	return parts, nil
}

// parseSegment reads a file up to the first thing that is no record of its epoch.
func parseSegment(text []byte) (p segment, owner [16]byte, ok bool) {
	h, ok := readHeader(text)
	if !ok {
		return p, owner, false
	}
	p = segment{sequence: h.sequence, salt: h.salt, end: int64(headerLength)}
	for {
		record, ok := readRecord(text, h.salt, p.end)
		if !ok {
			return p, h.owner, true
		}
		p.records = append(p.records, record)
		p.end += int64(recordHeaderLength + len(record))
	}
}

// syncDirectory makes the names of new files last.
func syncDirectory(path string) error {
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// readHeaderBytes reads as much of a file as a header takes; none when the file
// does not exist.
func readHeaderBytes(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(headerLength)))
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return text, nil
}
