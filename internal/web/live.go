package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/live"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// liveRoutes returns the event streams that keep open pages up to date.
func (s *Site) liveRoutes() []route {
	return []route{
		{pattern: "GET /live/heartbeats", right: auth.Read, handle: streamHeartbeats, isStream: true, projectInQuery: true},
		{pattern: "GET /live/heartbeats/{key}", right: auth.Read, handle: streamHeartbeat, isStream: true},
		{pattern: "GET /live/incidents", right: auth.Read, handle: streamIncidents, isStream: true, projectInQuery: true},
		{pattern: "GET /live/incidents/{id}", right: auth.Read, handle: streamIncident, isStream: true},
	}
}

// serveStream answers with the stream of a view. It adds the numbers in the sidebar, which
// every live page shows.
func (req *request) serveStream(v live.View, digests map[string]string) error {
	v.Zone, v.Now = req.clock.Zone, req.site.Service.Now
	poll, snapshot := v.Poll, v.Snapshot
	v.Poll = func(ctx context.Context) (string, error) {
		value, err := poll(ctx)
		if err != nil {
			return "", err
		}
		counts, _, err := req.site.counts(ctx, req.actor, req.site.Service.Now())
		return value + fmt.Sprint(counts.NavCounts), err
	}
	v.Snapshot = func(ctx context.Context, now time.Time) (live.Snapshot, error) {
		found, err := snapshot(ctx, now)
		if err != nil {
			return found, err
		}
		counts, _, err := req.site.counts(ctx, req.actor, now)
		if err != nil {
			return found, err
		}
		nav := layout.Shell{Down: counts.DownHeartbeats, Unresolved: counts.UnresolvedIncidents, FailingChannels: counts.FailingChannels}
		fragments, err := live.Fragments(ctx, req.clock.Zone, nav.Fragments())
		found.Fragments = append(found.Fragments, fragments...)
		return found, err
	}
	s := &live.Stream{Feed: req.site.Feed, View: v, Subscriber: req.subscriber(), Logger: req.site.Logger, EndReason: req.endReason}
	return s.Serve(req.ctx(), req.w, req.r, digests)
}

// sharedView returns the request as all people see it who have the same role in the project
// and open the same address, and the key of what they see. It holds nothing of the person, so
// a page cannot show anything of them to others.
func (req *request) sharedView(shows ...any) (shared *request, key string) {
	q := req.r.URL.Query()
	q.Del("of") // what the page shows already
	q.Del("again")
	address := &url.URL{Path: req.r.URL.Path, RawQuery: q.Encode()}
	shared = &request{
		r: &http.Request{Method: http.MethodGet, URL: address}, context: context.Background(), site: req.site,
		actor: auth.Actor{Project: req.actor.Project, Role: req.actor.Role}, clock: ui.Clock{Zone: req.clock.Zone},
	}
	return shared, fmt.Sprintf("%s %+v %d %s %v", address, req.actor.Project, req.actor.Role, req.clock.Zone, shows)
}

// subscriber identifies the owner of a live page. The address is empty on loopback:
// behind a proxy on this machine that is not trusted, all clients have that address.
func (req *request) subscriber() live.Subscriber {
	by, network := live.Subscriber{Person: req.person.ID}, httpd.NetworkOf(req.clientAddress())
	if network.IsValid() && !network.Addr().IsLoopback() {
		by.Address = network.String()
	}
	return by
}

// endReason returns why the person may no longer watch the page, or "".
func (req *request) endReason(ctx context.Context) (string, error) {
	now := time.Now().UTC()
	key := sessionProject{req.person.Session, req.actor.Project.Key}
	found, _, err := req.site.roles.get(key, now, roleMaxAge, func() (r sessionRole, err error) {
		r.role, r.signedIn, err = req.site.People.CurrentRole(ctx, key.project, now)
		return r, err
	})
	switch {
	case err != nil:
		return "", err
	case !found.signedIn:
		return live.EndSignedOut, nil
	case found.role != req.actor.Role:
		return live.EndRoleChanged, nil // the page looks different for another role
	}
	return "", nil
}

// fragmentRefs returns the references to the fragments of this page.
func (req *request) fragmentRefs(list []layout.Fragment) ([]live.FragmentRef, error) {
	return live.FragmentRefs(req.ctx(), req.clock.Zone, list)
}

// atTime returns the request as of another moment.
func (req *request) atTime(now time.Time) *request {
	later := *req
	later.now = now.Truncate(monitor.Precision)
	later.clock.Now = later.now
	return &later
}

// sinceField is the parameter of a list's stream that tells what the newest rows
// were when the page was rendered, and how many matches the page does not show.
const sinceField = "since"

// withListVersion adds that parameter to the query of a stream.
func withListVersion(q url.Values, newest manage.NewestKeys, beyond int) url.Values {
	q.Set(sinceField, fmt.Sprintf("%d.%d.%d", newest.Incident, newest.Heartbeat, beyond))
	return q
}

// parseListVersion reads what withListVersion wrote. If there is none, it returns
// false, and news cannot be counted.
func parseListVersion(q url.Values) (newest manage.NewestKeys, beyond int, ok bool) {
	n, err := fmt.Sscanf(q.Get(sinceField), "%d.%d.%d", &newest.Incident, &newest.Heartbeat, &beyond)
	return newest, beyond, err == nil && n == 3
}

// listFragments returns the fragments of a list. Its news are announced.
func (req *request) listFragments(ctx context.Context, list []layout.Fragment, news layout.ListUpdates) ([]live.Fragment, error) {
	all, err := live.Fragments(ctx, req.clock.Zone, list)
	for i := range all {
		if all[i].Key == live.NewsKey {
			all[i].Announcement = news.Text()
		}
	}
	return all, err
}

// countsMaxAge is the maximum age of the counts on live pages. All live pages of a
// project share one reading.
const countsMaxAge = 400 * time.Millisecond

// forecastStep is the resolution of the hour ahead on live pages. With the exact
// time, it would change all the time.
const forecastStep = 15 * time.Second

// roleMaxAge is the maximum age of the role with which live pages of one session continue.
const roleMaxAge = time.Second

// sessionProject is a session in a project.
type sessionProject struct {
	session string
	project int64
}

// sessionRole is the role of a session.
type sessionRole struct {
	role     monitor.Role
	signedIn bool
}

// recent keeps what live pages have read recently, by key: all pages share one reading. The
// zero value is ready for use.
type recent[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]*recentValue[V]
}

// recentValue is one value, read at a time.
type recentValue[V any] struct {
	mu    sync.Mutex
	at    time.Time
	value V
}

// maxRecentValues is the number of keys from which all values are dropped.
const maxRecentValues = 1000

// entry returns the value of a key, which the caller locks.
func (c *recent[K, V]) entry(key K) *recentValue[V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil || c.values[key] == nil && len(c.values) >= maxRecentValues {
		c.values = map[K]*recentValue[V]{}
	}
	if c.values[key] == nil {
		c.values[key] = &recentValue[V]{}
	}
	return c.values[key]
}

// get returns the value of a key and when it was read. It calls read if the last value is
// older than maxAge.
func (c *recent[K, V]) get(key K, now time.Time, maxAge time.Duration, read func() (V, error)) (V, time.Time, error) {
	e := c.entry(key)
	e.mu.Lock()
	defer e.mu.Unlock()
	if age := now.Sub(e.at); age < 0 || age >= maxAge {
		value, err := read()
		if err != nil {
			return value, now, err
		}
		e.value, e.at = value, now
	}
	return e.value, e.at, nil
}

// counts returns the counts of a project, and the moment at which their first minute
// begins.
func (s *Site) counts(ctx context.Context, a auth.Actor, now time.Time) (manage.ProjectCounts, time.Time, error) {
	found, at, err := s.navCounts.get(a.Project.Key, now, countsMaxAge, func() (manage.ProjectCounts, error) {
		return s.Service.ProjectCounts(ctx, a, now.Truncate(forecastStep))
	})
	if err != nil {
		return found, now, err
	}
	return found, at.Truncate(forecastStep), nil
}
