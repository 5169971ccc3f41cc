package staterow

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"

	"overdue/internal/monitor"
)

// Pack returns the row as a byte string: a mask of the columns that are not NULL, and
// the values of these columns. It is only kept in memory, so it has no version.
func (r *Row) Pack() []byte {
	b := make([]byte, 0, 256) // not in the heap, if it is long enough
	mask := uint64(0)
	for i, n := range r.numbers() {
		if n.Valid {
			mask |= 1 << i
		}
	}
	for i, s := range r.texts() {
		if s.Valid {
			mask |= 1 << (i + len(r.numbers()))
		}
	}
	b = binary.AppendUvarint(b, mask)
	b = binary.AppendUvarint(b, uint64(r.Pings))
	b = appendText(appendText(b, string(r.Status)), string(r.Cause))
	for _, n := range r.numbers() {
		if n.Valid {
			b = binary.AppendVarint(b, n.Int64)
		}
	}
	for _, s := range r.texts() {
		if s.Valid {
			b = appendText(b, s.String)
		}
	}
	return bytes.Clone(b)
}

// numbers returns the columns with numbers.
func (r *Row) numbers() [6]*sql.NullInt64 {
	return [...]*sql.NullInt64{&r.CountedFrom, &r.StaleBefore, &r.LastPing, &r.LastStart, &r.RunTime, &r.NextAt}
}

// texts returns the columns with texts.
func (r *Row) texts() [7]*sql.NullString {
	return [...]*sql.NullString{&r.Runs, &r.Incident, &r.History, &r.Finished, &r.Blackout, &r.Hosts, &r.Maintenance}
}

// appendText appends the length of a text and the text.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errPacked = errors.New("invalid packed state of a heartbeat")

// Unpack returns the row that Pack packed.
func Unpack(b []byte) (r Row, err error) {
	p := unpacker{b: b}
	mask := p.uvarint()
	r.Pings = int64(p.uvarint())
	r.Status, r.Cause = monitor.Status(p.text()), monitor.Cause(p.text())
	for i, n := range r.numbers() {
		if n.Valid = mask&(1<<i) != 0; n.Valid {
			n.Int64 = p.varint()
		}
	}
	for i, s := range r.texts() {
		if s.Valid = mask&(1<<(i+len(r.numbers()))) != 0; s.Valid {
			s.String = p.text()
		}
	}
	if p.failed || len(p.b) > 0 {
		return r, errPacked
	}
	return r, nil
}

// unpacker reads what Pack wrote.
type unpacker struct {
	b      []byte
	failed bool
}

// take returns the next n bytes.
func (p *unpacker) take(n int) []byte {
	if n <= 0 || n > len(p.b) {
		p.failed, p.b = p.failed || n != 0, p.b[:0]
		return nil
	}
	taken := p.b[:n]
	p.b = p.b[n:]
	return taken
}

// uvarint returns the next number without a sign.
func (p *unpacker) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	if p.take(n); n == 0 {
		p.failed = true
	}
	return v
}

// varint returns the next number.
func (p *unpacker) varint() int64 {
	v, n := binary.Varint(p.b)
	if p.take(n); n == 0 {
		p.failed = true
	}
	return v
}

// text returns the next text.
func (p *unpacker) text() string {
	n := p.uvarint()
	if n > uint64(len(p.b)) {
		p.failed = true
		return ""
	}
	if n == 0 {
		return ""
	}
	return string(p.take(int(n)))
}
