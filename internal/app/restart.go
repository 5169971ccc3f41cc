package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"overdue/internal/loop"
	"overdue/internal/process"
	"overdue/internal/store"
)

// Serve runs a server until ctx ends. After a request to restart, it replaces the
// program of this process, and does not return.
func Serve(ctx context.Context, o Options) error {
	log := o.logger()
	restarter, serving := process.NewRestarter(ctx, log)
	defer restarter.Close()
	s := &server{Options: o, log: log, restarter: restarter, reporter: process.NewReporter(log)}
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx)) // also during the stop
	defer stopWatching()
	go s.reporter.Run(watching, s.reporter.Interval())
	report, err := s.run(serving)
	if err != nil || ctx.Err() != nil || !restarter.Requested() {
		return err
	}
	return restarter.Exec(report.StoppedAccepting, report.Dropped)
}

// CheckStart checks whether a server with these options can start, while another server
// uses the database. It changes nothing.
func CheckStart(ctx context.Context, o Options) error {
	if _, err := o.newSender(nil); err != nil {
		return err
	}
	if err := process.CheckListen(o.Listen); err != nil {
		return err
	}
	db, older, err := store.OpenExisting(ctx, o.Database)
	if err != nil {
		return err
	}
	if !older { // the key can be in a table that does not exist yet
		_, err = o.SecretKey.check(ctx, db, o.Database)
	}
	return errors.Join(err, db.Close())
}

// announceReady reports that pings can be stored.
func (s *server) announceReady(l *process.Listener, e *Engine) {
	started := time.Now()
	s.reporter.Watch(func() process.Health {
		public, _ := e.Ready()
		return process.Health{Status: statusLine(public, e.batcher.StoredCount(), started), Stalled: e.stalled(time.Now())}
	})
	process.NotifyReady(statusLine("", 0, started))
	if p := l.Previous; p != nil {
		s.log.Info("restart complete", "component", "restart", "duration", time.Since(p.StoppedAccepting), "dropped_connections", p.Dropped)
	}
}

// statusLine returns the text for systemctl status. notReady is empty if the server is
// ready.
func statusLine(notReady string, stored int64, since time.Time) string {
	state := "Ready"
	if notReady != "" {
		state = "Not ready: " + notReady
	}
	return fmt.Sprintf("%s. %d pings stored since %s.", state, stored, since.Format(time.DateTime))
}

// announceStop reports that the server stops, or that it restarts.
func (s *server) announceStop() {
	s.reporter.Watch(nil)
	if s.restarter.Requested() {
		s.log.Info("restarting", "component", "restart")
		process.NotifyRestart()
		return
	}
	if err := s.restarter.Close(); err != nil {
		s.log.Warn("restart in place disabled", "component", "restart", "error", err)
	}
	s.log.Info("stopping")
	process.NotifyStop()
}

// sendsTimeout is the time for which a stopping server still accepts pings while the
// last alerts are being sent. A client waits ten seconds for its response, and the next
// server starts only when this one has ended.
const sendsTimeout = 5 * time.Second

// finishSends stops the claims of alerts, and waits for the sends in progress.
func (e *Engine) finishSends(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendsTimeout)
	defer cancel()
	e.dispatcher.Pause(ctx)
}

// stallTimeout is the time after which what does not end counts as stalled. It is longer
// than the timeouts of a run of a loop and of a batch of pings.
const stallTimeout = 25 * time.Second

// stalled returns why only a new process can heal the server: a loop whose run does not
// end, or pings that are neither stored nor rejected. A database that does not answer, or
// a full disk, is not such a reason: a new process would have the same problem, and would
// lose the pings that wait.
func (e *Engine) stalled(now time.Time) error {
	if _, unavailable := e.db.Unavailable(); unavailable != nil {
		return nil
	}
	all := stalledLoops(now, e.started, e.sweep, e.publish, e.delivery, e.files, e.pulse)
	if oldest, waiting := e.inFlight.StoringSince(); waiting && now.Sub(oldest) > stallTimeout {
		all = append(all, fmt.Sprintf("storing pings stalled for %.0f s", now.Sub(oldest).Seconds()))
	}
	if all == nil {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}

// stalledLoops describes the loops that are stalled at now.
func stalledLoops(now, started time.Time, loops ...*loop.Loop) (all []string) {
	for _, l := range loops {
		late, stalled := errors.AsType[*loop.StalledError](l.Check(now))
		switch {
		case !stalled:
		case late.Late == 0 && now.Sub(started) > stallTimeout, late.Late > stallTimeout:
			all = append(all, late.Error())
		}
	}
	return all
}
