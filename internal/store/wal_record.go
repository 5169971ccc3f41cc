package store

import (
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// walRecord is a ping in the journal: all of Heard, in few bytes. Moments are in
// microseconds, as everywhere in the store.
type walRecord struct {
	ID        string            `json:"i"`
	Watermark int64             `json:"h"`
	At        int64             `json:"a"`
	Kind      monitor.PingKind  `json:"k"`
	RunID     string            `json:"r,omitempty"`
	ExitCode  int               `json:"x"`
	Method    string            `json:"m"`
	Source    string            `json:"s"`
	UserAgent string            `json:"u,omitempty"`
	Body      []byte            `json:"b,omitempty"`
	Flags     monitor.PingFlags `json:"f,omitempty"`
	Number    int64             `json:"n"` // number of the ping; a heartbeat that counts as many pings includes it
}

// encodeRecord is a batch as a record of the journal. judged are its pings in their
// order, without those for unknown ids.
func encodeRecord(batch []ReceivedPing, judged []Transition) ([]byte, error) {
	entries := make([]walRecord, 0, len(judged))
	for _, b := range batch {
		if len(entries) == len(judged) || judged[len(entries)].Heartbeat.ID != b.ID {
			continue // nobody's
		}
		p := b.Ping
		entries = append(entries, walRecord{
			b.ID, b.Watermark.UnixMicro(), p.At.UnixMicro(), p.Kind, p.RunID, p.ExitCode, p.Method, p.Source, p.UserAgent, p.Body, p.Flags,
			judged[len(entries)].Change.Ping.Number,
		})
	}
	record, err := json.Marshal(entries)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return record, nil
}

// decodeRecord reads a record of the journal.
func decodeRecord(record []byte) ([]ReceivedPing, error) {
	var entries []walRecord
	if err := json.Unmarshal(record, &entries); err != nil {
		return nil, fmt.Errorf("record of the journal: %w", err)
	}
	batch := make([]ReceivedPing, len(entries))
	for i, e := range entries {
		batch[i] = ReceivedPing{ID: e.ID, Watermark: time.UnixMicro(e.Watermark).UTC(), Ping: monitor.Ping{
			Kind: e.Kind, At: time.UnixMicro(e.At).UTC(), RunID: e.RunID, ExitCode: e.ExitCode, Method: e.Method,
			Source: e.Source, UserAgent: e.UserAgent, Body: e.Body, BodySize: int64(len(e.Body)), Number: e.Number, Flags: e.Flags,
		}}
	}
	return batch, nil
}
