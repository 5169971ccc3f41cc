package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Sum is the number of rows of a table, and a checksum of their content that does not
// depend on their order: the databases sort texts differently.
type Sum struct {
	Rows   int64
	hi, lo uint64
}

// Checksum returns the checksum as 32 hexadecimal digits.
func (s Sum) Checksum() string { return fmt.Sprintf("%016x%016x", s.hi, s.lo) }

// add adds a row. Sums of 128 bits are compared, and not exclusive-or: that would not
// notice a row that is there twice.
func (s *Sum) add(r row) {
	h := sha256.New()
	var length [9]byte
	for _, v := range r.values {
		kind, content := encodeValue(v)
		length[0] = kind
		binary.BigEndian.PutUint64(length[1:], uint64(len(content)))
		h.Write(length[:])
		h.Write(content)
	}
	sum := h.Sum(nil)
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, binary.BigEndian.Uint64(sum[8:]), 0)
	s.hi, _ = bits.Add64(s.hi, binary.BigEndian.Uint64(sum), carry)
	s.Rows++
}

// encodeValue returns the content of a value, and a letter for its type.
func encodeValue(v any) (kind byte, content []byte) {
	switch v := v.(type) {
	case string:
		return 't', []byte(v)
	case []byte:
		return 'x', v
	case int64:
		return 'i', binary.BigEndian.AppendUint64(nil, uint64(v))
	case bool:
		if v {
			return 'b', []byte{1}
		}
		return 'b', []byte{0}
	}
	return 'n', nil
}

// Comparison is the result of the comparison of one table.
type Comparison struct {
	Table    string
	From, To Sum
}

// Equal reports whether both databases have the same rows.
func (c Comparison) Equal() bool { return c.From == c.To }

// Compare reads the tables from both databases. report is called from time to time;
// its error ends the comparison.
func Compare(ctx context.Context, from, to Queryer, tables []Table, report func(Progress) error) ([]Comparison, error) {
	var all []Comparison
	for _, t := range tables {
		c := Comparison{Table: t.Name}
		var err error
		if c.From, err = sumTable(ctx, from, t, func(n int64) error { return report(Progress{"compare", t.Name, n, 0}) }); err != nil {
			return all, fmt.Errorf("source: %w", err)
		}
		total := c.From.Rows
		if c.To, err = sumTable(ctx, to, t, func(n int64) error { return report(Progress{"compare", t.Name, n, total}) }); err != nil {
			return all, fmt.Errorf("target: %w", err)
		}
		all = append(all, c)
	}
	return all, nil
}

// sumTable reads one table.
func sumTable(ctx context.Context, db Queryer, t Table, report func(rows int64) error) (s Sum, err error) {
	err = eachRow(ctx, db, t, false, nil, func(r row) error {
		s.add(r)
		if s.Rows%int64(MaxBatchRows) == 0 {
			return report(s.Rows)
		}
		return nil
	})
	return s, err
}
