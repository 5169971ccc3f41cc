package app

import (
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
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// provider receives the alerts of channels. It records them, and can be made to
// fail.
type provider struct {
	mu     sync.Mutex
	broken error
	slow   time.Duration
	heard  []told
	hear   func(notify.Notification) // also gets each message; may be nil
}

// told is one received message.
type told struct {
	event, alert, channel, heartbeat string
	at                               time.Time
}

// all returns what was sent so far.
func (p *provider) all() []told {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heard)
}

// send takes a message, unless the provider is broken.
func (p *provider) send(_ context.Context, _ string, _ notify.Settings, n notify.Notification) (notify.Receipt, error) {
	p.mu.Lock()
	slow := p.slow
	p.mu.Unlock()
	time.Sleep(slow)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return notify.Receipt{}, p.broken
	}
	if p.hear != nil {
		p.hear(n)
	}
	p.heard = append(p.heard, told{n.Event, n.AlertID, n.Channel, n.Heartbeat, time.Now()})
	return notify.Receipt{Status: 200}, nil
}

// breaks makes the provider respond with an error, or with success if err is nil.
func (p *provider) breaks(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}

// events lists the events of the received alerts, in order.
func (p *provider) events() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, m := range p.heard {
		all = append(all, strings.TrimPrefix(m.event, "incident."))
	}
	return all
}

// world is a project with a channel, watched by nodes that share a database.
type world struct {
	t        *testing.T
	open     func() *store.DB
	db       *store.DB
	project  int64
	provider *provider
	ids      map[string]string // of heartbeats, by name
	log      io.Writer         // of all nodes
}

// simulate runs a test in a new world, once per database, in virtual time.
func simulate(t *testing.T, test func(*world)) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		w := &world{t: t, open: open, db: open(), provider: &provider{}, ids: map[string]string{}, log: io.Discard}
		w.update(func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
			w.project = p.Key
			return err
		})
		w.channel("ops", monitor.Channel{NotifyOnRecovery: true})
		test(w)
	})
}

// update changes the database directly.
func (w *world) update(fn func(*store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// channel adds a channel.
func (w *world) channel(name string, c monitor.Channel) {
	w.t.Helper()
	c.Project, c.Kind, c.Name, c.Settings, c.Created = w.project, "webhook", name, map[string]any{}, time.Now()
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddChannel(c)
		return err
	})
}

// heartbeat adds a heartbeat.
func (w *world) heartbeat(name string, rule monitor.Rule) {
	w.t.Helper()
	id := uuid.NewString()
	w.ids[name] = id
	rule.Methods = monitor.AnyMethod
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddHeartbeat(monitor.Heartbeat{
			ID: id, Ref: "ref " + id, Project: w.project, Name: name, Slug: name, Rule: rule, AllChannels: true,
			Status: monitor.New, Created: time.Now(), Updated: time.Now(),
		})
		return err
	})
}

// node is one engine with the face that takes pings.
type node struct {
	*Engine
	face    *ingest.Handler
	stopped bool
}

// sending lets a node send through send.
func sending(send deliver.SendFunc) func(*Engine) {
	return func(e *Engine) { e.dispatcher.Send = send }
}

// atMost bounds how much a node sends at once.
func atMost(n int) func(*Engine) {
	return func(e *Engine) { e.dispatcher.MaxConcurrent = n }
}

// node starts a node, after prepare changed its parts. It is stopped at the end of
// the test, if not before.
func (w *world) node(prepare ...func(*Engine)) *node {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	e := NewEngine(w.open(), w.provider.send, "", log)
	for _, change := range prepare {
		change(e)
	}
	if err := e.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	n := &node{Engine: e, face: &ingest.Handler{
		Batcher: e.batcher, InFlight: e.inFlight, BodyBudget: ingest.NewBodyBudget(1 << 20), Metrics: e.metrics,
		Source: func(r *http.Request) string { return r.RemoteAddr },
		Allow:  func(string) time.Duration { return 0 },
	}}
	w.t.Cleanup(func() { w.stop(n) })
	return n
}

// stop stops a node gracefully.
func (w *world) stop(n *node) {
	if n.stopped {
		return
	}
	n.stopped = true
	if err := n.Stop(context.Background()); err != nil {
		w.t.Error(err)
	}
}

// kill ends a node as kill -9 would: it writes nothing afterwards.
func (w *world) kill(n *node) {
	n.stopped = true
	n.batcher.Stop()
	n.Engine.stop()
	n.loops.Wait()
}

// ping sends a ping to a node; form is the part of the path after the id, such
// as "/fail". It returns the status of the response.
func (w *world) ping(n *node, name, form string) int {
	w.t.Helper()
	answer := httptest.NewRecorder()
	n.face.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", w.ids[name])+form, nil))
	return answer.Code
}

// post sends a ping with a body that must be stored.
func (w *world) post(n *node, name, form, body string) {
	w.t.Helper()
	answer := httptest.NewRecorder()
	n.face.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", w.ids[name])+form, strings.NewReader(body)))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("ping of %s%s: answered %d; want 200", name, form, answer.Code)
	}
}

// hear sends a ping that must be stored.
func (w *world) hear(n *node, name, form string) {
	w.t.Helper()
	if code := w.ping(n, name, form); code != http.StatusOK {
		w.t.Fatalf("ping of %s%s: answered %d; want 200", name, form, code)
	}
}

// wait lets time pass.
func (w *world) wait(d time.Duration) { time.Sleep(d) }

// expect compares the events of all alerts received so far.
func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := w.provider.events(); !slices.Equal(got, want) {
		w.t.Fatalf("told %v; want %v", got, want)
	}
}

// incidents lists all incidents, oldest first.
func (w *world) incidents() []monitor.Incident {
	w.t.Helper()
	var all []monitor.Incident
	err := w.db.View(context.Background(), func(tx *store.Tx) error {
		var err error
		all, err = tx.Incidents(store.IncidentFilter{Project: w.project, Limit: 1000})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// status returns the stored status of a heartbeat.
func (w *world) status(name string) monitor.Status {
	w.t.Helper()
	var h monitor.Heartbeat
	err := w.db.View(context.Background(), func(tx *store.Tx) error {
		var err error
		h, err = tx.Heartbeat(w.project, w.ids[name])
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return h.Status
}

var fiveAndTwo = monitor.Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute}

func TestSweep_SilenceIsNoticedAtItsDeadlineAndSentOnceByTwoNodes(t *testing.T) {
	simulate(t, func(w *world) {
		nodes := []*node{w.node(), w.node()}
		w.heartbeat("backup", fiveAndTwo)
		var last time.Time // when the newest ping arrives; its answer may take a moment more
		for i := range 6 { // half an hour of good health, reported to either node
			last = time.Now()
			w.hear(nodes[i%2], "backup", "")
			time.Sleep(5 * time.Minute)
		}
		w.expect()
		time.Sleep(2*time.Minute - time.Second)
		if s := w.status("backup"); s != monitor.Late {
			w.t.Fatalf("a second before the deadline it is %s; want late", s)
		}
		time.Sleep(1250 * time.Millisecond)
		w.expect("opened")
		i := w.incidents()[0]
		if !i.OpenedAt.Equal(last.Add(7 * time.Minute)) {
			w.t.Errorf("incident dated %s; want the deadline, %s", i.OpenedAt, last.Add(7*time.Minute))
		}
		if late := i.DetectedAt.Sub(i.OpenedAt); late > 250*time.Millisecond {
			w.t.Errorf("noticed %s after the deadline; want at most 250ms", late)
		}
		time.Sleep(10 * time.Minute)
		w.expect("opened")
		w.hear(nodes[1], "backup", "")
		time.Sleep(time.Second)
		w.expect("opened", "resolved")
	})
}

func TestSweep_ADeadlineThatPassesWhileNoNodeRunsIsNoticedLater(t *testing.T) {
	simulate(t, func(w *world) {
		n := w.node()
		w.heartbeat("backup", fiveAndTwo)
		deadline := time.Now().Add(7 * time.Minute)
		w.hear(n, "backup", "")
		w.stop(n)
		time.Sleep(time.Hour)
		w.node()
		time.Sleep(time.Second)
		w.expect("opened")
		if i := w.incidents()[0]; !i.OpenedAt.Equal(deadline) || i.DetectedAt.Sub(deadline) < 50*time.Minute {
			w.t.Errorf("opened %s, detected %s; want opened at the deadline %s and detected after the restart", i.OpenedAt, i.DetectedAt, deadline)
		}
	})
}

func TestRunOnce_AProviderThatReturnsGetsItsAlertsInOrder(t *testing.T) {
	simulate(t, func(w *world) {
		n := w.node()
		w.heartbeat("backup", fiveAndTwo)
		w.hear(n, "backup", "")
		w.provider.breaks(&notify.SendError{Status: 503, Reason: "away"})
		time.Sleep(30 * time.Minute)
		w.hear(n, "backup", "")
		time.Sleep(2 * time.Minute)
		w.expect()
		w.provider.breaks(nil)
		// Whatever was to be tried again later is tried at once when there is
		// more to tell: the second incident, 7 minutes after the last ping.
		time.Sleep(5*time.Minute + 250*time.Millisecond)
		w.expect("opened", "resolved", "opened")
	})
}

func TestRunOnce_RetryAfterIsHonored(t *testing.T) {
	simulate(t, func(w *world) {
		n := w.node()
		w.heartbeat("backup", fiveAndTwo)
		w.provider.breaks(&notify.SendError{Status: 429, RetryAfter: 45 * time.Minute})
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Second)
		w.provider.breaks(nil)
		time.Sleep(44 * time.Minute)
		w.expect()
		time.Sleep(2 * time.Minute)
		w.expect("opened")
	})
}

func TestRunOnce_APermanentErrorIsNotRetriedAndIsAnnouncedOnOtherChannels(t *testing.T) {
	simulate(t, func(w *world) {
		w.channel("mail", monitor.Channel{NotifyOnRecovery: true})
		n := w.node(sending(func(ctx context.Context, kind string, set notify.Settings, news notify.Notification) (notify.Receipt, error) {
			if news.Channel == "ops" {
				return notify.Receipt{}, &notify.SendError{Status: 410, Reason: "gone", Permanent: true}
			}
			return w.provider.send(ctx, kind, set, news)
		}))
		w.heartbeat("backup", fiveAndTwo)
		w.hear(n, "backup", "/fail")
		time.Sleep(2 * time.Second)
		got := w.provider.events()
		slices.Sort(got)
		if want := []string{"channel.failing", "opened"}; !slices.Equal(got, want) {
			w.t.Fatalf("the other channel received %v; want %v", got, want)
		}
		var entries []monitor.TimelineEntry
		err := w.db.View(context.Background(), func(tx *store.Tx) error {
			var err error
			entries, err = tx.Timeline(w.incidents()[0])
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if !slices.ContainsFunc(entries, func(e monitor.TimelineEntry) bool { return e.Kind == "undelivered" && strings.Contains(e.Text, "ops") }) {
			w.t.Errorf("the timeline of the incident does not contain the failed delivery to ops: %v", entries)
		}
		time.Sleep(20 * time.Minute)
		if len(w.provider.events()) != 2 {
			w.t.Errorf("told %v later; want nothing more", w.provider.events()[2:])
		}
	})
}

func TestRunOnce_RemindersEndWithTheAcknowledgement(t *testing.T) {
	simulate(t, func(w *world) {
		w.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(w.project)
			if err != nil {
				return err
			}
			channels[0].RemindEvery = 10 * time.Minute
			return tx.SaveChannel(channels[0])
		})
		n := w.node()
		w.heartbeat("backup", fiveAndTwo)
		w.hear(n, "backup", "/fail")
		time.Sleep(21 * time.Minute)
		w.expect("opened", "reminder", "reminder")
		w.update(func(tx *store.Tx) error {
			_, err := tx.AcknowledgeIncident(w.incidents()[0], "Ana", time.Now())
			return err
		})
		time.Sleep(30 * time.Minute)
		w.expect("opened", "reminder", "reminder", "acknowledged")
	})
}

func TestRunOnce_AReminderThatWasNotDeliveredDelaysNoResolution(t *testing.T) {
	simulate(t, func(w *world) {
		w.update(func(tx *store.Tx) error {
			channels, err := tx.Channels(w.project)
			if err != nil {
				return err
			}
			channels[0].RemindEvery = time.Minute
			return tx.SaveChannel(channels[0])
		})
		n := w.node()
		w.heartbeat("backup", fiveAndTwo)
		w.heartbeat("other", fiveAndTwo)
		w.hear(n, "backup", "/fail")
		time.Sleep(30 * time.Second)
		w.provider.breaks(&notify.SendError{Status: 503})
		time.Sleep(time.Minute) // the reminder fails
		w.hear(n, "backup", "")
		w.provider.breaks(nil)
		time.Sleep(3 * time.Minute)
		w.hear(n, "other", "/fail")
		time.Sleep(2 * time.Second)
		w.expect("opened", "resolved", "opened")
	})
}

func TestSweep_ARunThatTakesTooLongIsDown(t *testing.T) {
	simulate(t, func(w *world) {
		n := w.node()
		w.heartbeat("backup", monitor.Rule{Interval: time.Hour, Grace: time.Minute, MaxRunTime: 10 * time.Minute})
		w.hear(n, "backup", "")
		time.Sleep(time.Minute)
		w.hear(n, "backup", "/start")
		start := time.Now()
		time.Sleep(10*time.Minute + 300*time.Millisecond)
		w.expect("opened")
		if i := w.incidents()[0]; i.Cause != monitor.CauseOverran || !i.OpenedAt.Equal(start.Add(10*time.Minute)) {
			w.t.Errorf("incident %s at %s; want overran at %s", i.Cause, i.OpenedAt, start.Add(10*time.Minute))
		}
	})
}

func TestRunOnce_ANodeThatDiesBeforeItRecordsASendSendsTheSameAlertAgain(t *testing.T) {
	simulate(t, func(w *world) {
		// The sending of this node does not come back before its death: the
		// provider has received the message, and no node has recorded it.
		dead := make(chan struct{})
		defer close(dead)
		send := w.provider.send
		n := w.node(sending(func(ctx context.Context, kind string, set notify.Settings, news notify.Notification) (notify.Receipt, error) {
			receipt, err := send(ctx, kind, set, news)
			<-dead
			return receipt, err
		}))
		w.heartbeat("backup", fiveAndTwo)
		w.hear(n, "backup", "/fail")
		time.Sleep(time.Second)
		w.expect("opened")
		w.kill(n)
		w.node()
		time.Sleep(2 * time.Minute)
		w.expect("opened", "opened")
		if a, b := w.provider.heard[0].alert, w.provider.heard[1].alert; a != b {
			w.t.Errorf("alert ids %s and %s; want the same", a, b)
		}
		time.Sleep(10 * time.Minute)
		w.expect("opened", "opened")
	})
}

func TestSweep_ManyHeartbeatsOnManyNodesAreSentExactlyOnce(t *testing.T) {
	simulate(t, func(w *world) {
		nodes := []*node{w.node(), w.node(), w.node()}
		const many = 120
		for i := range many {
			w.heartbeat(fmt.Sprint("job", i), fiveAndTwo)
			w.hear(nodes[i%3], fmt.Sprint("job", i), "")
		}
		time.Sleep(10 * time.Minute)
		seen := map[string]int{}
		for _, m := range w.provider.all() {
			seen[m.heartbeat]++
		}
		for i := range many {
			if seen[fmt.Sprint("job", i)] != 1 {
				w.t.Errorf("%[2]d alerts of job%[1]d; want one", i, seen[fmt.Sprint("job", i)])
			}
		}
		numbers := map[int64]bool{}
		for _, i := range w.incidents() {
			numbers[i.Number] = true
		}
		for i := int64(1); i <= many; i++ {
			if !numbers[i] {
				w.t.Errorf("there is no incident #%d; want 1 to %d without gaps", i, many)
			}
		}
	})
}

// slowBody is a request's body that takes its time.
type slowBody struct{ takes time.Duration }

// Read sleeps once and then ends.
func (b slowBody) Read([]byte) (int, error) {
	time.Sleep(b.takes)
	return 0, io.EOF
}

func TestSweep_APingThatArrivedInTimeNeverLosesToItsDeadlineHoweverSlow(t *testing.T) {
	simulate(t, func(w *world) {
		nodes := []*node{w.node(), w.node()}
		w.heartbeat("backup", fiveAndTwo)
		w.heartbeat("other", fiveAndTwo)
		w.hear(nodes[0], "backup", "")
		w.hear(nodes[0], "other", "")
		time.Sleep(7*time.Minute - time.Second)
		// It arrives a second before the deadline and is complete 8 seconds after.
		answer := httptest.NewRecorder()
		nodes[1].face.ServeHTTP(answer, httptest.NewRequest("POST", pingurl.For("", w.ids["backup"]), slowBody{9 * time.Second}))
		if answer.Code != http.StatusOK {
			w.t.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
		time.Sleep(time.Second)
		w.expect("opened")
		if i := w.incidents(); len(i) != 1 || i[0].HeartbeatName != "other" {
			w.t.Errorf("incidents %+v; want one, of the other heartbeat", i)
		}
	})
}
