package web

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"overdue/internal/web/view"
)

// aside is what the key of a part begins with that is no row of the page.
const aside = "-"

// still is the clock by which a part is compared with what it was: what merely
// ticks is the same in both.
func (v *visit) still() view.Clock { return view.Clock{Now: time.Unix(0, 0).UTC(), Zone: v.clock.Zone} }

// living turns the parts of a page into those of its stream.
func (v *visit) living(ctx context.Context, list []view.Living) ([]part, error) {
	ctx = view.WithOrigin(ctx, view.Origin{}) // what forms carry is not what the part shows
	var all []part
	for _, l := range list {
		var drawn bytes.Buffer
		if err := l.Draw(v.still()).Render(ctx, &drawn); err != nil {
			return nil, fmt.Errorf("part of a live page: %w", err)
		}
		all = append(all, part{key: aside + l.Name, event: "part", facts: drawn.String(), draw: l.Draw})
	}
	return all, nil
}

// marked are the parts as the page has them.
func (v *visit) marked(list []view.Living) ([]shown, error) {
	all, err := v.living(v.ctx(), list)
	var marks []shown
	for _, p := range all {
		marks = append(marks, shown{p.key, mark(p.facts)})
	}
	return marks, err
}

// navigation are the numbers in the sidebar, on every page that is live.
func (s *stream) navigation(ctx context.Context, now time.Time) ([]part, error) {
	counts, _, err := s.site.counts(ctx, s.actor, now)
	if err != nil {
		return nil, err
	}
	return s.living(ctx, view.Shell{Down: counts.Down, Unresolved: counts.Unresolved, Failing: counts.Failing}.Living())
}
