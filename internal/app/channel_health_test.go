package app

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the log.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// count returns how often a text is in the log.
func (l *lockedBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// answers is a provider with one answer for each channel, and a time that each
// takes.
type answers struct {
	mu    sync.Mutex
	of    map[string]*notify.SendError
	takes map[string]time.Duration
	first map[string]time.Time // first attempt by channel and heartbeat
	got   map[string][]string  // events by channel
}

// newAnswers takes everything.
func newAnswers() *answers {
	return &answers{of: map[string]*notify.SendError{}, takes: map[string]time.Duration{}, first: map[string]time.Time{}, got: map[string][]string{}}
}

// set changes the answer of a channel; nil: it takes everything.
func (a *answers) set(channel string, failure *notify.SendError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[channel] = failure
}

// events returns what a channel got.
func (a *answers) events(channel string) []string {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got[channel])
}

// send is a [deliver.SendFunc].
func (a *answers) send(ctx context.Context, _ string, _ notify.Settings, n notify.Notification) (notify.Receipt, error) {
	a.mu.Lock()
	takes, key := a.takes[n.Channel], n.Channel+"/"+n.Heartbeat
	if a.first[key].IsZero() {
		a.first[key] = time.Now()
	}
	a.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return notify.Receipt{}, &notify.SendError{Reason: "No answer."}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if failure := a.of[n.Channel]; failure != nil {
		return notify.Receipt{}, failure
	}
	a.got[n.Channel] = append(a.got[n.Channel], strings.TrimPrefix(n.Event, "incident."))
	return notify.Receipt{Status: 200}, nil
}

// answering starts a node that sends to the provider.
func (w *world) answering(a *answers, prepare ...func(*Engine)) *node {
	return w.node(append(prepare, sending(a.send))...)
}

// broken is an answer that may get better.
var broken = &notify.SendError{Status: 500, Reason: "upstream ann@example.com broke"}

// is fails the test unless the channel ops is in the given state.
func (w *world) is(want monitor.ChannelState) {
	w.t.Helper()
	synctest.Wait()
	if h := w.health("ops"); h.State != want {
		w.t.Errorf("%s: the channel is %s (%s); want %s", time.Now().Format(time.TimeOnly), h.State, h.Reason(), want)
	}
}

func TestRunOnce_AChannelIsRetryingThenFailingAndTheOthersAreNotifiedOnce(t *testing.T) {
	simulate(t, func(w *world) {
		log := &lockedBuffer{}
		w.log = log
		w.channel("mail", monitor.Channel{NotifyOnRecovery: true})
		a := newAnswers()
		nodes := []*node{w.answering(a), w.answering(a)}
		w.is(monitor.ChannelStateUntested)
		a.set("ops", broken)
		w.heartbeat("backup", daily)
		w.hear(nodes[0], "backup", "/fail")
		time.Sleep(time.Second)
		w.is(monitor.ChannelStateRetrying)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened"}) {
			w.t.Errorf("after one failed attempt the other channel has %v; want the incident alone", got)
		}
		if h := w.health("ops"); h.Pending != 1 || time.Until(h.NextAttempt) < 8*time.Second || !strings.HasPrefix(h.Reason(), "500 upstream") {
			w.t.Errorf("%d alerts pending, next attempt in %s, %q; want one in 9 s and the answer", h.Pending, time.Until(h.NextAttempt), h.Reason())
		}
		time.Sleep(time.Minute) // attempts after 10 and 40 s
		w.is(monitor.ChannelStateFailing)
		w.stop(nodes[1])
		time.Sleep(61 * time.Minute)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened", "channel.failing"}) {
			w.t.Errorf("the other channel has %v; want to be notified once", got)
		}
		if n := log.count("channel not delivering"); n != 2 {
			w.t.Errorf("%d lines in the log in 62 minutes; want one at once and one after an hour", n)
		}
		if log.count("ann@example.com") != 0 {
			w.t.Error("the log has a mail address")
		}
		a.set("ops", nil)
		time.Sleep(23 * time.Minute) // the next attempt, and five minutes
		w.is(monitor.ChannelStateWorking)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened", "channel.failing", "channel.recovered"}) {
			w.t.Errorf("the other channel has %v; want the recovery once", got)
		}
		if got := a.events("ops"); !slices.Equal(got, []string{"opened"}) {
			w.t.Errorf("the channel has %v; want its alert", got)
		}
		if n := log.count("channel delivering again"); n != 1 {
			w.t.Errorf("%d lines about the recovery; want one", n)
		}
	})
}

func TestRunOnce_AChannelThatAsksToWaitIsFailingAfterFiveMinutes(t *testing.T) {
	simulate(t, func(w *world) {
		w.channel("mail", monitor.Channel{})
		a := newAnswers()
		n := w.answering(a)
		a.set("ops", &notify.SendError{Status: 503, RetryAfter: time.Hour})
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(4*time.Minute + 55*time.Second)
		w.is(monitor.ChannelStateRetrying)
		time.Sleep(15 * time.Second)
		w.is(monitor.ChannelStateFailing)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened", "channel.failing"}) {
			w.t.Errorf("the other channel has %v; want to be notified", got)
		}
	})
}

func TestRunOnce_AChannelThatFlapsIsAnnouncedOnce(t *testing.T) {
	simulate(t, func(w *world) {
		w.channel("mail", monitor.Channel{})
		a := newAnswers()
		n := w.answering(a)
		want := []string{"channel.failing", "channel.recovered"}
		for i := range 6 {
			a.set("ops", nil)
			if i%2 == 0 {
				a.set("ops", &notify.SendError{Status: 400, Permanent: true})
			}
			name := fmt.Sprint("job", i)
			w.heartbeat(name, daily)
			w.hear(n, name, "/fail")
			time.Sleep(time.Minute)
		}
		announced := func() (all []string) {
			for _, event := range a.events("mail") {
				if strings.HasPrefix(event, "channel.") {
					all = append(all, event)
				}
			}
			return all
		}
		if got := announced(); !slices.Equal(got, want[:1]) {
			w.t.Errorf("while it flaps the other channel has %v; want %v", got, want[:1])
		}
		w.is(monitor.ChannelStateWorking)
		time.Sleep(6 * time.Minute)
		if got := announced(); !slices.Equal(got, want) {
			w.t.Errorf("after it works the other channel has %v; want %v", got, want)
		}
	})
}

func TestSendTest_CountsLikeOneAttemptAtAnyAlert(t *testing.T) {
	simulate(t, func(w *world) {
		w.channel("mail", monitor.Channel{})
		a := newAnswers()
		n := w.answering(a)
		test := func() {
			w.t.Helper()
			var p monitor.Project
			var id string
			err := n.db.View(context.Background(), func(tx *store.Tx) (err error) {
				channels, err := tx.ChannelRoutes(w.project)
				if err != nil {
					return err
				}
				id = channels[slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.Name == "ops" })].ID
				p, err = tx.Project(w.project)
				return err
			})
			if err != nil {
				w.t.Fatal(err)
			}
			d := manage.New(manage.Options{DB: n.db, SendTest: n.sendTest})
			if _, err := d.TestChannel(context.Background(), auth.Operator(p, "root"), id); err != nil {
				w.t.Fatal(err)
			}
		}
		a.set("ops", broken)
		test()
		time.Sleep(10 * time.Minute)
		w.is(monitor.ChannelStateRetrying)
		if got := a.events("mail"); len(got) != 0 {
			w.t.Errorf("a failed test notified the other channel: %v", got)
		}
		a.set("ops", nil)
		test()
		w.is(monitor.ChannelStateWorking)
		a.set("ops", &notify.SendError{Status: 410, Permanent: true})
		w.heartbeat("backup", daily)
		w.hear(n, "backup", "/fail")
		time.Sleep(2 * time.Second)
		w.is(monitor.ChannelStateFailing)
		a.set("ops", nil)
		test()
		w.is(monitor.ChannelStateWorking)
	})
}

func TestRunOnce_ChannelsThatHangDelayNoFirstAttemptOfAnother(t *testing.T) {
	const many = 60
	simulate(t, func(w *world) {
		w.channel("pager", monitor.Channel{})
		w.channel("mail", monitor.Channel{})
		a := newAnswers()
		a.takes["ops"], a.takes["pager"] = time.Hour, time.Hour
		n := w.answering(a)
		failed := map[string]time.Time{}
		for i := range many {
			name := fmt.Sprint("job", i)
			w.heartbeat(name, daily)
			w.hear(n, name, "/fail")
			failed[name] = time.Now()
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		a.mu.Lock()
		for name, at := range failed {
			if waited := a.first["mail/"+name].Sub(at); a.first["mail/"+name].IsZero() || waited > time.Second {
				w.t.Errorf("%s: the first attempt at mail came after %s; want it within a second", name, waited)
			}
		}
		a.mu.Unlock()
		w.is(monitor.ChannelStateFailing)
		answer := httptest.NewRecorder()
		n.serveReady(answer, httptest.NewRequest("GET", "/readyz", nil))
		if text := answer.Body.String(); answer.Code != 200 || !strings.Contains(text, "ready; warning: delivering alerts: a channel does not deliver") {
			w.t.Errorf("/readyz answers %d %q; want ready with a warning", answer.Code, text)
		}
		metrics := httptest.NewRecorder()
		n.metrics.Handler().ServeHTTP(metrics, httptest.NewRequest("GET", "/metrics", nil))
		for _, line := range []string{"\noverdue_alerts_pending 12", "\noverdue_alerts_oldest_pending_seconds 3", "\noverdue_channel_failing{channel="} {
			if !strings.Contains(metrics.Body.String(), line) {
				w.t.Errorf("the metrics lack %q", line)
			}
		}
		if n := strings.Count(metrics.Body.String(), "\noverdue_channel_failing{channel="); n != 3 {
			w.t.Errorf("%d channels in the metrics; want 3", n)
		}
	})
}

func TestCheck_NamesTheChannelsThatDoNotDeliver(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			db, err := store.Open(ctx, address)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(ctx, func(tx *store.Tx) error {
				p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
				if err != nil {
					return err
				}
				for _, called := range []string{"Ops", "Mail"} {
					c, err := tx.AddChannel(monitor.Channel{
						Project: p.Key, Kind: "email", Name: called, Settings: map[string]any{"to": []any{"ann@example.com"}}, Created: time.Now(),
					})
					if err != nil {
						return err
					}
					results := []monitor.DeliveryResult{{Delivered: called == "Mail", StatusCode: 500, Reason: "upstream broke"}}
					if err := tx.RecordDelivery(c.ID, results, true, monitor.FailingAttempts, time.Now()); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			var results []CheckResult
			err = Check(ctx, Options{Database: address}, func(r CheckResult) { results = append(results, r) })
			want := CheckResult{Name: "channels", State: CheckFailed, Detail: "1 of 2 do not deliver: \"Ops\" (500 upstream broke)"}
			if err == nil || !slices.Contains(results, want) {
				t.Errorf("check returned %v and reported %+v; want an error and %+v", err, results, want)
			}
		})
	}
}

// After an outage of a provider, no alert waits for the next attempt that was planned
// during it: a quarter of an hour, or up to an hour.
func TestRunOnce_PendingAlertsAreSentSoonAfterTheChannelWorksAgain(t *testing.T) {
	simulate(t, func(w *world) {
		a := newAnswers()
		n := w.answering(a)
		a.set("ops", &notify.SendError{Status: 500})
		for i := range 5 {
			name := fmt.Sprint("job", i)
			w.heartbeat(name, daily)
			w.hear(n, name, "/fail")
		}
		time.Sleep(40 * time.Minute)
		a.set("ops", nil)
		w.heartbeat("another", daily)
		w.hear(n, "another", "/fail")
		time.Sleep(10 * time.Second)
		if got := a.events("ops"); len(got) != 6 {
			w.t.Errorf("got %v; want the new alert and the five that waited", got)
		}
	})
}
