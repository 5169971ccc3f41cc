package web

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"overdue/internal/web/view"
)

// StaticPrefix is what the key of a part begins with that is no row of the page.
const StaticPrefix = "-"

// frozenClock is the clock by which a part is compared with what it was: what merely
// ticks is the same in both.
func (v *request) frozenClock() view.Clock {
	return view.Clock{Now: time.Unix(0, 0).UTC(), Zone: v.clock.Zone}
}

// fragments turns the parts of a page into those of its stream.
func (v *request) fragments(ctx context.Context, list []view.Fragment) ([]Fragment, error) {
	ctx = view.WithOrigin(ctx, view.FormOrigin{}) // what forms carry is not what the part shows
	var all []Fragment
	for _, l := range list {
		var drawn bytes.Buffer
		if err := l.Draw(v.frozenClock()).Render(ctx, &drawn); err != nil {
			return nil, fmt.Errorf("part of a live page: %w", err)
		}
		all = append(all, Fragment{Key: StaticPrefix + l.Name, Event: "part", State: drawn.String(), Render: l.Draw})
	}
	return all, nil
}

// fragmentRefs are the parts as the page has them.
func (v *request) fragmentRefs(list []view.Fragment) ([]FragmentRef, error) {
	all, err := v.fragments(v.ctx(), list)
	var marks []FragmentRef
	for _, p := range all {
		marks = append(marks, FragmentRef{p.Key, Digest(p.State)})
	}
	return marks, err
}

// navFragments are the numbers in the sidebar, on every page that is live.
func (s *Stream) navFragments(ctx context.Context, now time.Time) ([]Fragment, error) {
	counts, _, err := s.site.counts(ctx, s.actor, now)
	if err != nil {
		return nil, err
	}
	return s.fragments(ctx, view.Shell{Down: counts.DownHeartbeats, Unresolved: counts.UnresolvedIncidents, FailingChannels: counts.FailingChannels}.Fragments())
}
