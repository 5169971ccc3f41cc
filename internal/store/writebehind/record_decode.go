package writebehind

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// errMalformedRecord means that a record is complete, but not one that this version or an
// earlier one wrote.
var errMalformedRecord = errors.New("WAL record: malformed")

// ErrNewerFormat means that a newer version wrote a record.
var ErrNewerFormat = errors.New("the write-ahead log was written by a newer version of Overdue. Nothing was deleted. Start that version: it stores these pings")

// jsonRecord is the first byte of a record of an earlier version.
const jsonRecord = '['

// DecodeBatch returns the pings of a record of the WAL, with their numbers. The record of
// a newer version is ErrNewerFormat.
func DecodeBatch(text []byte) ([]ReceivedPing, error) {
	switch {
	case len(text) == 0:
		return nil, errMalformedRecord
	case text[0] == jsonRecord:
		return decodeJSON(text)
	case text[0] != recordFormat && text[0] != recordWithHosts:
		return nil, fmt.Errorf("%w (format %d of a record; this version reads up to %d)", ErrNewerFormat, text[0], recordWithHosts)
	}
	r := recordReader{rest: text[1:], hosts: text[0] == recordWithHosts}
	count := r.uvarint()
	if count > uint64(len(text)) {
		return nil, errMalformedRecord // before it allocates memory
	}
	batch := make([]ReceivedPing, count)
	previous := &monitor.Ping{At: time.UnixMicro(0)}
	for i := range batch {
		r.ping(&batch[i], previous)
		previous = &batch[i].Ping
	}
	if r.failed || len(r.rest) > 0 {
		return nil, errMalformedRecord
	}
	return batch, nil
}

// recordReader reads a record. After an error, it returns zero values.
type recordReader struct {
	rest   []byte
	hosts  bool // each ping has a host
	failed bool
}

// ping reads a ping that follows another one.
func (r *recordReader) ping(into *ReceivedPing, previous *monitor.Ping) {
	p := &into.Ping
	p.Kind, p.Method, p.Source, p.UserAgent = previous.Kind, previous.Method, previous.Source, previous.UserAgent
	parts := r.byte()
	if parts&partTextID != 0 {
		into.ID = r.text()
	} else if id, err := uuid.FromBytes(r.bytes(uint64(len(uuid.UUID{})))); err == nil {
		into.ID = id.String()
	}
	if parts&partKind != 0 {
		p.Kind = monitor.PingKind(r.text())
	}
	for i, text := range [...]*string{&p.Method, &p.Source, &p.UserAgent, &p.RunID} {
		if parts&(partMethod<<i) != 0 {
			*text = r.text()
		}
	}
	if parts&partBody != 0 {
		p.Body = r.bytes(r.uvarint())
		p.BodySize = int64(len(p.Body))
	}
	early := int64(0)
	if parts&partRare != 0 {
		early, p.Flags = r.varint(), monitor.PingFlags(r.byte())
	}
	if r.hosts {
		p.Host = r.text()
	}
	arrival := previous.At.UnixMicro() + r.varint()
	p.At, into.Watermark = time.UnixMicro(arrival).UTC(), time.UnixMicro(arrival-early).UTC()
	p.Number = r.varint()
	p.ExitCode = int(r.varint())
}

// bytes returns the next n bytes. They belong to the record.
func (r *recordReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.rest, r.failed = nil, true
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

// byte returns the next byte.
func (r *recordReader) byte() byte {
	if b := r.bytes(1); len(b) > 0 {
		return b[0]
	}
	return 0
}

// text returns the next text.
func (r *recordReader) text() string { return string(r.bytes(r.uvarint())) }

// uvarint returns the next number that is not negative.
func (r *recordReader) uvarint() uint64 {
	n, length := binary.Uvarint(r.rest)
	r.bytes(numberLength(length))
	return n
}

// varint returns the next number.
func (r *recordReader) varint() int64 {
	n, length := binary.Varint(r.rest)
	r.bytes(numberLength(length))
	return n
}

// numberLength returns the length that binary.Uvarint returned. If there was no number,
// it returns more than the length of any record, so that the reader fails.
func numberLength(length int) uint64 {
	if length <= 0 {
		return 1 << 62
	}
	return uint64(length)
}

// jsonPing is a ping in a record of a version that wrote JSON.
type jsonPing struct {
	ID        string            `json:"i"`
	Watermark int64             `json:"h"`
	At        int64             `json:"a"`
	Kind      monitor.PingKind  `json:"k"`
	RunID     string            `json:"r"`
	ExitCode  int               `json:"x"`
	Method    string            `json:"m"`
	Source    string            `json:"s"`
	UserAgent string            `json:"u"`
	Body      []byte            `json:"b"`
	Flags     monitor.PingFlags `json:"f"`
	Number    int64             `json:"n"`
}

// decodeJSON returns the pings of a record in JSON.
func decodeJSON(text []byte) ([]ReceivedPing, error) {
	var records []jsonPing
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, fmt.Errorf("WAL record: %w", err)
	}
	batch := make([]ReceivedPing, len(records))
	for i, r := range records {
		batch[i] = ReceivedPing{ID: r.ID, Watermark: time.UnixMicro(r.Watermark).UTC(), Ping: monitor.Ping{
			Kind: r.Kind, At: time.UnixMicro(r.At).UTC(), RunID: r.RunID, ExitCode: r.ExitCode, Method: r.Method,
			Source: r.Source, UserAgent: r.UserAgent, Body: r.Body, BodySize: int64(len(r.Body)), Number: r.Number, Flags: r.Flags,
		}}
	}
	return batch, nil
}
