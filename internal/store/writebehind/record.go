package writebehind

import (
	"encoding/binary"
	"strings"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// A record of the WAL holds one batch of pings:
//
//	format   1 byte: recordFormat
//	count    number of pings
//	pings    one after another
//
// A ping begins with a byte that says which of the parts below follow, in their order.
// Then come its arrival, its number and its exit code. Numbers are varints of
// encoding/binary, and texts follow their length. Times are in microseconds, as everywhere
// in the store; an arrival is relative to that of the previous ping, because those of a
// batch are close together.
//
// In a record of the format recordWithHosts, the host of each ping follows its parts as a text. Only
// batches with a host are such records, so that earlier versions read all others.
//
// Earlier versions wrote JSON, which begins with a bracket. DecodeBatch reads it too, so
// that a server that was killed can be upgraded.
const recordFormat = 1

// recordWithHosts is the format of records with the hosts of pings.
const recordWithHosts = 2

// The parts of a ping. A text that is absent is that of the previous ping in the record,
// or empty in the first one: many pings come from the same kind of client.
const (
	partTextID    = 1 << iota // the id is a text; otherwise it is the 16 bytes of a UUID, without a length
	partKind                  // the kind
	partMethod                // the method
	partSource                // the source
	partUserAgent             // the user agent
	partRunID                 // the run id, empty if absent
	partBody                  // the body, empty if absent
	partRare                  // the arrival minus the watermark, and a byte of flags; both 0 if absent
)

// usualPingLength is the length of most pings in a record, in bytes.
const usualPingLength = 40

// encodeBatch returns a batch as a record of the WAL. transitions are those of its pings in
// their order, without pings for unknown ids.
func encodeBatch(batch []ReceivedPing, transitions []Transition) ([]byte, error) {
	to := make([]byte, 0, usualPingLength*(len(transitions)+2))
	format := recordFormatOf(batch)
	to = binary.AppendUvarint(append(to, format), uint64(len(transitions)))
	written, previous, before := 0, &monitor.Ping{}, int64(0)
	for i := range batch {
		received := &batch[i]
		if written == len(transitions) || transitions[written].Heartbeat.ID != received.ID {
			continue // unknown id
		}
		to = appendParts(to, received, previous)
		if format == recordWithHosts {
			to = appendText(to, received.Ping.Host)
		}
		arrival := received.Ping.At.UnixMicro()
		to = binary.AppendVarint(to, arrival-before)
		to = binary.AppendVarint(to, transitions[written].Change.Ping.Number)
		to = binary.AppendVarint(to, int64(received.Ping.ExitCode))
		previous, before = &received.Ping, arrival
		written++
	}
	return to, nil
}

// recordFormatOf returns the format of the record of a batch.
func recordFormatOf(batch []ReceivedPing) byte {
	for i := range batch {
		if batch[i].Ping.Host != "" {
			return recordWithHosts
		}
	}
	return recordFormat
}

// appendParts appends the parts of a ping that differ from what a reader assumes.
func appendParts(to []byte, received *ReceivedPing, previous *monitor.Ping) []byte {
	p, parts, first := &received.Ping, byte(0), len(to)
	to = append(to, 0) // parts
	if id, isUUID := parseUUID(received.ID); isUUID {
		to = append(to, id[:]...)
	} else {
		parts |= partTextID
		to = appendText(to, received.ID)
	}
	for i, texts := range [...][2]string{
		{string(p.Kind), string(previous.Kind)}, {p.Method, previous.Method}, {p.Source, previous.Source}, {p.UserAgent, previous.UserAgent}, {p.RunID, ""},
	} {
		if texts[0] != texts[1] {
			parts |= partKind << i
			to = appendText(to, texts[0])
		}
	}
	if len(p.Body) > 0 {
		parts |= partBody
		to = append(binary.AppendUvarint(to, uint64(len(p.Body))), p.Body...)
	}
	if early := p.At.UnixMicro() - received.Watermark.UnixMicro(); early != 0 || p.Flags != 0 {
		parts |= partRare
		to = append(binary.AppendVarint(to, early), byte(p.Flags))
	}
	to[first] = parts
	return to
}

// appendText appends a text after its length.
func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// parseUUID returns the bytes of an id, if they have only one text.
func parseUUID(s string) (id uuid.UUID, ok bool) {
	id, err := uuid.Parse(s)
	return id, err == nil && len(s) == 36 && !strings.ContainsAny(s, "ABCDEF")
}
