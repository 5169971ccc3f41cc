package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Words for names and tags of heartbeats.
var (
	jobObjects = []string{"database", "invoice", "warehouse", "newsletter", "ledger", "search index", "mailbox", "certificate", "metrics", "archive"}
	jobVerbs   = []string{"backup", "sync", "report", "clean-up", "import", "export", "renewal", "check", "rotation", "rebuild"}
	tagNames   = []string{"db", "billing", "eu", "us", "nightly", "weekly", "critical", "legacy"}
)

// variedHeartbeats is the number of heartbeats in the page benchmark.
const variedHeartbeats = 10_000

// addVariedHeartbeats adds realistic heartbeats to a database: with names, tags and
// every status. It returns the first.
func addVariedHeartbeats(ctx context.Context, address string) (first monitor.Heartbeat, err error) {
	db, err := store.Open(ctx, address)
	if err != nil {
		return first, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	now := time.Now().UTC().Truncate(monitor.Precision)
	err = db.Update(ctx, func(tx *store.Tx) error {
		project, err := tx.ProjectBySlugOrName("main")
		if err != nil {
			return err
		}
		var transitions []store.Transition
		for i := range variedHeartbeats {
			h, err := tx.AddHeartbeat(variedHeartbeat(i, project.Key, now))
			if err != nil {
				return err
			}
			if i == 0 {
				first = h
			}
			transitions = append(transitions, withStatus(i, h, now)...)
		}
		_, err = tx.Save(now, transitions)
		return err
	})
	if err != nil {
		return first, fmt.Errorf("varied heartbeats: %w", err)
	}
	return first, nil
}

// variedHeartbeat returns heartbeat number i, without pings.
func variedHeartbeat(i int, project int64, now time.Time) monitor.Heartbeat {
	name := fmt.Sprintf("%s %s %04d", jobObjects[i%len(jobObjects)], jobVerbs[i/len(jobObjects)%len(jobVerbs)], i)
	tags := []string{tagNames[i%len(tagNames)]}
	if i%3 == 0 {
		tags = append(tags, tagNames[(i+3)%len(tagNames)])
	}
	return monitor.Heartbeat{
		ID: uuid.NewString(), Ref: fmt.Sprintf("%032x", i), Project: project, Name: name, Slug: fmt.Sprintf("job-%04d", i), Tags: tags,
		Rule:        monitor.Rule{Interval: time.Duration(1+i%24) * time.Hour, Grace: time.Hour, Methods: monitor.AnyMethod},
		AllChannels: true, Status: monitor.New, Created: now.Add(-30 * 24 * time.Hour), Updated: now,
	}
}

// withStatus returns the transition that gives heartbeat number i its status: of each
// 20 heartbeats, one is New, one Down, one Late, one Paused, and the others are Up.
func withStatus(i int, h monitor.Heartbeat, now time.Time) []store.Transition {
	ping := monitor.Ping{Kind: monitor.PingSuccess, At: now.Add(-time.Duration(i%50) * time.Minute), ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1"}
	switch i % 20 {
	case 1:
		return nil
	case 2:
		ping.Kind = monitor.PingFail
	case 3:
		ping.At = now.Add(-h.Rule.Interval - 10*time.Minute)
	}
	after, change := h.ApplyPing(ping, ping.At)
	if i%20 == 4 {
		after, change = after.Pause(now, now)
	}
	return []store.Transition{{Heartbeat: after, Change: change}}
}
