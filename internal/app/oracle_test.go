package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"overdue/internal/loop"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// Flags of TestOracle. To replay a failed history, pass its seed and one history.
var (
	oracleHistories = flag.Int("histories", 200, "histories that TestOracle compares, half of them on each database")
	oracleSeed      = flag.Uint64("seed", 1, "seed of the first history of TestOracle")
)

// TestOracle_TheProductAgreesWithTheContract compares random histories of some minutes with an
// oracle: heartbeats that are pinged, changed and silent, while nodes stop, crash, freeze and start
// and the database has trouble.
func TestOracle_TheProductAgreesWithTheContract(t *testing.T) {
	const groups = 2
	seeds := uint64(max(1, *oracleHistories/2))
	for group := range uint64(groups) {
		t.Run(fmt.Sprint("group", group), func(t *testing.T) {
			t.Parallel()
			for seed := *oracleSeed + group; seed < *oracleSeed+seeds; seed += groups {
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
					storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
						h := newHistory(newSimulation(t, open), seed)
						h.play()
						h.compare()
						if t.Failed() {
							for _, line := range h.log {
								t.Log(line)
							}
							t.Logf("replay: make oracle SEED=%d HISTORIES=2", seed)
						}
					})
				})
			}
		})
	}
}

// period is a time in which something holds, in the simulation.
type period struct{ from, to time.Time }

// member is a node of a history. It can freeze.
type member struct {
	*node
	mu     sync.Mutex
	thawed chan struct{} // closed on thaw; nil while it runs
}

// wait returns when the node runs.
func (m *member) wait() {
	m.mu.Lock()
	thawed := m.thawed
	m.mu.Unlock()
	if thawed != nil {
		<-thawed
	}
}

func (m *member) freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.thawed = make(chan struct{})
}

func (m *member) thaw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.thawed)
	m.thawed = nil
}

func (m *member) frozen() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.thawed != nil
}

// job is a heartbeat and what happened to it.
type job struct {
	name   string
	rule   oracleRule // at its creation
	events []oracleEvent
}

// history is one random history.
type history struct {
	*simulation
	seed     uint64
	random   *rand.Rand
	jobs     []*job
	start    time.Time
	ended    chan struct{}
	playing  sync.WaitGroup
	outages  []period
	disturbs []period // an evaluation can be late in them
	log      []string

	mu         sync.Mutex
	members    []*member
	trouble    error     // of every use of the database
	busy       bool      // a disturbance is in progress
	quietSince time.Time // the end of the last one
}

func newHistory(sim *simulation, seed uint64) *history {
	return &history{simulation: sim, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), start: time.Now(), ended: make(chan struct{})}
}

// note records a step for the message of a failure.
func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, fmt.Sprintf("%10s ", time.Since(h.start))+fmt.Sprintf(format, args...))
}

// between returns a random duration in whole milliseconds, plus a fraction that no deadline has.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64((to-from)/time.Millisecond)+1))*time.Millisecond + 7*time.Microsecond
}

const (
	historyLength = 45 * time.Second
	calm          = 13 * time.Second // after a disturbance, before a user changes something
)

// play runs the history.
func (h *history) play() {
	h.addChannel("mail", monitor.Channel{NotifyOnRecovery: true})
	for range []int{1, 1, 2, 2, 3}[h.random.IntN(5)] {
		h.startMember()
	}
	for i := range 4 {
		h.addJob(i)
	}
	for time.Since(h.start) < historyLength {
		h.advance(between(h.random, 4*time.Second, 30*time.Second))
		h.disturb()
	}
	h.restore()
	h.advance(between(h.random, 10*time.Second, 20*time.Second))
	close(h.ended)
	h.playing.Wait()
	h.advance(4 * time.Second)
}

// startMember starts a node.
func (h *history) startMember() {
	m := &member{}
	m.node = h.startNode(func(e *Engine) {
		gated := func(name string, run func(context.Context, time.Time) (time.Duration, error)) *loop.Loop {
			return loop.New(name, e.log, func(ctx context.Context, now time.Time) (time.Duration, error) {
				m.wait()
				if err := errors.Join(ctx.Err(), h.databaseTrouble()); err != nil {
					return 0, err
				}
				return run(ctx, time.Now().UTC())
			})
		}
		e.sweep, e.publish = gated("sweep", e.watcher.Sweep), gated("publish", e.watcher.Publish)
		e.delivery, e.pulse = gated("delivery", e.dispatcher.RunOnce), gated("pulse", e.recordPulse)
	})
	m.pingHandler.DataAge = func(r *http.Request) (time.Duration, bool) {
		waited, err := time.ParseDuration(r.Header.Get("X-Waited"))
		return waited, err == nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members = append(h.members, m)
}

// running returns the nodes that run, also frozen ones.
func (h *history) running() []*member {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.members)
}

// remove ends a node by fn.
func (h *history) remove(m *member, fn func(*node)) {
	h.mu.Lock()
	h.members = slices.DeleteFunc(h.members, func(other *member) bool { return other == m })
	h.mu.Unlock()
	fn(m.node)
}

// disturb lets something happen.
func (h *history) disturb() {
	h.setBusy(true)
	defer h.setBusy(false)
	from, alone := time.Now(), len(h.running()) == 1
	length := []int{0, 0, 1, 1, 2}[h.random.IntN(5)]
	down := between(h.random, [...]time.Duration{100 * time.Millisecond, 5 * time.Second, 35 * time.Second}[length],
		[...]time.Duration{2 * time.Second, 25 * time.Second, 75 * time.Second}[length])
	all := h.random.IntN(3) > 0 || alone
	what := h.random.IntN(5)
	h.note("%d nodes: disturbance %d of all=%t for %s", len(h.running()), what, all, down)
	switch what {
	case 0, 1: // crash, stop
		end := []func(*node){h.killNode, h.stopNode}[what]
		ended := h.running()
		if !all {
			ended = ended[:1]
		}
		for _, m := range ended {
			h.remove(m, end)
		}
		h.advance(down)
		for range ended {
			h.startMember()
		}
	case 2: // suspended
		frozen := h.running()
		if !all {
			frozen = frozen[:1]
		}
		for _, m := range frozen {
			m.freeze()
		}
		h.advance(down)
		for _, m := range frozen {
			m.thaw()
		}
		h.disturbs = append(h.disturbs, period{from, time.Now().Add(3 * time.Second)})
	case 3:
		h.setTrouble(errors.New("database unavailable"))
		h.advance(down)
		h.setTrouble(nil)
		all = true
	case 4: // another node comes or goes
		if alone {
			h.startMember()
		} else {
			h.remove(h.running()[0], h.stopNode)
		}
		return
	}
	if all {
		h.outages = append(h.outages, period{from, time.Now()})
	}
	// A dead node holds the others back for ten seconds.
	h.disturbs = append(h.disturbs, period{from.Add(-time.Second), time.Now().Add(9 * time.Second)}, period{from, from.Add(12 * time.Second)})
	h.advance(6 * time.Second) // longer than the longest backoff
}

// setTrouble lets every use of the database fail.
func (h *history) setTrouble(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble = err
}

func (h *history) databaseTrouble() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trouble
}

// setBusy records that a disturbance begins or ends.
func (h *history) setBusy(busy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy, h.quietSince = busy, time.Now()
}

// restore starts a node if none is left.
func (h *history) restore() {
	if len(h.running()) == 0 {
		h.startMember()
	}
}

// addJob adds a heartbeat and lets its job run.
func (h *history) addJob(i int) {
	r := rand.New(rand.NewPCG(h.seed, uint64(i+1)))
	j := &job{name: fmt.Sprint("job", i), rule: oracleRule{grace: time.Duration(r.IntN(30)+4) * time.Second}}
	if r.IntN(3) > 0 {
		j.rule.interval = time.Duration(r.IntN(50)+8) * time.Second
	}
	if r.IntN(4) == 0 {
		j.rule.grace += 100 * time.Second // so that blackouts can be minor
	}
	h.jobs = append(h.jobs, j)
	h.addHeartbeat(j.name, j.rule.rule())
	runs := j.rule.interval > 0 && r.IntN(3) == 0
	h.playing.Go(func() { h.runJob(j, r, runs) })
	if !runs {
		h.playing.Go(func() { h.changeJob(j, rand.New(rand.NewPCG(h.seed, uint64(i+100)))) })
	}
}

// rule returns the rule of the product.
func (r oracleRule) rule() monitor.Rule {
	rule := monitor.Rule{Interval: r.interval, Grace: r.grace, Early: monitor.DefaultEarly}
	if r.interval == 0 {
		rule.Calendar, _ = monitor.NewCalendar(monitor.Cron, []string{"* * * * *"}, "UTC")
	}
	return rule
}

// sleep waits, and reports whether the history continues.
func (h *history) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-h.ended:
		return false
	}
}

// runJob sends pings: mostly in time, sometimes late, a failure, or none any more.
func (h *history) runJob(j *job, r *rand.Rand, runs bool) {
	if !h.sleep(between(r, 0, 5*time.Second)) {
		return
	}
	for {
		gap := j.rule.interval
		if gap == 0 {
			gap = time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))
		}
		jitter := between(r, -2*time.Second, min(j.rule.grace-2*time.Second, 20*time.Second))
		switch r.IntN(10) {
		case 0: // it hangs
			jitter += between(r, 0, 2*gap+j.rule.grace)
		case 1: // it is dead for a long time
			jitter += between(r, 30*time.Second, 300*time.Second)
		}
		if !h.sleep(max(time.Second, gap+jitter)) {
			return
		}
		if runs && r.IntN(3) > 0 {
			h.send(j, r, "start")
			took := between(r, 100*time.Millisecond, j.rule.grace-2*time.Second)
			if r.IntN(6) == 0 {
				took += j.rule.grace
			}
			if !h.sleep(took) {
				return
			}
		}
		what := "success"
		if r.IntN(10) == 0 {
			what = "fail"
		}
		h.send(j, r, what)
	}
}

// send sends a ping until it is stored.
func (h *history) send(j *job, r *rand.Rand, what string) {
	form := map[string]string{"success": "", "fail": "/fail", "start": "/start"}[what]
	for {
		sent := time.Now().UTC().Truncate(time.Microsecond)
		if nodes := h.running(); len(nodes) > 0 {
			m := nodes[r.IntN(len(nodes))]
			for _, other := range nodes { // a load balancer avoids a frozen node if it can
				if m.frozen() {
					m = other
				}
			}
			m.wait() // the request lies in the socket
			// A database in trouble can still take some pings, but no record.
			if slices.Contains(h.running(), m) && (h.databaseTrouble() == nil || r.IntN(3) == 0) {
				read := time.Now().UTC().Truncate(time.Microsecond)
				answer, request := httptest.NewRecorder(), httptest.NewRequest("POST", pingurl.For("", h.ids[j.name])+form, nil)
				request.Header.Set("X-Waited", read.Sub(sent).String())
				m.pingHandler.ServeHTTP(answer, request)
				if answer.Code == 200 {
					h.record(j, oracleEvent{at: read, sent: sent, what: what})
					return
				}
			}
		}
		if !h.sleep(time.Second) {
			return
		}
	}
}

// record records an event of a job.
func (h *history) record(j *job, e oracleEvent) {
	h.note("%s %s %s", j.name, e.what, e.at.Sub(h.start))
	h.mu.Lock()
	defer h.mu.Unlock()
	j.events = append(j.events, e)
}

// changeJob lets a user edit, pause and resume a heartbeat, while nothing disturbs.
func (h *history) changeJob(j *job, r *rand.Rand) {
	paused := false
	for h.sleep(between(r, 20*time.Second, 150*time.Second)) {
		nodes := h.running()
		if len(nodes) == 0 || !h.isCalm() {
			continue
		}
		service, actor := h.serviceOf(nodes[0].node)
		e := oracleEvent{at: time.Now().UTC().Truncate(time.Microsecond)}
		var err error
		switch {
		case paused:
			e.what, paused = "resume", false
			_, err = service.ResumeHeartbeat(context.Background(), actor, h.ids[j.name])
		case r.IntN(3) == 0:
			e.what, paused = "pause", true
			_, err = service.PauseHeartbeat(context.Background(), actor, h.ids[j.name])
		case j.rule.interval > 0:
			e.what, e.rule = "edit", oracleRule{time.Duration(r.IntN(50)+8) * time.Second, time.Duration(r.IntN(60)+4) * time.Second}
			interval, grace := e.rule.interval.String(), e.rule.grace.String()
			_, err = service.ChangeHeartbeat(context.Background(), actor, h.ids[j.name], manage.HeartbeatEdit{Interval: &interval, Grace: &grace})
		default:
			continue
		}
		if err != nil {
			h.t.Errorf("%s of %s: %v", e.what, j.name, err)
			return
		}
		h.record(j, e)
	}
}

// isCalm reports whether nothing disturbs, nor did so in the last seconds.
func (h *history) isCalm() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.busy && time.Since(h.quietSince) > calm
}
