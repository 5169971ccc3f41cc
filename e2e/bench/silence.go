package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Data and limits of the silence benchmark. maxDetectionTime is in milliseconds.
const (
	maxDetectionTime = 10_000
	silenceTimeout   = 60 * time.Second
	pollInterval     = 100 * time.Millisecond
	pingRate         = 200 // pings per second to the heartbeats that are still pinged
)

// silence measures how long the server takes to open the incidents of many heartbeats
// with the same deadline, and the latency of pings meanwhile.
func (b *bench) silence(ctx context.Context) error {
	return b.onEachDatabase(ctx, "silence", b.silenceOn)
}

func (b *bench) silenceOn(ctx context.Context, on database) error {
	begun := time.Now()
	seeded, err := seedSilence(ctx, on.address)
	if err != nil {
		return err
	}
	b.progress("silence: %d heartbeats added to %s in %s", silentHeartbeats+pingedHeartbeats, on.name, time.Since(begun).Round(100*time.Millisecond))
	s, r, err := b.serveWithReceiver(ctx, on)
	if err != nil {
		return err
	}
	defer s.kill()
	defer r.close()
	if err := b.observeSilence(ctx, on.name, s, r, seeded); err != nil {
		return err
	}
	return s.stop()
}

// observeSilence measures what happens after the deadline.
func (b *bench) observeSilence(ctx context.Context, on string, s *server, r *receiver, seeded silenceData) error {
	if left := time.Until(seeded.deadline); left < time.Second {
		return fmt.Errorf("the server was ready only %s before the deadline", left)
	}
	p, err := startPaced(ctx, s.address, requests(seeded.pingedIDs), pingRate)
	if err != nil {
		return err
	}
	allOpen, waitErr := s.waitUntilAllOpen(ctx, seeded.deadline)
	delivered, webhooks := r.received()
	done := time.Now()
	meanwhile, err := p.stop()
	if err := errors.Join(waitErr, err); err != nil {
		return err
	}
	if len(webhooks) == 0 {
		if err := r.waitFor(ctx, 1, time.Now().Add(silenceTimeout)); err != nil {
			return err
		}
		_, webhooks = r.received()
	}
	if _, err := webhooks[0].opened(); err != nil {
		return err
	}
	took := meanwhile.since(seeded.deadline)
	if len(took) == 0 {
		return errors.New("no ping was sent meanwhile")
	}
	b.report.add(figure{"silence", on, "100,000 deadlines at once, until all incidents are open", ms(allOpen.Sub(seeded.deadline)), "ms", atMost(maxDetectionTime)})
	b.report.add(figure{"silence", on, "until the first alert arrived", ms(webhooks[0].at.Sub(seeded.deadline)), "ms", nil})
	b.report.add(figure{"silence", on, "alerts delivered meanwhile", float64(delivered) / done.Sub(seeded.deadline).Seconds(), "/s", nil})
	b.report.spread("silence", on, "pings meanwhile", took, nil)
	b.report.add(figure{"silence", on, "pings not answered OK", float64(meanwhile.rejected), fmt.Sprintf("of %d", len(meanwhile.took)), atMost(0)})
	return nil
}

// waitUntilAllOpen waits until every silent heartbeat has an incident, and returns the
// time at which it observed that.
func (s *server) waitUntilAllOpen(ctx context.Context, deadline time.Time) (time.Time, error) {
	if err := sleepUntil(ctx, deadline); err != nil {
		return time.Time{}, err
	}
	for {
		open, err := s.gauge(ctx, "overdue_incidents_open")
		now := time.Now()
		switch {
		case err != nil:
			return now, err
		case open >= silentHeartbeats:
			return now, nil
		case now.Sub(deadline) > silenceTimeout:
			return now, fmt.Errorf("%.0f incidents are open %s after the deadline; want %d", open, silenceTimeout, silentHeartbeats)
		}
		if err := sleepUntil(ctx, now.Add(pollInterval)); err != nil {
			return now, err
		}
	}
}
