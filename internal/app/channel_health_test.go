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
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// lockedBuffer is a log that several goroutines write to.
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

// count returns how often a text occurs in the log.
func (l *lockedBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// scriptedReceiver receives alerts. Each channel has a failure or none, and a delay.
type scriptedReceiver struct {
	mu            sync.Mutex
	failures      map[string]*notify.SendError
	delays        map[string]time.Duration
	firstAttempts map[string]time.Time // first attempt by channel and heartbeat
	received      map[string][]string  // events by channel
}

// newScriptedReceiver takes everything.
func newScriptedReceiver() *scriptedReceiver {
	return &scriptedReceiver{failures: map[string]*notify.SendError{}, delays: map[string]time.Duration{}, firstAttempts: map[string]time.Time{}, received: map[string][]string{}}
}

// setFailure changes the answer of a channel; nil: it takes everything.
func (a *scriptedReceiver) setFailure(channel string, failure *notify.SendError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures[channel] = failure
}

// events returns what a channel got.
func (a *scriptedReceiver) events(channel string) []string {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.received[channel])
}

// send is a [deliver.SendFunc].
func (a *scriptedReceiver) send(ctx context.Context, _ string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
	a.mu.Lock()
	takes, key := a.delays[n.Channel], n.Channel+"/"+n.Heartbeat
	if a.firstAttempts[key].IsZero() {
		a.firstAttempts[key] = time.Now()
	}
	a.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return notify.Receipt{}, &notify.SendError{Reason: "No answer."}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if failure := a.failures[n.Channel]; failure != nil {
		return notify.Receipt{}, failure
	}
	a.received[n.Channel] = append(a.received[n.Channel], strings.TrimPrefix(n.Event, "incident."))
	return notify.Receipt{Status: 200}, nil
}

// startNodeWith starts a node that sends to a scripted receiver.
func (sim *simulation) startNodeWith(a *scriptedReceiver, prepare ...func(*Engine)) *node {
	return sim.startNode(append(prepare, withSend(a.send))...)
}

// upstreamError is an answer that may get better.
var upstreamError = &notify.SendError{Status: 500, Reason: "upstream ann@example.com broke"}

// expectOpsChannel fails the test unless the channel ops is in the given state.
func (sim *simulation) expectOpsChannel(want monitor.ChannelState) {
	sim.t.Helper()
	synctest.Wait()
	if h := sim.channelHealth("ops"); h.State != want {
		sim.t.Errorf("%s: the channel is %s (%s); want %s", time.Now().Format(time.TimeOnly), h.State, h.Reason(), want)
	}
}

func TestRunOnce_AChannelIsRetryingThenFailingAndTheOthersAreNotifiedOnce(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		log := &lockedBuffer{}
		sim.log = log
		sim.addChannel("mail", monitor.Channel{NotifyOnRecovery: true})
		a := newScriptedReceiver()
		nodes := []*node{sim.startNodeWith(a), sim.startNodeWith(a)}
		sim.expectOpsChannel(monitor.ChannelStateUntested)
		a.setFailure("ops", upstreamError)
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(nodes[0], "backup", "/fail")
		time.Sleep(time.Second)
		sim.expectOpsChannel(monitor.ChannelStateRetrying)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened"}) {
			sim.t.Errorf("after one failed attempt the other channel has %v; want the incident alone", got)
		}
		if h := sim.channelHealth("ops"); h.Pending != 1 || time.Until(h.NextAttempt) < 8*time.Second || !strings.HasPrefix(h.Reason(), "500 upstream") {
			sim.t.Errorf("%d alerts pending, next attempt in %s, %q; want one in 9 s and the answer", h.Pending, time.Until(h.NextAttempt), h.Reason())
		}
		time.Sleep(time.Minute) // attempts after 10 and 40 s
		sim.expectOpsChannel(monitor.ChannelStateFailing)
		sim.stopNode(nodes[1])
		time.Sleep(61 * time.Minute)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened", "channel.failing"}) {
			sim.t.Errorf("the other channel has %v; want to be notified once", got)
		}
		if n := log.count("channel not delivering"); n != 2 {
			sim.t.Errorf("%d lines in the log in 62 minutes; want one at once and one after an hour", n)
		}
		if log.count("ann@example.com") != 0 {
			sim.t.Error("the log has a mail address")
		}
		a.setFailure("ops", nil)
		time.Sleep(23 * time.Minute) // the next attempt, and five minutes
		sim.expectOpsChannel(monitor.ChannelStateWorking)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened", "channel.failing", "channel.recovered"}) {
			sim.t.Errorf("the other channel has %v; want the recovery once", got)
		}
		if got := a.events("ops"); !slices.Equal(got, []string{"opened"}) {
			sim.t.Errorf("the channel has %v; want its alert", got)
		}
		if n := log.count("channel delivering again"); n != 1 {
			sim.t.Errorf("%d lines about the recovery; want one", n)
		}
	})
}

func TestRunOnce_AChannelThatAsksToWaitIsFailingAfterFiveMinutes(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addChannel("mail", monitor.Channel{})
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		a.setFailure("ops", &notify.SendError{Status: 503, RetryAfter: time.Hour})
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(4*time.Minute + 55*time.Second)
		sim.expectOpsChannel(monitor.ChannelStateRetrying)
		time.Sleep(15 * time.Second)
		sim.expectOpsChannel(monitor.ChannelStateFailing)
		if got := a.events("mail"); !slices.Equal(got, []string{"opened", "channel.failing"}) {
			sim.t.Errorf("the other channel has %v; want to be notified", got)
		}
	})
}

func TestRunOnce_AChannelThatFlapsIsAnnouncedOnce(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addChannel("mail", monitor.Channel{})
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		want := []string{"channel.failing", "channel.recovered"}
		for i := range 6 {
			a.setFailure("ops", nil)
			if i%2 == 0 {
				a.setFailure("ops", &notify.SendError{Status: 400, Permanent: true})
			}
			name := fmt.Sprint("job", i)
			sim.addHeartbeat(name, dailyRule)
			sim.mustPing(n, name, "/fail")
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
			sim.t.Errorf("while it flaps the other channel has %v; want %v", got, want[:1])
		}
		sim.expectOpsChannel(monitor.ChannelStateWorking)
		time.Sleep(6 * time.Minute)
		if got := announced(); !slices.Equal(got, want) {
			sim.t.Errorf("after it works the other channel has %v; want %v", got, want)
		}
	})
}

// sendTest sends a test alert through the channel ops.
func (sim *simulation) sendTest(n *node) {
	sim.t.Helper()
	var p monitor.Project
	var id string
	err := n.db.View(context.Background(), func(tx *store.Tx) (err error) {
		channels, err := tx.ChannelRoutes(sim.project)
		if err != nil {
			return err
		}
		id = channels[slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.Name == "ops" })].ID
		p, err = tx.Project(sim.project)
		return err
	})
	if err != nil {
		sim.t.Fatal(err)
	}
	d := manage.New(manage.Options{DB: n.db, SendTest: n.sendTest})
	if _, err := d.TestChannel(context.Background(), auth.Operator(p, "root"), id); err != nil {
		sim.t.Fatal(err)
	}
}

func TestSendTest_EndsThePauseOfAChannel(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		limited := &notify.SendError{Status: 429, RetryAfter: time.Hour}
		a.setFailure("ops", limited)
		sim.addHeartbeat("first", dailyRule)
		sim.mustPing(n, "first", "/fail")
		time.Sleep(time.Second)
		sim.addHeartbeat("second", dailyRule)
		sim.mustPing(n, "second", "/fail")
		sim.sendTest(n) // it is rejected, and the pause stays
		time.Sleep(10 * time.Second)
		if got := a.events("ops"); len(got) != 0 {
			sim.t.Errorf("during the pause the channel has %v", got)
		}
		a.setFailure("ops", nil)
		sim.sendTest(n)
		time.Sleep(10 * time.Second)
		if got := a.events("ops"); !slices.Equal(got, []string{"test", "opened"}) {
			sim.t.Errorf("after a successful test the channel has %v; want the alert that was not attempted", got)
		}
	})
}

func TestSendTest_CountsLikeOneAttemptAtAnyAlert(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		sim.addChannel("mail", monitor.Channel{})
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		test := func() { sim.sendTest(n) }
		a.setFailure("ops", upstreamError)
		test()
		time.Sleep(10 * time.Minute)
		sim.expectOpsChannel(monitor.ChannelStateRetrying)
		if got := a.events("mail"); len(got) != 0 {
			sim.t.Errorf("a failed test notified the other channel: %v", got)
		}
		a.setFailure("ops", nil)
		test()
		sim.expectOpsChannel(monitor.ChannelStateWorking)
		a.setFailure("ops", &notify.SendError{Status: 410, Permanent: true})
		sim.addHeartbeat("backup", dailyRule)
		sim.mustPing(n, "backup", "/fail")
		time.Sleep(2 * time.Second)
		sim.expectOpsChannel(monitor.ChannelStateFailing)
		a.setFailure("ops", nil)
		test()
		sim.expectOpsChannel(monitor.ChannelStateWorking)
	})
}

func TestRunOnce_ChannelsThatHangDelayNoFirstAttemptOfAnother(t *testing.T) {
	const many = 60
	simulateHours(t, func(sim *simulation) {
		sim.addChannel("pager", monitor.Channel{})
		sim.addChannel("mail", monitor.Channel{})
		a := newScriptedReceiver()
		a.delays["ops"], a.delays["pager"] = time.Hour, time.Hour
		n := sim.startNodeWith(a)
		failed := map[string]time.Time{}
		for i := range many {
			name := fmt.Sprint("job", i)
			sim.addHeartbeat(name, dailyRule)
			sim.mustPing(n, name, "/fail")
			failed[name] = time.Now()
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		a.mu.Lock()
		for name, at := range failed {
			if waited := a.firstAttempts["mail/"+name].Sub(at); a.firstAttempts["mail/"+name].IsZero() || waited > time.Second {
				sim.t.Errorf("%s: the first attempt at mail came after %s; want it within a second", name, waited)
			}
		}
		a.mu.Unlock()
		sim.expectOpsChannel(monitor.ChannelStateFailing)
		answer := httptest.NewRecorder()
		n.serveReady(answer, httptest.NewRequest("GET", "/readyz", nil))
		if text := answer.Body.String(); answer.Code != 200 || !strings.Contains(text, "ready; warning: delivering alerts: a channel does not deliver") {
			sim.t.Errorf("/readyz answers %d %q; want ready with a warning", answer.Code, text)
		}
		metrics := httptest.NewRecorder()
		n.metrics.Handler().ServeHTTP(metrics, httptest.NewRequest("GET", "/metrics", nil))
		for _, line := range []string{"\noverdue_alerts_pending 12", "\noverdue_alerts_oldest_pending_seconds 3", "\noverdue_channel_failing{channel="} {
			if !strings.Contains(metrics.Body.String(), line) {
				sim.t.Errorf("the metrics lack %q", line)
			}
		}
		if n := strings.Count(metrics.Body.String(), "\noverdue_channel_failing{channel="); n != 3 {
			sim.t.Errorf("%d channels in the metrics; want 3", n)
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

// After an outage of the receiver, pending alerts do not wait for their planned attempt,
// which can be up to an hour later.
func TestRunOnce_PendingAlertsAreSentSoonAfterTheChannelWorksAgain(t *testing.T) {
	simulateHours(t, func(sim *simulation) {
		a := newScriptedReceiver()
		n := sim.startNodeWith(a)
		a.setFailure("ops", &notify.SendError{Status: 500})
		for i := range 5 {
			name := fmt.Sprint("job", i)
			sim.addHeartbeat(name, dailyRule)
			sim.mustPing(n, name, "/fail")
		}
		time.Sleep(40 * time.Minute)
		a.setFailure("ops", nil)
		sim.addHeartbeat("another", dailyRule)
		sim.mustPing(n, "another", "/fail")
		time.Sleep(10 * time.Second)
		if got := a.events("ops"); len(got) != 6 {
			sim.t.Errorf("got %v; want the new alert and the five that waited", got)
		}
	})
}
