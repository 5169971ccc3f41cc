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

// Words that names and tags of heartbeats are made of.
var (
	jobObjects = []string{"database", "invoice", "warehouse", "newsletter", "ledger", "search index", "mailbox", "certificate", "metrics", "archive"}
	jobVerbs   = []string{"backup", "sync", "report", "clean-up", "import", "export", "renewal", "check", "rotation", "rebuild"}
	tagNames   = []string{"db", "billing", "eu", "us", "nightly", "weekly", "critical", "legacy"}
)

// variedHeartbeats is the number of heartbeats in the measurement of the pages.
const variedHeartbeats = 10_000

// addVariedHeartbeats fills a database with realistic heartbeats: names, tags and every
// status. It returns the first.
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
		var judged []store.Transition
		for i := range variedHeartbeats {
			h, err := tx.AddHeartbeat(variedHeartbeat(i, project.Key, now))
			if err != nil {
				return err
			}
			if i == 0 {
				first = h
			}
			judged = append(judged, withStatus(i, h, now)...)
		}
		_, err = tx.Save(now, judged)
		return err
	})
	if err != nil {
		return first, fmt.Errorf("furnish: %w", err)
	}
	return first, nil
}

// variedHeartbeat returns the heartbeat with a number. It has no pings.
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

// withStatus gives the heartbeat a status: of twenty, one is New, one Down, one Late,
// one Paused, and the others are Up.
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
	heard, change := h.ApplyPing(ping, ping.At)
	if i%20 == 4 {
		heard, change = heard.Pause(now, now)
	}
	return []store.Transition{{Heartbeat: heard, Change: change}}
}
