package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"overdue/internal/loop"
	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/pingurl"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// fixture is a face for pings on a real store with one heartbeat.
type fixture struct {
	t       *testing.T
	db      *store.DB
	handler *Handler
	h       monitor.Heartbeat
}

// onEachDatabase runs a test with a new fixture, once per database, in virtual time.
func onEachDatabase(t *testing.T, test func(*fixture)) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) { test(newFixture(t, open())) })
}

// newFixture is a desk on a store.
func newFixture(t *testing.T, db *store.DB) *fixture {
	t.Helper()
	none := func() float64 { return 0 }
	m, arrivals := metrics.New(none, none), NewInFlight()
	b := NewBatcher(db, arrivals, m, slog.New(slog.DiscardHandler), loop.Signals{})
	t.Cleanup(b.Stop)
	d := &fixture{t: t, db: db, handler: &Handler{
		Batcher: b, InFlight: arrivals, BodyBudget: NewBodyBudget(1 << 20), Metrics: m,
		Source: func(r *http.Request) string { return "192.0.2.1" }, Allow: func(string) time.Duration { return 0 },
	}}
	d.h = d.add(monitor.Rule{Interval: time.Hour, Grace: time.Minute, Methods: monitor.AnyMethod})
	return d
}

// add adds a heartbeat.
func (d *fixture) add(rule monitor.Rule) (h monitor.Heartbeat) {
	d.t.Helper()
	id := uuid.NewString()
	err := d.db.Update(context.Background(), func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: id, Name: id, Zone: "UTC", Created: time.Now()})
		if err != nil {
			return err
		}
		h, err = tx.AddHeartbeat(monitor.Heartbeat{
			ID: id, Ref: id, Project: p.Key, Name: id, Slug: id, Rule: rule, AllChannels: true, Status: monitor.New,
			Created: time.Now(), Updated: time.Now(),
		})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return h
}

// send sends one request to the heartbeat; form is the part of the path after its id.
func (d *fixture) send(method, form string, body io.Reader) *httptest.ResponseRecorder {
	return d.sendTo(d.h.ID, method, form, body)
}

// sendTo sends a ping to a heartbeat.
func (d *fixture) sendTo(id, method, form string, body io.Reader) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(method, pingurl.For("", "")+id+form, body)
	r.Header.Set("User-Agent", "curl/8.0\x00\xff")
	d.handler.ServeHTTP(answer, r)
	return answer
}

// newest reads the newest ping that is stored, with its body.
func (d *fixture) newest() (monitor.Ping, bool) {
	d.t.Helper()
	var p monitor.Ping
	var found bool
	err := d.db.View(context.Background(), func(tx *store.Tx) error {
		list, err := tx.Pings(d.h.Key, 0, 1)
		if found = len(list) > 0; err != nil || !found {
			return err
		}
		p, err = tx.Ping(d.h.Key, list[0].Number)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return p, found
}

func TestServeHTTP_OKMeansStored(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		for _, method := range []string{"POST", "GET"} {
			answer := d.send(method, "/3?rid="+someID, strings.NewReader("disk full\n"))
			if answer.Code != 200 || answer.Body.String() != "OK" || answer.Header().Get("Ping-Body-Limit") != "100000" {
				d.t.Errorf("%s: answered %d %q, limit %q; want 200 \"OK\", 100000", method, answer.Code, answer.Body, answer.Header().Get("Ping-Body-Limit"))
			}
			p, _ := d.newest()
			if p.Kind != monitor.PingFail || p.ExitCode != 3 || p.RunID != someID || p.Method != method || p.Source != "192.0.2.1" ||
				p.UserAgent != "curl/8.0�" || string(p.Body) != "disk full\n" {
				d.t.Errorf("%s: stored %+v", method, p)
			}
		}
	})
}

func TestServeHTTP_EveryOtherAnswerIsExact(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		for _, c := range []struct {
			method, form, says string
			status             int
		}{
			{"POST", "/nonsense", "exit code", 400},
			{"POST", "?status=degraded", "status must be one of", 400},
			{"POST", "/fail?status=up", "contradiction", 400},
			{"POST", "?rid=1&msg=95%", "OK", 200},
			{"PUT", "", "method not allowed", 405},
			{"DELETE", "/start", "method not allowed", 405},
			{"OPTIONS", "", "", 204},
			{"HEAD", "", "OK", 200}, // the server leaves the body out
		} {
			answer := d.send(c.method, c.form, nil)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.says) {
				d.t.Errorf("%s %s: answered %d %q; want %d with %q", c.method, c.form, answer.Code, answer.Body, c.status, c.says)
			}
			if answer.Header().Get("Access-Control-Allow-Origin") != "*" {
				d.t.Errorf("%s %s: not open to other origins", c.method, c.form)
			}
		}
		d.h.ID = someID
		if answer := d.send("POST", "", nil); answer.Code != 404 || strings.Count(answer.Body.String(), "\n") != 1 {
			d.t.Errorf("unknown id: answered %d %q; want 404 and one line", answer.Code, answer.Body)
		}
	})
}

func TestServeHTTP_ALongBodyIsTruncatedAndNotRejected(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		body := bytes.NewReader(bytes.Repeat([]byte("x"), 10<<20))
		if answer := d.send("POST", "", body); answer.Code != 200 {
			d.t.Fatalf("answered %d %s; want 200", answer.Code, answer.Body)
		}
		if p, _ := d.newest(); len(p.Body) != 100_000 || body.Len() != 0 {
			d.t.Errorf("kept %d bytes, left %d unread; want 100000 and 0", len(p.Body), body.Len())
		}
	})
}

// failingBody is a body that ends with an error.
type failingBody struct{ err error }

func (t failingBody) Read([]byte) (int, error) { return 0, t.err }

// broken is the error of a body whose connection was closed, late that of a body that
// did not arrive in time.
var (
	interruptedBody = failingBody{io.ErrUnexpectedEOF}
	timedOutBody    = failingBody{os.ErrDeadlineExceeded}
)

// thenFail returns a body that ends with an error after some text.
func thenFail(text string, end failingBody) io.Reader {
	return io.MultiReader(strings.NewReader(text), end)
}

func TestServeHTTP_ABodyThatIsLateIsStoredAsFarAsItArrived(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		for form, want := range map[string]monitor.PingKind{"": monitor.PingSuccess, "/start": monitor.PingStart, "/3": monitor.PingFail, "/log": monitor.PingLog} {
			if answer := d.send("POST", form, thenFail("the beginning", timedOutBody)); answer.Code != 200 || answer.Body.String() != "OK" {
				d.t.Errorf("%q: answered %d %q; want 200 OK", form, answer.Code, answer.Body)
			}
			if p, _ := d.newest(); p.Kind != want || string(p.Body) != "the beginning" || p.Flags != monitor.BodyTimeout {
				d.t.Errorf("%q: stored %s with %q, flags %s; want a %s with the received part", form, p.Kind, p.Body, p.Flags, want)
			}
		}
	})
}

// A job that is killed while it sends its output looks like a connection that
// was lost: it must not count as a success.
func TestServeHTTP_AnAbortedSuccessIsOnlyLoggedAndAFailureCounts(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		for form, want := range map[string]monitor.PingKind{
			"": monitor.PingLog, "/0": monitor.PingLog, "?state=complete": monitor.PingLog, "/start": monitor.PingStart, "/fail": monitor.PingFail, "/3": monitor.PingFail,
		} {
			d.send("POST", form, thenFail("the beginning", interruptedBody))
			if p, found := d.newest(); !found || p.Kind != want || string(p.Body) != "the beginning" || p.Flags != monitor.BodyAborted {
				d.t.Errorf("%q: stored %s with %q, flags %s; want %s", form, p.Kind, p.Body, p.Flags, want)
			}
			if n := d.handler.InFlight.Count(); n != 0 {
				d.t.Errorf("%d pings are still registered as in flight", n)
			}
		}
	})
}

func TestServeHTTP_ABodyHoldsTheOutcome(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		for _, c := range []struct {
			form, contentType string
			body              io.Reader
			status            int
			want              monitor.PingKind
		}{
			{"", jsonType, strings.NewReader(`{"status":"down"}`), 200, monitor.PingFail},
			{"", textType, strings.NewReader(`{"status":"down"}`), 200, monitor.PingSuccess},
			{"", jsonType, strings.NewReader(`{"status":"degraded"}`), 400, ""},
			{"/0", jsonType, strings.NewReader(`{"status":"degraded"}`), 200, monitor.PingSuccess}, // the path says it: the body is output
			{"?status=up", jsonType, strings.NewReader(`{"status":"down"}`), 200, monitor.PingSuccess},
			{"", jsonType, thenFail(`{"status":"down","x":`, timedOutBody), 200, monitor.PingFail},
			{"/complete", jsonType, strings.NewReader(`{"status":"down"}`), 200, monitor.PingFail}, // how it ended
			{"?state=complete", jsonType, strings.NewReader(`{"status":"degraded"}`), 200, monitor.PingSuccess},
			{"/complete", jsonType, thenFail(`{"x":`, timedOutBody), 200, monitor.PingSuccess},
			{"", jsonType, thenFail(`{"x":`, timedOutBody), 408, ""}, // the rest of the body is not checked
			{"", jsonType, thenFail(`{"status":"completed","x":`, timedOutBody), 408, ""},
			{"", formType, thenFail(`{"x":`, timedOutBody), 408, ""},
			{"", formType, thenFail("exit_code=", timedOutBody), 408, ""},
			{"", formType, thenFail("exit_code=1", timedOutBody), 408, ""},
			{"", formType, thenFail("status=down&x=", timedOutBody), 200, monitor.PingFail},
			{"", formType, thenFail("12 files copied", timedOutBody), 200, monitor.PingSuccess},
			{"", jsonType, thenFail(`[{"x":`, timedOutBody), 200, monitor.PingSuccess},
		} {
			before, _ := d.newest()
			r := httptest.NewRequest("POST", pingurl.For("", "")+d.h.ID+c.form, c.body)
			r.Header.Set("Content-Type", c.contentType)
			answer := httptest.NewRecorder()
			d.handler.ServeHTTP(answer, r)
			p, _ := d.newest()
			if answer.Code != c.status || c.want == "" && p.Number != before.Number || c.want != "" && p.Kind != c.want {
				d.t.Errorf("%q with %s: answered %d %s, newest is %s; want %d, %s", c.form, c.contentType, answer.Code, answer.Body, p.Kind, c.status, c.want)
			}
		}
	})
}

func TestServeHTTP_APingThatCannotBeStoredIsAnswered503(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		if err := d.db.Close(); err != nil {
			d.t.Fatal(err)
		}
		answer := d.send("POST", "", nil)
		if answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
			d.t.Errorf("database closed: answered %d, Retry-After %q; want 503 with one", answer.Code, answer.Header().Get("Retry-After"))
		}
		if n := d.handler.InFlight.Count(); n != 0 {
			d.t.Errorf("%d pings are still registered as in flight", n)
		}
	})
}

func TestServeHTTP_AFullQueueIsAnswered503AtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		none := func() float64 { return 0 }
		b := &Batcher{db: &store.DB{}, queues: []*pingQueue{newPingQueue(0)}}
		d := &fixture{t: t, h: monitor.Heartbeat{ID: someID}, handler: &Handler{
			Batcher: b, InFlight: NewInFlight(), BodyBudget: NewBodyBudget(1 << 20), Metrics: metrics.New(none, none),
			Source: func(*http.Request) string { return "" }, Allow: func(string) time.Duration { return 0 },
		}}
		begun := time.Now()
		answer := d.send("POST", "", nil)
		if answer.Code != 503 || answer.Header().Get("Retry-After") != "1" || time.Since(begun) > 0 {
			t.Errorf("answered %d after %s; want 503 at once, Retry-After: 1", answer.Code, time.Since(begun))
		}
		if n := d.handler.InFlight.Count(); n != 0 {
			t.Errorf("%d pings are still registered as in flight", n)
		}
	})
}

func TestServeHTTP_BeyondTheRateLimitIsAnswered429(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		d.handler.Allow = func(string) time.Duration { return 1500 * time.Millisecond }
		answer := d.send("POST", "", nil)
		if answer.Code != 429 || answer.Header().Get("Retry-After") != "2" {
			d.t.Errorf("answered %d, Retry-After %q; want 429 and 2", answer.Code, answer.Header().Get("Retry-After"))
		}
	})
}

// TestBatcher_AHeartbeatHasOneWorker: two workers would wait for the row of each other's
// heartbeats.
func TestBatcher_AHeartbeatHasOneWorker(t *testing.T) {
	const workers, heartbeats = 4, 200
	b := &Batcher{}
	for range workers {
		b.queues = append(b.queues, newPingQueue(2*heartbeats))
	}
	for n := range 2 * heartbeats {
		if err := b.enqueue(&queuedPing{id: fmt.Sprint(n % heartbeats)}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for n, queue := range b.queues {
		if queue.len() < heartbeats/workers/2 {
			t.Errorf("worker %d has %d of %d pings; want about a quarter", n, queue.len(), 2*heartbeats)
		}
		for _, w := range queue.take(2 * heartbeats) {
			id := w.id
			if before, found := seen[id]; found && before != n {
				t.Errorf("pings of a heartbeat are with the workers %d and %d", before, n)
			}
			seen[id] = n
		}
	}
}

func TestBatcher_OneBadPingFailsAlone(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		good, unknown := d.waiting(d.h.ID, ""), d.waiting(someID, "")
		// No header or body can bring this about; it represents an unexpected
		// error: a value that the database does not take.
		bad := d.waiting(d.h.ID, "")
		bad.ping.Kind = monitor.PingKind("a\x00b\xff")
		bad.ping.Method = "\x00\xff"
		d.handler.Batcher.commit(&batch{pings: []*queuedPing{good, bad, unknown}})
		if err := <-good.done; err != nil {
			d.t.Errorf("good ping: %v", err)
		}
		if err := <-unknown.done; !errors.Is(err, errUnknownID) {
			d.t.Errorf("ping for an unknown id: %v", err)
		}
		<-bad.done // SQLite takes it, PostgreSQL does not
	})
}

// waiting registers a ping that is ready to be stored.
func (d *fixture) waiting(id, run string) *queuedPing {
	w := newQueuedPing()
	d.handler.InFlight.addTo(&w.inFlight, id, neverKnown)
	w.id, w.ping = id, monitor.Ping{
		Kind: monitor.PingSuccess, At: w.inFlight.At, ExitCode: monitor.NoExitCode, Method: "POST", RunID: run,
	}
	w.waiting.Store(true)
	return w
}

func TestBatcher_PingsOfOneBatchAreAppliedInOrderOfArrival(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		start := d.waiting(d.h.ID, someID)
		start.ping.Kind = monitor.PingStart
		time.Sleep(3 * time.Second)
		finish := d.waiting(d.h.ID, someID)
		d.handler.Batcher.commit(&batch{pings: []*queuedPing{finish, start}})
		if p, _ := d.newest(); p.Kind != monitor.PingSuccess || p.RunTime != 3*time.Second {
			d.t.Errorf("newest ping %s ran %s; want the success, 3s", p.Kind, p.RunTime)
		}
	})
}

func TestBatcher_AMissBetweenTwoPingsOfOneBatchIsNotLost(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		first := d.waiting(d.h.ID, "")
		time.Sleep(2 * time.Hour) // the database is unavailable meanwhile
		second := d.waiting(d.h.ID, "")
		d.handler.Batcher.commit(&batch{pings: []*queuedPing{first, second}})
		incidents := d.incidents()
		if len(incidents) != 1 || !incidents[0].OpenedAt.Equal(first.inFlight.At.Add(61*time.Minute)) || incidents[0].State() != monitor.StateResolved {
			d.t.Errorf("incidents %+v; want one, dated at the deadline, resolved by the second ping", incidents)
		}
	})
}

func TestSnapshot_NothingIsEvaluatedThatAPingInFlightCouldPrevent(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		first := d.waiting(d.h.ID, "")
		d.handler.Batcher.commit(&batch{pings: []*queuedPing{first}})
		time.Sleep(61 * time.Minute) // the very deadline
		slow := d.waiting(d.h.ID, "")
		time.Sleep(time.Minute)
		late := d.waiting(d.h.ID, "") // overtakes the slow one
		d.handler.Batcher.commit(&batch{pings: []*queuedPing{late}})
		d.handler.Batcher.commit(&batch{pings: []*queuedPing{slow}})
		if incidents := d.incidents(); len(incidents) != 0 {
			d.t.Errorf("incidents %+v; want none, a ping arrived at the deadline", incidents)
		}
	})
}

// incidents lists those of the heartbeat's project.
func (d *fixture) incidents() (all []monitor.Incident) {
	d.t.Helper()
	err := d.db.View(context.Background(), func(tx *store.Tx) error {
		var err error
		all, err = tx.Incidents(store.IncidentFilter{Project: d.h.Project, Limit: 10})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

func TestServeHTTP_TheBodyOfAnUnknownIDIsNotReadAndALongOneDelaysNoCommit(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		body := strings.NewReader("never looked at")
		id := d.h.ID
		d.h.ID = someID
		if answer := d.send("POST", "", body); answer.Code != 404 || body.Len() == 0 {
			d.t.Errorf("unknown id: answered %d with %d bytes unread; want 404 and all of them", answer.Code, body.Len())
		}
		d.h.ID = id
		slow := io.MultiReader(bytes.NewReader(make([]byte, 100_000)), interruptedBody)
		if answer := d.send("POST", "", slow); answer.Code != 200 {
			d.t.Errorf("a body that ends with an error after the stored part: answered %d; want 200", answer.Code)
		}
	})
}

func TestServeHTTP_APanicIsReportedAndAnswered(t *testing.T) {
	var caught any
	h := &Handler{
		Source:  func(*http.Request) string { panic("a bug") },
		OnPanic: func(what any, _ *http.Request) { caught = what },
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, pingurl.For("", "")+someID, strings.NewReader("body")))
	if rec.Code != http.StatusInternalServerError || rec.Header().Get("Retry-After") == "" || rec.Body.String() != "internal error: send the ping again\n" || caught != "a bug" {
		t.Errorf("answered %d %q, reported %v", rec.Code, rec.Body, caught)
	}
}

func TestGatherMore_WaitsForMostOfThePingsThatCanComeWithinALimit(t *testing.T) {
	for _, c := range []struct {
		stored, waiting int
		took            time.Duration
		want            int
		limit           time.Duration
	}{
		{busyThreshold - 1, 100, time.Second, 1, 0},
		{busyThreshold, 0, 0, 3, minGatherDelay},
		{40, 24, 1500 * time.Microsecond, 57, 750 * time.Microsecond},
		{maxBatch, maxBatch, time.Second, maxBatch, maxGatherDelay},
	} {
		if got, limit := gatherMore(c.stored, c.waiting, c.took); got != c.want || limit != c.limit {
			t.Errorf("after %d pings in %s, and %d waiting: %d pings, at most %s; want %d, %s", c.stored, c.took, c.waiting, got, limit, c.want, c.limit)
		}
	}
}
