package web

import (
	"context"
	"sync"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
)

// freshCounts is how old the numbers around the pages may be. Within it all
// open pages of a project share one reading, however many they are.
const freshCounts = time.Second

// aheadEvery is how exact the hour ahead is on an open page: drawn for every
// moment, it would be sent all the time.
const aheadEvery = 15 * time.Second

// counter reads the numbers around the pages for all live streams. The zero
// counter is ready for use.
type counter struct {
	mu       sync.Mutex
	projects map[int64]*tallies
}

// tallies are the numbers of one project.
type tallies struct {
	mu     sync.Mutex
	at     time.Time
	counts manage.Counts
}

// of is where the numbers of a project are.
func (c *counter) of(project int64) *tallies {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.projects == nil {
		c.projects = map[int64]*tallies{}
	}
	if c.projects[project] == nil {
		c.projects[project] = &tallies{}
	}
	return c.projects[project]
}

// counts returns the numbers around the pages of a project, and the moment that
// its minutes begin at.
func (s *Site) counts(ctx context.Context, a auth.Actor, now time.Time) (manage.Counts, time.Time, error) {
	p := s.counter.of(a.Project.Key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := now.Sub(p.at); age < 0 || age >= freshCounts {
		found, err := s.Desk.Counts(ctx, a, now.Truncate(aheadEvery))
		if err != nil {
			return found, now, err
		}
		p.counts, p.at = found, now
	}
	return p.counts, p.at.Truncate(aheadEvery), nil
}
