package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"overdue/client"
)

// mostKills is how often the server is killed in one test.
const mostKills = 22

func TestNothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T) string{
		"SQLite":     sqliteFile,
		"PostgreSQL": func(t *testing.T) string { return newPostgres(t).Address() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chance(t)
			s := newServer(t, database(t))
			s.startReady(t)
			c := prepare(t, s, r)
			c.run(t)
			c.settle(t)
			c.verify(t)
			s.stop(t)
			overdue(t, "check", "--database", s.database)
		})
	}
}

// campaign is a server that is killed again and again while jobs ping it.
type campaign struct {
	*server
	r        *rand.Rand
	book     *book
	receiver *receiver
	load     *load

	failing, silent []client.Heartbeat
	failures        []int // acknowledged rounds of each failing heartbeat
	away            []span
	kills           int
}

// prepare makes the heartbeats and the receiver.
func prepare(t *testing.T, s *server, r *rand.Rand) *campaign {
	t.Helper()
	api := s.api()
	c := &campaign{server: s, r: r, receiver: newReceiver(t, api)}
	slow := rand.New(rand.NewPCG(r.Uint64(), 0))
	c.receiver.slow = func() time.Duration { return between(slow, 0, 60*time.Millisecond) }
	busy := makeHeartbeats(t, api, "busy", 200, seldom)
	c.failing = makeHeartbeats(t, api, "failing", 12, seldom)
	c.silent = makeHeartbeats(t, api, "silent", 8, 1)
	c.failures = make([]int, len(c.failing))
	c.book = newBook(busy, c.failing, c.silent)
	c.load = &load{book: c.book, heartbeats: busy, addresses: []string{s.address}}
	return c
}

// run kills the server under load and returns when all jobs are done.
func (c *campaign) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	more, enough := context.WithCancel(ctx)
	defer enough()
	startLoad(t, c.load, 64, c.r)
	var scripts sync.WaitGroup
	for n, h := range c.failing {
		s := c.script(h)
		scripts.Go(func() { c.failures[n] = s.fail(ctx, more, n%2 == 0) })
	}
	for _, h := range c.silent {
		s := c.script(h)
		scripts.Go(func() { s.silence(ctx, more) })
	}
	for c.kills < mostKills {
		c.killOnce(t)
	}
	c.load.stop()
	// The last pings of the scripts come when no outage is near.
	rest(ctx, 2*nearby)
	enough()
	scripts.Wait()
	if ctx.Err() != nil {
		t.Fatal("the jobs did not come to their end in time")
	}
}

// script returns a separate job for a heartbeat.
func (c *campaign) script(h client.Heartbeat) *script {
	return &script{id: *h.ID, wire: &wire{address: c.address}, book: c.book, r: rand.New(rand.NewPCG(c.r.Uint64(), 0))}
}

// nearby is how far around an outage the result for a missing ping may differ: the
// server does not know the limits of its own outage more precisely.
const nearby = 1500 * time.Millisecond

// killOnce lets the server work for a random while, kills it, starts it again
// and waits for it to take pings. Sometimes it is killed again while it starts.
func (c *campaign) killOnce(t *testing.T) {
	t.Helper()
	rest(t.Context(), between(c.r, 50*time.Millisecond, 1200*time.Millisecond))
	if c.kills%8 == 7 {
		rest(t.Context(), 5*time.Second) // some silences end without any outage near
	}
	outage := span{from: time.Now().Add(-nearby)}
	c.kill(t)
	c.kills++
	c.start(t)
	if c.r.IntN(4) == 0 {
		rest(t.Context(), between(c.r, 0, 300*time.Millisecond))
		c.kill(t)
		c.kills++
		c.start(t)
	}
	c.book.awaitAcks(t, 1, 20*time.Second)
	outage.to = time.Now().Add(nearby)
	c.away = append(c.away, outage)
}

// settle waits until all missing pings are detected and all alerts are sent. On
// PostgreSQL that takes up to a minute, because alerts that the killed node had
// claimed are sent only after their lease ends.
func (c *campaign) settle(t *testing.T) {
	t.Helper()
	awaitIncidents(t, c.api(), c.silent, 45*time.Second)
	for i, err := range c.api().AllIncidents(t.Context(), client.IncidentQuery{PageQuery: client.PageQuery{Limit: 200}}) {
		if err != nil {
			t.Fatal(err)
		}
		c.settleOne(t, i)
	}
}

// settleOne waits until an incident has no pending alerts.
func (c *campaign) settleOne(t *testing.T, i client.Incident) {
	t.Helper()
	await(t, 90*time.Second, fmt.Sprintf("all alerts of incident %d are sent", i.Number), func() bool {
		detail, err := c.api().Incident(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(detail.Deliveries, func(d client.Delivery) bool { return d.State != "sent" })
	})
}

// verify compares the stored pings with the acknowledged pings, and the incidents
// with the incidents that the pings imply.
func (c *campaign) verify(t *testing.T) {
	t.Helper()
	api := c.api()
	c.book.verify(t, api)
	var incidents []client.IncidentDetail
	for n, h := range c.failing {
		s := storyOf(t, api, *h.ID)
		s.verifyFailures(t)
		if len(s.incidents) != c.failures[n] {
			t.Errorf("%s has %d incidents; %d failures were acknowledged, each after a recovery", h.Name, len(s.incidents), c.failures[n])
		}
		incidents = append(incidents, s.incidents...)
	}
	for _, h := range c.silent {
		s := storyOf(t, api, *h.ID)
		s.verifySilences(t, c.away)
		incidents = append(incidents, s.incidents...)
	}
	c.receiver.verify(t, incidents, c.kills)
	t.Logf("%d kills, %d incidents, %d messages", c.kills, len(incidents), len(c.receiver.all()))
}
