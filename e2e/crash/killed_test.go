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

// killCount is the minimum number of times that a test kills the server.
const killCount = 22

func TestServe_KillingItLosesNoAcknowledgedPing(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T) string{
		"SQLite":     sqliteFile,
		"PostgreSQL": func(t *testing.T) string { return newPostgres(t).Address() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRandom(t)
			s := newServer(t, database(t))
			s.startReady(t)
			c := newKillTest(t, s, r)
			c.run(t)
			c.waitForAlerts(t)
			c.verify(t)
			s.stop(t)
			runOverdue(t, "check", "--database", s.database)
		})
	}
}

// killTest kills a server repeatedly while jobs ping it.
type killTest struct {
	*server
	r        *rand.Rand
	recorder *pingRecorder
	receiver *receiver
	load     *load

	failing, silent []client.Heartbeat
	failures        []int // acknowledged rounds of each failing heartbeat
	outages         []outage
	kills           int
}

// newKillTest creates the heartbeats and the receiver.
func newKillTest(t *testing.T, s *server, r *rand.Rand) *killTest {
	t.Helper()
	api := s.api()
	c := &killTest{server: s, r: r, receiver: newReceiver(t, api)}
	slow := rand.New(rand.NewPCG(r.Uint64(), 0))
	c.receiver.slow = func() time.Duration { return randomDuration(slow, 0, 60*time.Millisecond) }
	busy := createHeartbeats(t, api, "busy", 200, longInterval)
	c.failing = createHeartbeats(t, api, "failing", 12, longInterval)
	c.silent = createHeartbeats(t, api, "silent", 8, 1)
	c.failures = make([]int, len(c.failing))
	c.recorder = newPingRecorder(busy, c.failing, c.silent)
	c.load = &load{recorder: c.recorder, heartbeats: busy, addresses: []string{s.address}}
	return c
}

// run kills the server under load and returns when all jobs are done.
func (c *killTest) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	more, enough := context.WithCancel(ctx)
	defer enough()
	startLoad(t, c.load, 64, c.r)
	var scripts sync.WaitGroup
	for n, h := range c.failing {
		s := c.newJob(h)
		scripts.Go(func() { c.failures[n] = s.alternateFailures(ctx, more, n%2 == 0) })
	}
	for _, h := range c.silent {
		s := c.newJob(h)
		scripts.Go(func() { s.alternateSilence(ctx, more) })
	}
	for c.kills < killCount {
		c.killOnce(t)
	}
	c.load.stop()
	// The scripts send their last pings when no outage is near.
	sleep(ctx, 2*outageTolerance)
	enough()
	scripts.Wait()
	if ctx.Err() != nil {
		t.Fatal("the jobs did not end in time")
	}
}

// newJob returns a separate job for a heartbeat.
func (c *killTest) newJob(h client.Heartbeat) *scriptedJob {
	return &scriptedJob{id: *h.ID, conn: &pingConn{address: c.address}, recorder: c.recorder, r: rand.New(rand.NewPCG(c.r.Uint64(), 0))}
}

// outageTolerance is the time before and after an outage in which a missing ping may
// have another result: the server does not know the start and end of its outage more
// precisely.
const outageTolerance = 1500 * time.Millisecond

// killOnce waits for a random time, kills the server, starts it and waits until it
// acknowledges pings. Sometimes it kills the server again while it starts.
func (c *killTest) killOnce(t *testing.T) {
	t.Helper()
	sleep(t.Context(), randomDuration(c.r, 50*time.Millisecond, 1200*time.Millisecond))
	if c.kills%8 == 7 {
		sleep(t.Context(), 5*time.Second) // some gaps must pass without an outage near them
	}
	outage := outage{from: time.Now().Add(-outageTolerance)}
	c.kill(t)
	c.kills++
	c.start(t)
	if c.r.IntN(4) == 0 {
		sleep(t.Context(), randomDuration(c.r, 0, 300*time.Millisecond))
		c.kill(t)
		c.kills++
		c.start(t)
	}
	c.recorder.waitForAcks(t, 1, 20*time.Second)
	outage.to = time.Now().Add(outageTolerance)
	c.outages = append(c.outages, outage)
}

// waitForAlerts waits until all missing pings are detected and all alerts are sent. On
// PostgreSQL that takes up to a minute, because alerts that the killed node had
// claimed are sent only after their lease ends.
func (c *killTest) waitForAlerts(t *testing.T) {
	t.Helper()
	awaitIncidents(t, c.api(), c.silent, 45*time.Second)
	for i, err := range c.api().AllIncidents(t.Context(), client.IncidentQuery{PageQuery: client.PageQuery{Limit: 200}}) {
		if err != nil {
			t.Fatal(err)
		}
		c.waitForAlertsOf(t, i)
	}
}

// waitForAlertsOf waits until an incident has no pending alerts.
func (c *killTest) waitForAlertsOf(t *testing.T, i client.Incident) {
	t.Helper()
	waitUntil(t, 90*time.Second, fmt.Sprintf("all alerts of incident %d are sent", i.Number), func() bool {
		detail, err := c.api().Incident(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(detail.Deliveries, func(d client.Delivery) bool { return d.State != "sent" })
	})
}

// verify compares the stored pings with the acknowledged pings, and the incidents
// with the incidents that the pings imply.
func (c *killTest) verify(t *testing.T) {
	t.Helper()
	api := c.api()
	c.recorder.verify(t, api)
	var incidents []client.IncidentDetail
	for n, h := range c.failing {
		s := historyOf(t, api, *h.ID)
		s.verifyFailures(t)
		if len(s.incidents) != c.failures[n] {
			t.Errorf("%s has %d incidents; %d failures were acknowledged, each after a recovery", h.Name, len(s.incidents), c.failures[n])
		}
		incidents = append(incidents, s.incidents...)
	}
	for _, h := range c.silent {
		s := historyOf(t, api, *h.ID)
		s.verifyMissedPings(t, c.outages)
		incidents = append(incidents, s.incidents...)
	}
	c.receiver.verify(t, incidents, c.kills)
	t.Logf("%d kills, %d incidents, %d messages", c.kills, len(incidents), len(c.receiver.all()))
}
