package live

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"overdue/internal/web/view/ui"
)

// View is what one or more viewers see.
type View struct {
	// Key identifies everything that Snapshot depends on: viewers with the same key share
	// the view. It must contain the project and the role. If it is empty, the view has one
	// viewer.
	Key  string
	Keys []int64 // of the heartbeats that it shows
	Zone *time.Location

	// PollInterval is the time from one Poll to the next. The default is that of the feed.
	PollInterval time.Duration
	// Now returns the current time. The default is the clock of this machine.
	Now func() time.Time
	// Poll returns a value that differs from the previous one if anything on the page, except
	// its heartbeats, may have changed. It is cheaper than Snapshot.
	Poll func(context.Context) (string, error)
	// Snapshot returns what the page shows at now.
	Snapshot func(ctx context.Context, now time.Time) (Snapshot, error)
}

// view is a View with its viewers. The feed's mutex protects everything except digests, which
// belong to the goroutine that refreshes.
type view struct {
	View
	viewers []*subscription
	joining []*subscription // have got nothing yet
	mark    mark
	due     time.Time // of the next refresh, if it is marked
	last    time.Time // when the last refresh began
	pollAt  time.Time
	polled  string            // what Poll returned
	digests map[string]string // of the fragments of the last refresh
}

// update is one refresh for all viewers of a view.
type update struct {
	clock     ui.Clock
	title     string
	fragments []*sharedFragment
	err       error // ends the streams
}

// sharedFragment is a fragment that is rendered at most once for all viewers.
type sharedFragment struct {
	Fragment
	digest string

	once     sync.Once
	data     []byte // lines of the event
	personal bool   // it contains a form, whose hidden fields name the viewer
	err      error
}

// newUpdate takes a snapshot. If it is for all viewers, it renders the fragments that differ
// from the last one.
func (v *view) newUpdate(ctx context.Context, forAll bool) update {
	now := v.Now().UTC()
	found, err := v.Snapshot(ctx, now)
	if err != nil {
		return update{err: err}
	}
	u := update{clock: ui.Clock{Now: now, Zone: v.Zone}, title: found.Title, fragments: make([]*sharedFragment, 0, len(found.Fragments))}
	digests := make(map[string]string, len(found.Fragments))
	for _, fragment := range found.Fragments {
		f := &sharedFragment{Fragment: fragment, digest: Digest(fragment.State)}
		digests[f.Key] = f.digest
		if before, known := v.digests[f.Key]; forAll && known && before != f.digest {
			f.render(u.clock)
		}
		u.fragments = append(u.fragments, f)
	}
	if forAll {
		v.digests = digests
	}
	return u
}

// render renders the fragment for all viewers, once.
func (f *sharedFragment) render(clock ui.Clock) {
	f.once.Do(func() {
		ctx := ui.WithOriginProbe(context.Background(), &f.personal)
		f.data, f.err = f.renderWith(ctx, clock)
	})
}

// renderFor returns the lines of the event for one viewer. ctx has the origin of the
// viewer's forms.
func (f *sharedFragment) renderFor(ctx context.Context, clock ui.Clock) ([]byte, error) {
	if f.render(clock); f.err != nil || !f.personal {
		return f.data, f.err
	}
	return f.renderWith(ctx, clock)
}

func (f *sharedFragment) renderWith(ctx context.Context, clock ui.Clock) ([]byte, error) {
	var html, lines bytes.Buffer
	if err := f.Render(clock).Render(ctx, &html); err != nil {
		return nil, fmt.Errorf("live page: render %s: %w", f.Key, err)
	}
	appendData(&lines, html.String())
	return lines.Bytes(), nil
}

// appendData appends the data of an event (HTML standard, 9.2.6), and its end. Each line of
// the data is a field.
func appendData(to *bytes.Buffer, data string) {
	for line := range strings.SplitSeq(strings.ReplaceAll(data, "\r", " "), "\n") {
		to.WriteString("data: ")
		to.WriteString(line)
		to.WriteByte('\n')
	}
	to.WriteByte('\n')
}
