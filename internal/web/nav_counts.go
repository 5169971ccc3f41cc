package web

import (
	"context"
	"sync"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
)

// countsMaxAge is how old the numbers around the pages may be. Within it all
// open pages of a project share one reading, however many they are.
const countsMaxAge = time.Second

// forecastStep is how exact the hour ahead is on an open page: drawn for every
// moment, it would be sent all the time.
const forecastStep = 15 * time.Second

// countsCache reads the numbers around the pages for all live streams. The zero
// counter is ready for use.
type countsCache struct {
	mu       sync.Mutex
	projects map[int64]*projectCounts
}

// projectCounts are the numbers of one project.
type projectCounts struct {
	mu     sync.Mutex
	at     time.Time
	counts manage.ProjectCounts
}

// project is where the numbers of a project are.
func (c *countsCache) project(project int64) *projectCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.projects == nil {
		c.projects = map[int64]*projectCounts{}
	}
	if c.projects[project] == nil {
		c.projects[project] = &projectCounts{}
	}
	return c.projects[project]
}

// counts returns the numbers around the pages of a project, and the moment that
// its minutes begin at.
func (s *Site) counts(ctx context.Context, a auth.Actor, now time.Time) (manage.ProjectCounts, time.Time, error) {
	p := s.navCounts.project(a.Project.Key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := now.Sub(p.at); age < 0 || age >= countsMaxAge {
		found, err := s.Service.ProjectCounts(ctx, a, now.Truncate(forecastStep))
		if err != nil {
			return found, now, err
		}
		p.counts, p.at = found, now
	}
	return p.counts, p.at.Truncate(forecastStep), nil
}
