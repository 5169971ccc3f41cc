package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// resends is a Resender for the channel of a fixture, whose receiver forgets incidents.
type resends struct {
	*Resender
	f       *fixture
	batches [][]message.Notification
	err     error
}

func newResends(f *fixture) *resends {
	r := &resends{f: f}
	r.Resender = &Resender{Dispatcher: f.Dispatcher, Kinds: []notify.Kind{{Name: "webhook", ResendEvery: time.Minute}}, Send: func(_ context.Context, _ string, _ setting.Values, all []message.Notification, _ time.Time) (notify.Receipt, error) {
		if r.err != nil {
			return notify.Receipt{}, r.err
		}
		r.batches = append(r.batches, all)
		return notify.Receipt{Status: 200}, nil
	}}
	return r
}

// events runs the Resender once and returns the events that it sent, with the heartbeats.
func (r *resends) events() (all []string) {
	r.f.t.Helper()
	r.batches = nil
	outbox := fmt.Sprint(r.f.pending(), len(r.f.sent))
	defer func() {
		if got := fmt.Sprint(r.f.pending(), len(r.f.sent)); got != outbox {
			r.f.t.Errorf("pending and sent alerts: %s; want %s as before", got, outbox)
		}
	}()
	if wait, err := r.RunOnce(context.Background(), time.Now().UTC()); err != nil || wait != time.Minute {
		r.f.t.Fatal(wait, err)
	}
	for _, b := range r.batches {
		for _, n := range b {
			all = append(all, n.Event+" "+n.Heartbeat)
		}
	}
	slices.Sort(all)
	return all
}

// expect runs the Resender once and compares.
func (r *resends) expect(what string, want ...string) {
	r.f.t.Helper()
	if got := r.events(); fmt.Sprint(got) != fmt.Sprint(want) {
		r.f.t.Errorf("%s: sent %q; want %q", what, got, want)
	}
}

// ping adds the heartbeats that do not exist yet, and stores a ping of each.
func (f *fixture) ping(kind monitor.PingKind, hs map[string]monitor.Heartbeat, names ...string) {
	f.t.Helper()
	now := time.Now().UTC()
	f.update(func(tx *store.Tx) error {
		var all []store.Transition
		for _, name := range names {
			h, known := hs[name]
			if !known {
				var err error
				h, err = tx.AddHeartbeat(monitor.Heartbeat{
					ID: uuid.NewString(), Ref: name, Project: f.channel.Project, Name: name, Slug: name, AllChannels: true, Status: monitor.New, Created: now, Updated: now,
					Rule: monitor.Rule{Interval: time.Hour, Grace: time.Minute, Methods: monitor.AnyMethod},
				})
				if err != nil {
					return err
				}
			}
			h, err := tx.HeartbeatByKey(h.Key)
			if err != nil {
				return err
			}
			h, change := h.ApplyPing(monitor.Ping{Kind: kind, At: now, ExitCode: 3, Body: []byte(strings.Repeat("line\n", 900) + "output of " + name), BodySize: int64(4500 + len("output of "+name))}, now)
			hs[name] = h
			all = append(all, store.Transition{Heartbeat: h, Change: change})
		}
		_, err := tx.Save(now, all)
		return err
	})
}

// deliverAll delivers all pending alerts.
func (f *fixture) deliverAll() {
	f.t.Helper()
	for f.pending() > 0 {
		f.deliver()
	}
}

func TestResend_SendsOpenIncidentsWhoseOpeningWasDelivered(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r, hs := newResends(f), map[string]monitor.Heartbeat{}
		r.expect("without incidents")
		f.ping(monitor.PingFail, hs, "a", "b")
		r.expect("before the opening is delivered")
		f.deliverAll()
		r.expect("open", "incident.opened a", "incident.opened b")
		f.update(func(tx *store.Tx) error {
			i, err := tx.Incident(f.channel.Project, r.batches[0][0].Notice.Incident.ID)
			if err == nil {
				_, err = tx.AcknowledgeIncident(i, "Ann", time.Now().UTC())
			}
			return err
		})
		if all := r.events(); len(all) != 2 || !strings.HasPrefix(all[0], "incident.acknowledged") || !strings.HasPrefix(all[1], "incident.opened") {
			t.Errorf("acknowledged: sent %q", all)
		}
		f.sleep(time.Minute)
		f.ping(monitor.PingSuccess, hs, "a", "b")
		r.expect("just resolved, which can be in flight as open", "incident.resolved a", "incident.resolved b")
		f.sleep(resolvedResendFor)
		r.expect("resolved long ago")
	})
}

func TestResend_SendsTheSameFactsAsTheOpening(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, "a")
		f.deliver()
		r.events()
		r.events() // with what the first run read
		opening, again := f.sent[0], r.batches[0][0]
		again.AlertID, again.At = opening.AlertID, opening.At
		if !strings.Contains(again.Message().Output, "output of a") {
			t.Errorf("the output is %q", again.Message().Output)
		}
		if a, b := fmt.Sprintf("%+v", opening.Message()), fmt.Sprintf("%+v", again.Message()); a != b {
			t.Errorf("sent again:\n%s\nopening:\n%s", b, a)
		}
	})
}

func TestResend_AFailureIsAnnouncedAfterThreeAndEndsWithASuccess(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, "a")
		f.deliver()
		state := func() (failing bool, attempts int) {
			f.update(func(tx *store.Tx) error {
				all, err := tx.ChannelFailures()
				for _, c := range all {
					failing, attempts = c.IsFailing(c.Pending, time.Now()) && c.RecoveredAt.IsZero(), c.Attempts
				}
				return err
			})
			return failing, attempts
		}
		r.err = &notify.SendError{Reason: "No connection."}
		for i := range 3 {
			r.events()
			if failing, attempts := state(); attempts != i+1 || failing != (i == 2) {
				t.Errorf("after %d failures: %d attempts, failing %v", i+1, attempts, failing)
			}
			f.sleep(time.Minute)
		}
		r.err = nil
		r.events()
		if failing, _ := state(); failing {
			t.Error("failing after a success")
		}
	})
}

func TestResend_WaitsForAPausedChannelAndAfterARetryAfter(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, "a")
		f.deliver()
		f.update(func(tx *store.Tx) error {
			return tx.PauseChannel(f.channel.ID, time.Now().Add(2*time.Minute))
		})
		r.expect("paused")
		f.sleep(2 * time.Minute)
		r.err = &notify.SendError{Status: 429, RetryAfter: 2 * time.Minute}
		r.events()
		r.err = nil
		f.sleep(time.Minute)
		r.expect("before the Retry-After")
		f.sleep(time.Minute)
		r.expect("after it", "incident.opened a")
	})
}

func TestResend_APanicConcernsOneChannelOnly(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, "a")
		f.deliver()
		r.Send = func(context.Context, string, setting.Values, []message.Notification, time.Time) (notify.Receipt, error) {
			panic("cannot render")
		}
		r.expect("panic")
	})
}

func TestResend_OneOfSeveralNodesSendsToAChannel(t *testing.T) {
	nodes := []store.Node{{ID: "n1", Alive: true}, {ID: "n2", Alive: true}, {ID: "n3", Alive: true}}
	count := map[string]int{}
	for i := range 300 {
		channel, owners := uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8)}).String(), 0
		for _, n := range nodes {
			if ownerOf(channel, nodes, n.ID) == n.ID {
				owners++
				count[n.ID]++
			}
		}
		if owners != 1 {
			t.Fatalf("%d nodes send to one channel", owners)
		}
		left := []store.Node{{ID: "n1", Alive: true}, {ID: "n2"}, {ID: "n3", Alive: true}}
		if was, is := ownerOf(channel, nodes, "n1"), ownerOf(channel, left, "n1"); is == "n2" || was != "n2" && is != was {
			t.Fatalf("after the death of n2, a channel of %s belongs to %s", was, is)
		}
	}
	for node, n := range count {
		if n < 50 {
			t.Errorf("%s has %d of 300 channels", node, n)
		}
	}
}

func TestResend_ARunThatEndsEarlyContinuesWithTheNext(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		var names []string
		for i := range 2*resendBatch + 1 {
			names = append(names, fmt.Sprintf("job-%d", i))
		}
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, names...)
		f.deliverAll()
		accept := r.Send
		seen := map[string]bool{}
		for range 3 {
			sends := 0
			r.Send = func(ctx context.Context, kind string, set setting.Values, all []message.Notification, now time.Time) (notify.Receipt, error) {
				if sends++; sends == 2 {
					return notify.Receipt{}, &notify.SendError{Reason: "The attempt timed out."}
				}
				return accept(ctx, kind, set, all, now)
			}
			for _, sent := range r.events() {
				seen[sent] = true
			}
		}
		if len(seen) != len(names) {
			t.Errorf("three runs of one request each sent %d incidents; want all %d", len(seen), len(names))
		}
	})
}

func TestResend_ABatchThatIsRejectedStopsNoOther(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		var names []string
		for i := range 2 * resendBatch {
			names = append(names, fmt.Sprintf("job-%d", i))
		}
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, names...)
		f.deliverAll()
		accept, sends := r.Send, 0
		r.Send = func(ctx context.Context, kind string, set setting.Values, all []message.Notification, now time.Time) (notify.Receipt, error) {
			if sends++; sends == 1 {
				return notify.Receipt{}, &notify.SendError{Status: 400, Permanent: true}
			}
			return accept(ctx, kind, set, all, now)
		}
		if got := r.events(); len(got) != resendBatch {
			t.Errorf("sent %d after the rejected batch; want %d", len(got), resendBatch)
		}
		if r.failures[f.channel.ID] != 1 {
			t.Error("the rejected batch is no failure of the channel")
		}
	})
}

func TestResend_ManyIncidentsNeedFewRequests(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		r := newResends(f)
		var names []string
		for i := range resendBatch + 1 {
			names = append(names, fmt.Sprintf("job-%d", i))
		}
		f.ping(monitor.PingFail, map[string]monitor.Heartbeat{}, names...)
		f.deliverAll()
		if got := r.events(); len(got) != len(names) || len(r.batches) != 2 || len(slices.Compact(got)) != len(names) {
			t.Errorf("%d incidents in %d requests; want %d in 2", len(got), len(r.batches), len(names))
		}
	})
}
