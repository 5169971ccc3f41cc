package live

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"time"
)

// Timing of the refreshes of a view.
const (
	quietInterval       = time.Second            // between two refreshes because of pings
	urgentInterval      = 250 * time.Millisecond // between two refreshes because of other changes
	defaultPollInterval = 2 * time.Second        // finds changes without a signal, such as those of deliveries
	refreshTimeout      = 30 * time.Second
)

// Refreshes because of pings may use this share of the processors. With many different
// views they become less frequent, but are at most maxQuietDelay late.
const (
	quietShare    = 0.01
	maxQuietDelay = 4 * time.Second
	maxWriteTime  = time.Millisecond // of one stream that counts: the rest is waiting
)

// maxFingerprints is the number of heartbeats of one comparison.
const maxFingerprints = 2000

// start starts the goroutine that refreshes views, and tells it that there is something to
// do. The caller holds mu.
func (f *Feed) start() {
	if f.wake == nil {
		ctx, cancel := context.WithCancel(context.Background())
		f.wake, f.cancel = make(chan struct{}, 1), cancel
		f.pollAt = time.Now().Add(f.pollInterval())
		go f.run(ctx, f.wake)
	}
	f.signal()
}

// signal wakes the goroutine that refreshes. The caller holds mu.
func (f *Feed) signal() {
	select {
	case f.wake <- struct{}{}:
	default: // it has not read the previous signal yet
	}
}

func (f *Feed) pollInterval() time.Duration { return cmp.Or(f.PollInterval, defaultPollInterval) }

// schedule marks a view. The caller holds mu.
func (f *Feed) schedule(v *view, m mark) {
	if v.mark >= m {
		return
	}
	if v.mark = m; m == urgent {
		v.due = v.last.Add(urgentInterval)
	} else {
		v.due = v.last.Add(quietInterval)
	}
	f.signal()
}

// run refreshes views until the last one is closed.
func (f *Feed) run(ctx context.Context, wake <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		job, wait, done := f.next(time.Now())
		if done {
			return
		}
		if job != nil {
			begun := time.Now()
			job(ctx)
			f.rest(time.Since(begun) + time.Duration(f.writeTime.Swap(0)))
			continue
		}
		timer.Reset(wait)
		select {
		case <-wake:
		case <-timer.C:
		}
	}
}

// rest limits the share of the processors that refreshes because of pings use.
func (f *Feed) rest(spent time.Duration) {
	share := min(quietShare*float64(runtime.GOMAXPROCS(0)), 0.5)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.restUntil.Before(now) {
		f.restUntil = now
	}
	f.restUntil = earlier(f.restUntil.Add(time.Duration(float64(spent)*(1/share-1))), now.Add(maxQuietDelay))
}

// next returns what to do now, or how long to wait. done means that no view is left.
func (f *Feed) next(now time.Time) (job func(context.Context), wait time.Duration, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.open) == 0 || f.closed {
		f.cancel()
		f.wake, f.cancel = nil, nil
		return nil, 0, true
	}
	at, job := f.pollAt, f.compare
	var first *view // of those to refresh
	for _, v := range f.open {
		due := f.refreshAt(v)
		if !due.IsZero() && (due.Before(at) || first != nil && due.Equal(at) && v.due.Before(first.due)) {
			at, job, first = due, nil, v
		}
		if v.pollAt.Before(at) {
			at, job, first = v.pollAt, func(ctx context.Context) { f.poll(ctx, v) }, nil
		}
	}
	if at.After(now) {
		return nil, at.Sub(now), false
	}
	if first != nil {
		job = func(ctx context.Context) { f.refresh(ctx, first) }
	}
	return job, 0, false
}

// refreshAt returns when a view must be refreshed, or the zero time. The caller holds mu.
func (f *Feed) refreshAt(v *view) time.Time {
	switch {
	case len(v.joining) > 0:
		return time.Unix(0, 0) // a person waits: before everything else
	case v.mark == urgent:
		return v.due
	case v.mark == quiet && f.restUntil.After(v.due):
		return earlier(f.restUntil, v.due.Add(maxQuietDelay))
	case v.mark == quiet:
		return v.due
	}
	return time.Time{}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// refresh reads what a view shows, and gives it to its viewers. If only new viewers need it,
// the others keep their rate.
func (f *Feed) refresh(ctx context.Context, v *view) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	f.mu.Lock()
	if len(v.viewers)+len(v.joining) == 0 { // it was closed
		f.mu.Unlock()
		return
	}
	now, joined := time.Now(), v.joining
	v.joining = nil
	forAll := len(v.viewers) == 0 || v.mark != unmarked && !f.refreshAt(v).After(now)
	if forAll {
		v.mark, v.last = unmarked, now
		for _, key := range v.Keys { // before the snapshot: later changes mark the view again
			f.heartbeats[key].mark = unmarked
		}
	}
	v.viewers = append(v.viewers, joined...)
	f.mu.Unlock()

	u := v.newUpdate(ctx, forAll)

	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil && f.closed {
		return
	}
	to := joined
	if forAll || u.err != nil {
		to = v.viewers
	}
	for _, s := range to {
		select {
		case <-s.updates: // a slow viewer skips an update
		default:
		}
		s.updates <- u
	}
}

// poll marks a view if anything except its heartbeats has changed.
func (f *Feed) poll(ctx context.Context, v *view) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	value, err := v.Poll(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	v.pollAt = time.Now().Add(cmp.Or(v.PollInterval, f.pollInterval()))
	if err != nil || value != v.polled { // the snapshot reports a lasting error
		v.polled = value
		f.schedule(v, quiet)
	}
}

// compare marks the views of the heartbeats whose fingerprints differ from the last ones.
func (f *Feed) compare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	f.mu.Lock()
	keys := make([]int64, 0, len(f.heartbeats))
	for key := range f.heartbeats {
		keys = append(keys, key)
	}
	f.pollAt = time.Now().Add(f.pollInterval())
	f.mu.Unlock()
	slices.Sort(keys)
	for part := range slices.Chunk(keys, maxFingerprints) {
		if f.Fingerprints == nil {
			return
		}
		found, err := f.Fingerprints(ctx, part)
		f.mu.Lock()
		for _, key := range part {
			f.compareOne(key, found, err)
		}
		f.mu.Unlock()
	}
}

// compareOne marks the views of a heartbeat if its fingerprint is new. The caller holds mu.
func (f *Feed) compareOne(key int64, found map[int64]Fingerprint, err error) {
	w := f.heartbeats[key]
	if w == nil {
		return
	}
	print, exists := found[key]
	m := quiet // without an earlier fingerprint: it can have changed since the snapshot
	switch {
	case err != nil: // the snapshot reports a lasting error
	case w.known && (print == w.print || !exists):
		return
	case w.known && print.Other != w.print.Other:
		m = urgent
	}
	w.print, w.known = print, err == nil
	if w.mark < m {
		w.mark = m
		for _, v := range w.views {
			f.schedule(v, m)
		}
	}
}
