package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/deliver"
	"overdue/internal/ingest"
	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// alertReceiver receives the alerts of channels. It records them, and can be made to
// fail.
type alertReceiver struct {
	mu        sync.Mutex
	failure   error
	delay     time.Duration
	received  []receivedAlert
	onReceive func(message.Notification) // called with each notification; optional
}

// receivedAlert is one received alert.
type receivedAlert struct {
	event, alert, channel, heartbeat string
	time                             time.Time
}

// alerts returns the alerts received so far.
func (p *alertReceiver) alerts() []receivedAlert {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

// send records an alert, or returns the failure that is set.
func (p *alertReceiver) send(_ context.Context, _ string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	time.Sleep(delay)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return notify.Receipt{}, p.failure
	}
	if p.onReceive != nil {
		p.onReceive(n)
	}
	p.received = append(p.received, receivedAlert{n.Event, n.AlertID, n.Channel, n.Heartbeat, time.Now()})
	return notify.Receipt{Status: 200}, nil
}

// setDelay sets the time that each further send takes.
func (p *alertReceiver) setDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// setFailure sets the error of all further sends; nil makes them succeed.
func (p *alertReceiver) setFailure(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = err
}

// events lists the events of the received alerts, in order.
func (p *alertReceiver) events() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, m := range p.received {
		all = append(all, strings.TrimPrefix(m.event, "incident."))
	}
	return all
}

// simulation is a project with a channel, watched by nodes that share a database.
type simulation struct {
	t        *testing.T
	openDB   func() *store.DB
	db       *store.DB
	project  int64
	receiver *alertReceiver
	ids      map[string]string // of heartbeats, by name
	log      io.Writer         // of all nodes

	recordInterval time.Duration // of the nodes, 0 for the default
}

// simulate runs a test in a new simulation, once per database, in virtual time. A simulation
// uses one processor at a time, so two of them run next to each other.
func simulate(t *testing.T, test func(*simulation)) {
	t.Parallel()
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		test(newSimulation(t, open))
	})
}

// simulateHours is simulate for a test of alerts that lasts hours on one node. The node
// records less often that it is watching, because each record costs real time.
func simulateHours(t *testing.T, test func(*simulation)) {
	t.Helper()
	simulate(t, func(sim *simulation) {
		sim.recordInterval = 30 * time.Second
		test(sim)
	})
}

// newSimulation returns a simulation on a database.
func newSimulation(t *testing.T, open func() *store.DB) *simulation {
	sim := &simulation{t: t, openDB: open, db: open(), receiver: &alertReceiver{}, ids: map[string]string{}, log: io.Discard}
	sim.update(func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
		sim.project = p.Key
		return err
	})
	sim.addChannel("ops", monitor.Channel{NotifyOnRecovery: true})
	return sim
}

// update changes the database directly.
func (sim *simulation) update(fn func(*store.Tx) error) {
	sim.t.Helper()
	if err := sim.db.Update(context.Background(), fn); err != nil {
		sim.t.Fatal(err)
	}
}

// addChannel adds a channel.
func (sim *simulation) addChannel(name string, c monitor.Channel) {
	sim.t.Helper()
	c.Project, c.Kind, c.Name, c.Settings, c.Created = sim.project, cmp.Or(c.Kind, "webhook"), name, map[string]any{}, time.Now()
	sim.update(func(tx *store.Tx) error {
		_, err := tx.AddChannel(c)
		return err
	})
}

// addHeartbeat adds a heartbeat.
func (sim *simulation) addHeartbeat(name string, rule monitor.Rule) {
	sim.t.Helper()
	id := uuid.NewString()
	sim.ids[name] = id
	rule.Methods = monitor.AnyMethod
	sim.update(func(tx *store.Tx) error {
		_, err := tx.AddHeartbeat(monitor.Heartbeat{
			ID: id, Ref: "ref " + id, Project: sim.project, Name: name, Slug: name, Rule: rule, AllChannels: true,
			Status: monitor.New, Created: time.Now(), Updated: time.Now(),
		})
		return err
	})
}

// node is an engine with the handler that receives its pings.
type node struct {
	*Engine
	pingHandler *ingest.Handler
	stopped     bool
}

// withSend lets a node send through send.
func withSend(send deliver.SendFunc) func(*Engine) {
	return func(e *Engine) { e.dispatcher.Send = send }
}

// withoutSweeps lets a node evaluate nothing by itself. It still records that it is
// watching.
func withoutSweeps(e *Engine) {
	e.sweep = loop.New("sweep", e.log, func(context.Context, time.Time) (time.Duration, error) { return time.Hour, nil })
}

// withMaxConcurrent bounds how much a node sends at once.
func withMaxConcurrent(n int) func(*Engine) {
	return func(e *Engine) { e.dispatcher.MaxConcurrent = n }
}

// startNode starts a node, after prepare changed its parts. It is stopped at the end of
// the test, if not before.
func (sim *simulation) startNode(prepare ...func(*Engine)) *node {
	sim.t.Helper()
	log := slog.New(slog.NewTextHandler(sim.log, nil))
	db := sim.openDB()
	if sim.recordInterval > 0 {
		db.SetRecordInterval(sim.recordInterval)
	}
	e := NewEngine(db, sim.receiver.send, "", log)
	for _, change := range prepare {
		change(e)
	}
	if err := e.Start(context.Background()); err != nil {
		sim.t.Fatal(err)
	}
	n := &node{Engine: e, pingHandler: &ingest.Handler{
		Batcher: e.batcher, InFlight: e.inFlight, BodyBudget: ingest.NewBodyBudget(1 << 20), Metrics: e.metrics,
		Source: func(r *http.Request) string { return r.RemoteAddr },
		Allow:  func(string) time.Duration { return 0 },
	}}
	sim.t.Cleanup(func() { sim.stopNode(n) })
	return n
}

// stopNode stops a node gracefully.
func (sim *simulation) stopNode(n *node) {
	if n.stopped {
		return
	}
	n.stopped = true
	if err := n.Stop(context.Background()); err != nil {
		sim.t.Error(err)
	}
}

// killNode ends a node as kill -9 would: it writes nothing afterwards.
func (sim *simulation) killNode(n *node) {
	n.stopped = true
	n.batcher.Stop()
	n.Engine.stop()
	n.loops.Wait()
	if n.db.IsShared() {
		if err := n.db.Close(); err != nil { // the database sees that the process ended
			sim.t.Error(err)
		}
	}
}

// ping sends a ping to a node; form is the part of the path after the id, such
// as "/fail". It returns the status of the response.
func (sim *simulation) ping(n *node, name, form string) int {
	sim.t.Helper()
	answer := httptest.NewRecorder()
	n.pingHandler.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", sim.ids[name])+form, nil))
	return answer.Code
}

// mustPingWithBody sends a ping with a body that must be stored.
func (sim *simulation) mustPingWithBody(n *node, name, form, body string) {
	sim.t.Helper()
	answer := httptest.NewRecorder()
	n.pingHandler.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", sim.ids[name])+form, strings.NewReader(body)))
	if answer.Code != http.StatusOK {
		sim.t.Fatalf("ping of %s%s: answered %d; want 200", name, form, answer.Code)
	}
}

// mustPing sends a ping that must be stored.
func (sim *simulation) mustPing(n *node, name, form string) {
	sim.t.Helper()
	if code := sim.ping(n, name, form); code != http.StatusOK {
		sim.t.Fatalf("ping of %s%s: answered %d; want 200", name, form, code)
	}
}

// advance lets virtual time pass.
func (sim *simulation) advance(d time.Duration) { time.Sleep(d) }

// expectEvents compares the events of all alerts received so far.
func (sim *simulation) expectEvents(want ...string) {
	sim.t.Helper()
	if got := sim.receiver.events(); !slices.Equal(got, want) {
		sim.t.Fatalf("received %v; want %v", got, want)
	}
}

// incidents lists all incidents, oldest first.
func (sim *simulation) incidents() []monitor.Incident {
	sim.t.Helper()
	var all []monitor.Incident
	err := sim.db.View(context.Background(), func(tx *store.Tx) error {
		var err error
		all, err = tx.Incidents(store.IncidentFilter{Project: sim.project, Limit: 1000})
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// status returns the stored status of a heartbeat.
func (sim *simulation) status(name string) monitor.Status {
	sim.t.Helper()
	var h monitor.Heartbeat
	err := sim.db.View(context.Background(), func(tx *store.Tx) error {
		var err error
		h, err = tx.Heartbeat(sim.project, sim.ids[name])
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	return h.Status
}

var fiveMinuteRule = monitor.Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute}

func TestSweep_SilenceIsNoticedAtItsDeadlineAndSentOnceByTwoNodes(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode()}
		sim.addHeartbeat("backup", fiveMinuteRule)
		var last time.Time // when the newest ping arrived, not when it was answered
		for i := range 6 { // half an hour without a miss, with pings to both nodes
			last = time.Now()
			sim.mustPing(nodes[i%2], "backup", "")
			time.Sleep(5 * time.Minute)
		}
		sim.expectEvents()
		time.Sleep(2*time.Minute - time.Second)
		if s := sim.status("backup"); s != monitor.Late {
			sim.t.Fatalf("a second before the deadline it is %s; want late", s)
		}
		time.Sleep(1250 * time.Millisecond)
		sim.expectEvents("opened")
		i := sim.incidents()[0]
		if !i.OpenedAt.Equal(last.Add(7 * time.Minute)) {
			sim.t.Errorf("incident dated %s; want the deadline, %s", i.OpenedAt, last.Add(7*time.Minute))
		}
		if late := i.DetectedAt.Sub(i.OpenedAt); late > 250*time.Millisecond {
			sim.t.Errorf("noticed %s after the deadline; want at most 250ms", late)
		}
		time.Sleep(10 * time.Minute)
		sim.expectEvents("opened")
		sim.mustPing(nodes[1], "backup", "")
		time.Sleep(time.Second)
		sim.expectEvents("opened", "resolved")
	})
}

func TestSweep_ADeadlineThatPassedBeforeACrashIsNoticedLater(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode(withoutSweeps)
		sim.addHeartbeat("backup", fiveMinuteRule)
		deadline := time.Now().Add(7 * time.Minute)
		sim.mustPing(n, "backup", "")
		time.Sleep(8 * time.Minute)
		sim.killNode(n)
		time.Sleep(time.Hour)
		sim.startNode()
		time.Sleep(5 * time.Second)
		sim.expectEvents("opened", "blackout.noticed")
		if i := sim.incidents()[0]; !i.OpenedAt.Equal(deadline) || i.DetectedAt.Sub(deadline) < 50*time.Minute {
			sim.t.Errorf("opened %s, detected %s; want opened at the deadline %s and detected after the restart", i.OpenedAt, i.DetectedAt, deadline)
		}
	})
}

func TestRunOnce_AProviderThatReturnsGetsItsAlertsInOrder(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "")
		sim.receiver.setFailure(&notify.SendError{Status: 503, Reason: "away"})
		time.Sleep(30 * time.Minute)
		sim.mustPing(n, "backup", "")
		time.Sleep(2 * time.Minute)
		sim.expectEvents()
		sim.receiver.setFailure(nil)
		// A new alert makes the channel retry the pending ones at once: the second
		// incident opens 7 minutes after the last ping.
		time.Sleep(5*time.Minute + 250*time.Millisecond)
		sim.expectEvents("opened", "resolved", "opened")
	})
}

func TestRunOnce_RetryAfterIsHonored(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.receiver.setFailure(&notify.SendError{Status: 429, RetryAfter: 45 * time.Minute})
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		sim.receiver.setFailure(nil)
		time.Sleep(44 * time.Minute)
		sim.expectEvents()
		time.Sleep(2 * time.Minute)
		sim.expectEvents("opened")
	})
}

func TestRunOnce_APermanentErrorIsNotRetriedAndIsAnnouncedOnOtherChannels(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addChannel("mail", monitor.Channel{NotifyOnRecovery: true})
		n := sim.startNode(withSend(func(ctx context.Context, kind string, set setting.Values, news message.Notification) (notify.Receipt, error) {
			if news.Channel == "ops" {
				return notify.Receipt{}, &notify.SendError{Status: 410, Reason: "gone", Permanent: true}
			}
			return sim.receiver.send(ctx, kind, set, news)
		}))
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(2 * time.Second)
		got := sim.receiver.events()
		slices.Sort(got)
		if want := []string{"channel.failing", "opened"}; !slices.Equal(got, want) {
			sim.t.Fatalf("the other channel received %v; want %v", got, want)
		}
		var entries []monitor.TimelineEntry
		err := sim.db.View(context.Background(), func(tx *store.Tx) error {
			var err error
			entries, err = tx.Timeline(sim.incidents()[0])
			return err
		})
		if err != nil {
			sim.t.Fatal(err)
		}
		if !slices.ContainsFunc(entries, func(e monitor.TimelineEntry) bool { return e.Kind == "undelivered" && strings.Contains(e.Text, "ops") }) {
			sim.t.Errorf("the timeline of the incident does not contain the failed delivery to ops: %v", entries)
		}
		time.Sleep(20 * time.Minute)
		if len(sim.receiver.events()) != 2 {
			sim.t.Errorf("further alerts %v; want none", sim.receiver.events()[2:])
		}
	})
}

func TestRunOnce_RemindersEndWithTheAcknowledgement(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			channels[0].RemindEvery = 10 * time.Minute
			return tx.SaveChannel(channels[0])
		})
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(21 * time.Minute)
		sim.expectEvents("opened", "reminder", "reminder")
		sim.update(func(tx *store.Tx) error {
			_, err := tx.AcknowledgeIncident(sim.incidents()[0], "Ana", time.Now())
			return err
		})
		time.Sleep(30 * time.Minute)
		sim.expectEvents("opened", "reminder", "reminder", "acknowledged")
	})
}

func TestRunOnce_AReminderThatWasNotDeliveredDelaysNoResolution(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(sim.project)
			if err != nil {
				return err
			}
			channels[0].RemindEvery = time.Minute
			return tx.SaveChannel(channels[0])
		})
		n := sim.startNode()
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.addHeartbeat("other", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(30 * time.Second)
		sim.receiver.setFailure(&notify.SendError{Status: 503})
		time.Sleep(time.Minute) // the reminder fails
		sim.mustPing(n, "backup", "")
		sim.receiver.setFailure(nil)
		time.Sleep(3 * time.Minute)
		sim.mustPing(n, "other", "/fail")
		time.Sleep(2 * time.Second)
		sim.expectEvents("opened", "resolved", "opened")
	})
}

func TestSweep_ARunThatTakesTooLongIsDown(t *testing.T) {
	simulate(t, func(sim *simulation) {
		n := sim.startNode()
		sim.addHeartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute, MaxRunTime: 10 * time.Minute})
		sim.mustPing(n, "backup", "")
		time.Sleep(time.Minute)
		sim.mustPing(n, "backup", "/start")
		start := time.Now()
		time.Sleep(10*time.Minute + 300*time.Millisecond)
		sim.expectEvents("opened")
		if i := sim.incidents()[0]; i.Cause != monitor.CauseOverran || !i.OpenedAt.Equal(start.Add(10*time.Minute)) {
			sim.t.Errorf("incident %s at %s; want overran at %s", i.Cause, i.OpenedAt, start.Add(10*time.Minute))
		}
	})
}

func TestRunOnce_ANodeThatDiesBeforeItRecordsASendSendsTheSameAlertAgain(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		// The send of this node does not return before the node is killed: the
		// alert was received, and no node has recorded it.
		dead := make(chan struct{})
		defer close(dead)
		send := sim.receiver.send
		n := sim.startNode(withSend(func(ctx context.Context, kind string, set setting.Values, news message.Notification) (notify.Receipt, error) {
			receipt, err := send(ctx, kind, set, news)
			<-dead
			return receipt, err
		}))
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(time.Second)
		sim.expectEvents("opened")
		sim.killNode(n)
		sim.startNode()
		time.Sleep(2 * time.Minute)
		sim.expectEvents("opened", "opened")
		if a, b := sim.receiver.received[0].alert, sim.receiver.received[1].alert; a != b {
			sim.t.Errorf("alert ids %s and %s; want the same", a, b)
		}
		time.Sleep(10 * time.Minute)
		sim.expectEvents("opened", "opened")
	})
}

func TestSweep_ManyHeartbeatsOnManyNodesAreSentExactlyOnce(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode(), sim.startNode()}
		const many = 120
		for i := range many {
			sim.addHeartbeat(fmt.Sprint("job", i), fiveMinuteRule)
			sim.mustPing(nodes[i%3], fmt.Sprint("job", i), "")
		}
		time.Sleep(10 * time.Minute)
		seen := map[string]int{}
		for _, m := range sim.receiver.alerts() {
			seen[m.heartbeat]++
		}
		for i := range many {
			if seen[fmt.Sprint("job", i)] != 1 {
				sim.t.Errorf("%[2]d alerts of job%[1]d; want one", i, seen[fmt.Sprint("job", i)])
			}
		}
		numbers := map[int64]bool{}
		for _, i := range sim.incidents() {
			numbers[i.Number] = true
		}
		for i := int64(1); i <= many; i++ {
			if !numbers[i] {
				sim.t.Errorf("there is no incident #%d; want 1 to %d without gaps", i, many)
			}
		}
	})
}

// slowBody is a request body that ends after a delay.
type slowBody struct{ delay time.Duration }

// Read waits and returns the end of the body.
func (b slowBody) Read([]byte) (int, error) {
	time.Sleep(b.delay)
	return 0, io.EOF
}

func TestSweep_APingThatArrivedInTimeNeverLosesToItsDeadlineHoweverSlow(t *testing.T) {
	simulate(t, func(sim *simulation) {
		nodes := []*node{sim.startNode(), sim.startNode()}
		sim.addHeartbeat("backup", fiveMinuteRule)
		sim.addHeartbeat("other", fiveMinuteRule)
		sim.mustPing(nodes[0], "backup", "")
		sim.mustPing(nodes[0], "other", "")
		time.Sleep(7*time.Minute - time.Second)
		// The ping arrives a second before the deadline and is complete 8 seconds after it.
		answer := httptest.NewRecorder()
		nodes[1].pingHandler.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", sim.ids["backup"]), slowBody{9 * time.Second}))
		if answer.Code != http.StatusOK {
			sim.t.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
		time.Sleep(time.Second)
		sim.expectEvents("opened")
		if i := sim.incidents(); len(i) != 1 || i[0].HeartbeatName != "other" {
			sim.t.Errorf("incidents %+v; want one, of the other heartbeat", i)
		}
	})
}
