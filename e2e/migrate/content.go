package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/client"
	"overdue/e2e/binary"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// rule is never due during a run.
var rule = monitor.Rule{Interval: 30 * 24 * time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod}

// serveFlags are flags of all servers.
var serveFlags = []string{"--public-url", "http://overdue.example.com", "--owner-email", "ada@example.com", "--owner-password", "correct horse battery staple"}

// body is the body of each ping.
var body = []byte(strings.Repeat("output of a job\n", 20))

// Rows of one transaction, and the share of heartbeats that fail.
const (
	rowsPerCommit = 2000
	oneFailsOf    = 50
)

// fill creates a database with a channel, heartbeats, pings and incidents.
func (r *run) fill(ctx context.Context, address string) error {
	s, err := binary.Serve(r.program, append(serveFlags, "--database", address)...)
	if err != nil {
		return err
	}
	defer s.Kill()
	key, err := exec.Command(r.program, "api-key", "create", "--name", "test", "--database", address).Output()
	if err != nil {
		return err
	}
	r.api = strings.TrimSpace(string(key))
	kind, name := "webhook", "on call"
	if _, err := client.New("http://"+s.Address, r.api).CreateChannel(ctx, client.ChannelSettings{
		Kind: &kind, Name: &name, Settings: map[string]any{"url": "https://alerts.example.com/secret-path"},
	}); err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	db, err := store.Open(ctx, address)
	if err != nil {
		return err
	}
	return errors.Join(r.fillTables(ctx, db), db.Close())
}

// fillTables adds heartbeats and their pings.
func (r *run) fillTables(ctx context.Context, db *store.DB) error {
	begun := time.Now().UTC().Truncate(monitor.Precision).Add(-time.Hour)
	var all []monitor.Heartbeat
	err := db.Update(ctx, func(tx *store.Tx) error {
		all = nil
		projects, err := tx.Projects()
		if err != nil {
			return err
		}
		for n := range r.heartbeats {
			name := fmt.Sprintf("job %05d", n)
			h, err := tx.AddHeartbeat(monitor.Heartbeat{
				ID: uuid.NewString(), Ref: uuid.NewString(), Project: projects[0].Key, Name: name, Slug: name, Rule: rule,
				AllChannels: true, Status: monitor.New, Created: begun, Updated: begun,
			})
			if err != nil {
				return err
			}
			all = append(all, h)
		}
		return nil
	})
	for round := 0; err == nil && round*r.heartbeats < r.pings; round++ {
		at := begun.Add(time.Duration(round) * time.Second)
		for from := 0; err == nil && from < len(all); from += rowsPerCommit {
			err = db.Update(ctx, func(tx *store.Tx) error { return pingAll(tx, all[from:min(len(all), from+rowsPerCommit)], at, round) })
		}
	}
	return err
}

// pingAll stores a ping of each heartbeat. Some heartbeats fail now and then.
func pingAll(tx *store.Tx, heartbeats []monitor.Heartbeat, at time.Time, round int) error {
	ids := make([]string, len(heartbeats))
	for i, h := range heartbeats {
		ids[i] = h.ID
	}
	found, err := tx.HeartbeatsForPings(ids)
	if err != nil {
		return err
	}
	var transitions []store.Transition
	for i, id := range ids {
		p := monitor.Ping{Kind: monitor.PingSuccess, At: at, ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl", Body: body, BodySize: int64(len(body))}
		if i%oneFailsOf == 0 && round%10 == 5 {
			p.Kind = monitor.PingFail
		}
		h, change := found[id].ApplyPing(p, p.At)
		transitions = append(transitions, store.Transition{Heartbeat: h, Change: change})
	}
	_, err = tx.Save(at, transitions)
	return err
}

// snapshot is what the API returns, as JSON.
type snapshot struct {
	heartbeats, incidents, channels, details string
	ids                                      []string         // of some heartbeats
	last                                     client.Heartbeat // not in heartbeats
}

// killedServer sends pings to a server and kills it: the newest pings are only in its
// write-ahead log. It returns what the API returned before.
func (r *run) killedServer(ctx context.Context, address string) (snapshot, error) {
	s, err := binary.Serve(r.program, append(serveFlags, "--database", address)...)
	if err != nil {
		return snapshot{}, err
	}
	defer s.Kill()
	first, err := r.read(ctx, s.Address)
	if err != nil {
		return first, err
	}
	if err := ping(ctx, s.Address, first.ids); err != nil {
		return first, err
	}
	api := client.New("http://"+s.Address, r.api)
	for incident, err := range api.AllIncidents(ctx, client.IncidentQuery{PageQuery: client.PageQuery{Limit: 200}}) {
		if err != nil {
			return first, err
		}
		if _, err := api.AddNote(ctx, incident.ID, "the disk was full — vyřešeno"); err != nil {
			return first, err
		}
	}
	read, err := r.read(ctx, s.Address)
	if err != nil {
		return read, err
	}
	read.last.PingsCount++ // nothing reads this ping, so it stays in the log
	return read, ping(ctx, s.Address, []string{*read.last.ID})
}

// snapshotOf starts a server on a database that was moved, compares it with an
// earlier snapshot, and pings its heartbeats at their old URLs.
func (r *run) snapshotOf(ctx context.Context, address, key string, before snapshot) (snapshot, error) {
	s, err := binary.Serve(r.program, append(serveFlags, "--database", address, "--secret-key-file", key)...)
	if err != nil {
		return snapshot{}, err
	}
	defer s.Kill()
	now, err := r.read(ctx, s.Address)
	if err != nil {
		return now, err
	}
	if now.last.PingsCount != before.last.PingsCount {
		return now, fmt.Errorf("the last heartbeat has %d pings; want %d", now.last.PingsCount, before.last.PingsCount)
	}
	for name, pair := range map[string][2]string{
		"heartbeats": {before.heartbeats, now.heartbeats}, "incidents": {before.incidents, now.incidents},
		"channels": {before.channels, now.channels}, "details": {before.details, now.details},
	} {
		if pair[0] != pair[1] {
			return now, fmt.Errorf("%s differ: %s", name, firstDifference(pair[0], pair[1]))
		}
		fmt.Printf("%s: %d bytes of JSON, equal\n", name, len(pair[1]))
	}
	if err := ping(ctx, s.Address, now.ids); err != nil {
		return now, err
	}
	fmt.Printf("pings to old URLs answered with 200: %d\n", len(now.ids))
	if now, err = r.read(ctx, s.Address); err != nil {
		return now, err
	}
	return now, s.Stop()
}

// read reads everything that the API lists. The pings of a few heartbeats and the
// deliveries of a few incidents stand for all.
func (r *run) read(ctx context.Context, address string) (s snapshot, err error) {
	api := client.New("http://"+address, r.api)
	var details []any
	heartbeats, err := collect(api.AllHeartbeats(ctx, client.HeartbeatQuery{Sort: "name", PageQuery: client.PageQuery{Limit: 200}}))
	if err != nil {
		return s, err
	}
	s.last = heartbeats[len(heartbeats)-1]
	heartbeats = heartbeats[:len(heartbeats)-1]
	for i := 0; i < len(heartbeats); i += len(heartbeats)/50 + 1 {
		s.ids = append(s.ids, *heartbeats[i].ID)
		pings, err := collect(api.AllPings(ctx, *heartbeats[i].ID, client.PageQuery{Limit: 200}))
		if err != nil {
			return s, err
		}
		text, err := api.PingBody(ctx, *heartbeats[i].ID, 1)
		if err != nil {
			return s, err
		}
		details = append(details, pings, text)
	}
	incidents, err := collect(api.AllIncidents(ctx, client.IncidentQuery{PageQuery: client.PageQuery{Limit: 200}}))
	if err != nil {
		return s, err
	}
	for i := 0; i < len(incidents); i += len(incidents)/50 + 1 {
		incident, err := api.Incident(ctx, incidents[i].ID)
		if err != nil {
			return s, err
		}
		for _, entry := range incident.Timeline {
			if entry.Kind != "delivery" { // the channel is retried meanwhile
				details = append(details, entry)
			}
		}
	}
	channels, err := api.Channels(ctx, client.PageQuery{})
	if err != nil {
		return s, err
	}
	for i := range channels.Items {
		s.channels += fmt.Sprint(channels.Items[i].ID, channels.Items[i].Name, channels.Items[i].Settings)
	}
	s.heartbeats, s.incidents, s.details = asJSON(heartbeats), asJSON(incidents), asJSON(details)
	return s, nil
}

// collect returns all items of a list.
func collect[T any](items iter.Seq2[T, error]) (all []T, err error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// asJSON returns a value as JSON.
func asJSON(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	return string(b) + fmt.Sprint(err)
}

// firstDifference returns the surroundings of the first difference of two texts.
func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	around := func(s string) string { return s[max(0, min(len(s), i)-200):min(len(s), i+100)] }
	return around(a) + "\n--- became ---\n" + around(b)
}
