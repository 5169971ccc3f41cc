package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Data and limits of the cleanup benchmark.
const (
	expiredHeartbeats = 1_000
	expiredPings      = 1_000 // per heartbeat
	expiredIncidents  = 200   // per heartbeat, each with two alerts and two attempts
	expiredAge        = 500 * 24 * time.Hour
	cleanupTimeout    = 20 * time.Minute
	cleanupSegment    = time.Minute // of the load, which keeps all latencies of a segment in memory
	maxCleanupPing    = 50          // p99 in ms
	cleanupMetric     = "overdue_expired_rows_deleted_total"
	stepMetric        = "overdue_cleanup_step_seconds"
)

// cleanup measures pings while the server deletes a million expired pings and 200,000
// expired incidents.
func (b *bench) cleanup(ctx context.Context) error {
	return b.onEach(ctx, b.cleanupOn)
}

func (b *bench) cleanupOn(ctx context.Context, kind string, v build) error {
	if v.isEarlier() {
		return nil // the expired rows are written with the schema of this build
	}
	begun := time.Now()
	s, r, err := b.startWithReceiver(ctx, dataset{kind: kind, heartbeats: 20, build: v}) // creates the channel
	if err != nil {
		return err
	}
	r.close()
	if err := s.stop(); err != nil {
		return err
	}
	on := s.database
	ids, err := seedExpired(ctx, on.address)
	if err != nil {
		return err
	}
	b.progress("cleanup: %d pings and %d incidents added to %s in %s", expiredHeartbeats*expiredPings, expiredHeartbeats*expiredIncidents, kind, time.Since(begun).Round(time.Second))
	// Without a cleanup, for comparison.
	took, rejected, _, err := b.pingDuringCleanup(ctx, on, ids, "--keep-pings=forever", "--keep-incidents=forever")
	if err != nil {
		return err
	}
	s.spread("cleanup", "pings without a cleanup", took, nil)
	begun = time.Now()
	took, more, slow, err := b.pingDuringCleanup(ctx, on, ids)
	if err != nil {
		return err
	}
	s.spread("cleanup", "pings during a cleanup", took, report.AtMost(maxCleanupPing))
	s.add("cleanup", "pings not answered OK", float64(rejected+more), "", report.AtMost(0))
	s.add("cleanup", "steps that took more than 50 ms", 100*slow, "%", report.AtMost(5))
	s.add("cleanup", "until all was deleted", time.Since(begun).Seconds(), "s", nil)
	return b.remove(on)
}

// pingDuringCleanup starts a server and sends pings until the cleanup has deleted
// everything, or for one segment if it deletes nothing. slow is the part of the steps
// that took more than 50 ms.
func (b *bench) pingDuringCleanup(ctx context.Context, on database, ids []string, flags ...string) (took load.Latencies, rejected int, slow float64, err error) {
	s, err := b.serve(ctx, on, flags...)
	if err != nil {
		return nil, 0, 0, err
	}
	defer s.kill()
	for deadline := time.Now().Add(cleanupTimeout); ; {
		p, err := load.StartPaced(ctx, s.address, load.PingsTo(ids), load.Plan{Rate: pingRate, Connections: pacedConnections})
		if err != nil {
			return nil, 0, 0, err
		}
		waitErr := sleepUntil(ctx, time.Now().Add(cleanupSegment))
		segment, err := p.Stop()
		if err := errors.Join(waitErr, err); err != nil {
			return nil, 0, 0, err
		}
		took, rejected = append(took, segment.Since(time.Time{})...), rejected+segment.Rejected()
		incidents, err := s.gauge(ctx, cleanupMetric+`{table="incidents"}`)
		if len(flags) > 0 {
			return took, rejected, 0, s.stop()
		}
		if err == nil && incidents >= expiredHeartbeats*expiredIncidents {
			break
		}
		if time.Now().After(deadline) {
			return nil, 0, 0, fmt.Errorf("%.0f incidents were deleted in %s", incidents, cleanupTimeout)
		}
	}
	fast, err := s.gauge(ctx, stepMetric+`_bucket{le="0.05"}`)
	if err != nil {
		return nil, 0, 0, err
	}
	all, err := s.gauge(ctx, stepMetric+"_count")
	if err != nil {
		return nil, 0, 0, err
	}
	return took, rejected, 1 - fast/all, s.stop()
}

// seedExpired fills a database with an expired history, and returns the ids of the
// heartbeats.
func seedExpired(ctx context.Context, address string) (ids []string, err error) {
	db, err := store.Open(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetRetention(monitor.Retention{})
	var project monitor.Project
	var channel monitor.Channel
	err = db.Update(ctx, func(tx *store.Tx) error {
		if project, err = tx.ProjectBySlugOrName("main"); err != nil {
			return err
		}
		channels, err := tx.ChannelRoutes(project.Key)
		if err != nil || len(channels) == 0 {
			return errors.Join(err, errors.New("no channel"))
		}
		channel = channels[0]
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	heartbeats, err := addMany(ctx, db, project.Key, expiredHeartbeats)
	if err != nil {
		return nil, err
	}
	for _, h := range heartbeats {
		ids = append(ids, h.ID)
	}
	at := time.Now().UTC().Truncate(monitor.Precision).Add(-expiredAge)
	for range expiredIncidents {
		if err := addExpired(ctx, db, heartbeats, channel, at); err != nil {
			return nil, fmt.Errorf("seed: %w", err)
		}
		at = at.Add(time.Minute)
	}
	return ids, nil
}

// addMany adds n heartbeats without pings.
func addMany(ctx context.Context, db *store.DB, project int64, n int) (all []monitor.Heartbeat, err error) {
	now := time.Now().UTC().Truncate(monitor.Precision)
	return all, db.Update(ctx, func(tx *store.Tx) error {
		all = nil
		for i := range n {
			name := fmt.Sprintf("job %06d", i)
			h, err := tx.AddHeartbeat(monitor.Heartbeat{
				ID: uuid.NewString(), Ref: name, Project: project, Name: name, Slug: name,
				Rule: monitor.Rule{Interval: time.Hour, Methods: monitor.AnyMethod}, AllChannels: true, Status: monitor.New, Created: now, Updated: now,
			})
			if err != nil {
				return fmt.Errorf("seed: %w", err)
			}
			all = append(all, h)
		}
		return nil
	})
}

// addExpired adds some pings and a resolved incident to each heartbeat.
func addExpired(ctx context.Context, db *store.DB, heartbeats []monitor.Heartbeat, channel monitor.Channel, at time.Time) error {
	var transitions []store.Transition
	for i := range heartbeats {
		h := &heartbeats[i]
		for range expiredPings / expiredIncidents {
			h.PingCount++
			ping := monitor.Ping{Number: h.PingCount, Kind: monitor.PingLog, At: at, ExitCode: monitor.NoExitCode, Method: "POST", Source: "192.0.2.1", UserAgent: "curl/8.5.0", Body: []byte(uuid.NewString()), BodySize: 36}
			transitions = append(transitions, store.Transition{Heartbeat: *h, Change: monitor.Change{Ping: ping}})
		}
		transitions = append(transitions, store.Transition{Heartbeat: *h, Change: monitor.Change{
			Opened:   &monitor.Opening{Cause: monitor.CauseMissed, At: at, Due: at, Reason: "A ping was expected by then, and none came."},
			Resolved: &monitor.Resolution{Reason: monitor.ResolvedByPing, At: at},
		}})
	}
	return db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Save(at, transitions); err != nil {
			return err
		}
		for {
			alerts, err := tx.Claim(channel.ID, "bench", at, at.Add(time.Hour), 2*len(heartbeats))
			if err != nil || len(alerts) == 0 {
				return err
			}
			for _, a := range alerts {
				if _, err := tx.MarkSent(a.ID); err != nil {
					return err
				}
				if err := tx.AddAttempt(store.Attempt{AlertID: a.ID, Number: 1, At: at, Took: time.Second, Outcome: "sent", Status: 200}); err != nil {
					return err
				}
			}
		}
	})
}
