package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How the mass silence is measured, and how long it may take, in milliseconds.
const (
	mostSilence   = 10_000
	giveUp        = 60 * time.Second
	pollEvery     = 100 * time.Millisecond
	meanwhileRate = 200 // pings a second to the heartbeats that live
)

// silence measures how long it takes to notice that very many heartbeats are
// due at the same instant, and the latency of pings at that time.
func (b *bench) silence(ctx context.Context) error {
	for _, place := range b.places("silence") {
		if err := b.silenceOn(ctx, place); err != nil {
			return fmt.Errorf("%s: %w", place.name, err)
		}
	}
	return nil
}

func (b *bench) silenceOn(ctx context.Context, place place) (err error) {
	address, end, err := place.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	key, err := b.newKey(ctx, address)
	if err != nil {
		return err
	}
	begun := time.Now()
	seeded, err := seed(ctx, address)
	if err != nil {
		return err
	}
	b.say("silence: %d heartbeats put into %s in %s", silentOnes+livingOnes, place.name, time.Since(begun).Round(100*time.Millisecond))
	s, err := b.serve(ctx, address, key, "--allow-private-networks")
	if err != nil {
		return err
	}
	defer s.kill()
	r, err := receive()
	if err != nil {
		return err
	}
	defer r.close()
	if err := s.tell(ctx, r); err != nil {
		return err
	}
	if err := b.fallSilent(ctx, place.name, s, r, seeded); err != nil {
		return err
	}
	return s.stop()
}

// fallSilent measures what happens after the deadline.
func (b *bench) fallSilent(ctx context.Context, on string, s *server, r *receiver, seeded seeded) error {
	if left := time.Until(seeded.deadline); left < time.Second {
		return fmt.Errorf("the server was ready only %s before the deadline", left)
	}
	p, err := pace(ctx, s.address, requests(seeded.living), meanwhileRate)
	if err != nil {
		return err
	}
	noticed, waited := s.allOpen(ctx, seeded.deadline)
	told, notices := r.taken()
	done := time.Now()
	meanwhile, err := p.stop()
	if err := errors.Join(waited, err); err != nil {
		return err
	}
	if len(notices) == 0 {
		if err := r.await(ctx, 1, time.Now().Add(giveUp)); err != nil {
			return err
		}
		_, notices = r.taken()
	}
	if _, err := notices[0].opened(); err != nil {
		return err
	}
	took := meanwhile.since(seeded.deadline)
	if len(took) == 0 {
		return errors.New("no ping was sent meanwhile")
	}
	b.report.add(figure{"silence", on, "100,000 deadlines at once, until all incidents are open", ms(noticed.Sub(seeded.deadline)), "ms", atMost(mostSilence)})
	b.report.add(figure{"silence", on, "until the first alert came", ms(notices[0].at.Sub(seeded.deadline)), "ms", nil})
	b.report.add(figure{"silence", on, "alerts told meanwhile", float64(told) / done.Sub(seeded.deadline).Seconds(), "/s", nil})
	b.report.spread("silence", on, "pings meanwhile", took, nil)
	b.report.add(figure{"silence", on, "pings not answered OK", float64(meanwhile.refused), fmt.Sprintf("of %d", len(meanwhile.took)), atMost(0)})
	return nil
}

// allOpen waits until every silent heartbeat has its incident, and returns when
// that was seen.
func (s *server) allOpen(ctx context.Context, deadline time.Time) (time.Time, error) {
	if err := wait(ctx, deadline); err != nil {
		return time.Time{}, err
	}
	for {
		open, err := s.gauge(ctx, "overdue_incidents_open")
		now := time.Now()
		switch {
		case err != nil:
			return now, err
		case open >= silentOnes:
			return now, nil
		case now.Sub(deadline) > giveUp:
			return now, fmt.Errorf("%.0f incidents are open %s after the deadline; want %d", open, giveUp, silentOnes)
		}
		if err := wait(ctx, now.Add(pollEvery)); err != nil {
			return now, err
		}
	}
}
