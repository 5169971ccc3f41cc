package writebehind

import (
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// record is a ping in the WAL: all of ReceivedPing, in few bytes. Times are in
// microseconds, as everywhere in the store.
type record struct {
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
	Number    int64             `json:"n"` // a heartbeat whose count is at least this number includes the ping
}

// encodeBatch returns a batch as a record of the WAL. transitions are those of its
// pings in their order, without pings for unknown ids.
func encodeBatch(batch []ReceivedPing, transitions []Transition) ([]byte, error) {
	records := make([]record, 0, len(transitions))
	for _, received := range batch {
		if len(records) == len(transitions) || transitions[len(records)].Heartbeat.ID != received.ID {
			continue // unknown id
		}
		p := received.Ping
		records = append(records, record{
			received.ID, received.Watermark.UnixMicro(), p.At.UnixMicro(), p.Kind, p.RunID, p.ExitCode, p.Method, p.Source, p.UserAgent, p.Body, p.Flags,
			transitions[len(records)].Change.Ping.Number,
		})
	}
	text, err := json.Marshal(records)
	if err != nil {
		return nil, fmt.Errorf("WAL record: %w", err)
	}
	return text, nil
}

// DecodeBatch returns the pings of a record of the WAL, with their numbers.
func DecodeBatch(text []byte) ([]ReceivedPing, error) {
	var records []record
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
