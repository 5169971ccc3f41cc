package app

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// pairFixture is two servers, each with an empty database.
type pairFixture struct {
	t        *testing.T
	database [2]string
	url      [2]string
}

// onEachPair runs a test with two servers on each kind of database.
func onEachPair(t *testing.T, test func(pairFixture)) {
	others := storetest.Addresses(t)
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(pairFixture{t, [2]string{address, others[name]}, [2]string{"https://a.example.com", "https://b.example.com"}})
			})
		})
	}
}

// pair runs the command on server i.
func (f pairFixture) pair(i int, code string) string {
	f.t.Helper()
	code, err := Pair(context.Background(), f.database[i], PairRequest{URL: f.url[1-i] + "/", Code: code, Interval: "2m", Grace: "2m"})
	if err != nil {
		f.t.Fatal(err)
	}
	return code
}

// status returns the pairs of server i.
func (f pairFixture) status(i int) []PairStatus {
	f.t.Helper()
	all, err := Pairs(context.Background(), f.database[i])
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// open opens the database of server i.
func (f pairFixture) open(i int) *store.DB {
	f.t.Helper()
	db, err := store.Open(context.Background(), f.database[i])
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			f.t.Error(err)
		}
	})
	return db
}

// ping stores a ping that a server sent to a URL of server i.
func (f pairFixture) ping(i int, url string) {
	f.t.Helper()
	id, found := strings.CutPrefix(url, f.url[i]+"/api/v1/hb/")
	if !found {
		f.t.Fatalf("%s is no ping URL of %s", url, f.url[i])
	}
	now := time.Now().UTC().Truncate(monitor.Precision)
	result, err := f.open(i).ApplyPings(context.Background(), []store.ReceivedPing{
		{ID: id, Watermark: now, Ping: monitor.Ping{At: now, Kind: monitor.PingSuccess, ExitCode: monitor.NoExitCode, Method: "POST"}},
	})
	if err != nil || result.Unknown[id] {
		f.t.Fatalf("ping: %v, unknown: %t", err, result.Unknown[id])
	}
}

func TestPair_EachServerPingsTheHeartbeatOfTheOther(t *testing.T) {
	onEachPair(t, func(f pairFixture) {
		code := f.pair(0, "")
		f.pair(1, code)
		for i := range 2 {
			pairs, err := pairsOf(context.Background(), f.open(i))
			if err != nil || len(pairs) != 1 {
				t.Fatalf("server %d has the pairs %v, %v; want 1", i, pairs, err)
			}
			f.ping(1-i, pairs[0].PingURL)
		}
		for i := range 2 {
			s := f.status(i)
			if len(s) != 1 || s[0].URL != f.url[1-i] || s[0].Status != "up" || s[0].LastPing.IsZero() || !strings.HasPrefix(s[0].Heartbeat, "Overdue at ") {
				t.Errorf("status of server %d: %+v; want a heartbeat that is up", i, s)
			}
		}
	})
}

func TestPair_RejectsASecondPairAndAnIncompleteCode(t *testing.T) {
	onEachPair(t, func(f pairFixture) {
		code := f.pair(0, "")
		for code, want := range map[string]string{"": "already paired", code[:len(code)-1]: "incomplete", "x": "incomplete"} {
			_, err := Pair(context.Background(), f.database[0], PairRequest{URL: f.url[1], Code: code, Interval: "2m", Grace: "2m"})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("code %q: %v; want %q", code, err, want)
			}
		}
	})
}

func TestPair_RejectsACodeThatWasUsedBefore(t *testing.T) {
	onEachPair(t, func(f pairFixture) {
		code := f.pair(1, f.pair(0, ""))
		_, err := Pair(context.Background(), f.database[1], PairRequest{URL: "https://c.example.com", Code: code, Interval: "2m", Grace: "2m"})
		if err == nil || !strings.HasPrefix(err.Error(), "the code was used before") {
			f.t.Errorf("%v; want that the code was used before", err)
		}
		if n := len(f.status(1)); n != 1 {
			f.t.Errorf("%d pairs; want 1", n)
		}
	})
}

func TestPair_AnUnfinishedPairRaisesAnAlarm(t *testing.T) {
	onEachPair(t, func(f pairFixture) {
		f.pair(0, "")
		err := f.open(0).View(context.Background(), func(tx *store.Tx) error {
			next, err := tx.NextDue()
			if err == nil && (next.IsZero() || time.Until(next) > pairingTime) {
				t.Errorf("the heartbeat is evaluated at %s; want within %s", next, pairingTime)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestUnpair_TheServerDeletesTheHeartbeatAndStopsPinging(t *testing.T) {
	onEachPair(t, func(f pairFixture) {
		f.pair(1, f.pair(0, ""))
		if err := Unpair(context.Background(), f.database[0], f.url[1]); err != nil {
			t.Fatal(err)
		}
		if s := f.status(0); len(s) != 0 {
			t.Errorf("status %+v; want no pair", s)
		}
		db := f.open(0)
		rest, err := finishUnpairing(context.Background(), db, manage.New(manage.Options{DB: db}))
		if err != nil || len(rest) != 0 {
			t.Errorf("pairs %v, %v; want none to ping", rest, err)
		}
		err = db.View(context.Background(), func(tx *store.Tx) error {
			projects, err := tx.Projects()
			if err != nil {
				return err
			}
			n, err := tx.CountHeartbeats(projects[0].Key)
			if n != 0 {
				t.Errorf("%d heartbeats; want none", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if err := Unpair(context.Background(), f.database[0], f.url[1]); err == nil {
			t.Error("a pair can be removed twice")
		}
	})
}

func TestPingTargets_OfPairsHaveNoPingURL(t *testing.T) {
	onEachPair(t, func(f pairFixture) {
		f.pair(1, f.pair(0, ""))
		db := f.open(0)
		defer db.Close()
		db.SetNode("a")
		e := &Engine{db: db, watchURL: "https://user:secret@hc.example.net:8443/ping/5f0c?key=1"}
		list, err := e.pingTargets(context.Background())
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v: %v; want the watchdog and the pair", list, err)
		}
		if list[0].Address != "https://hc.example.net:8443/…" {
			t.Errorf("the watchdog is shown as %q", list[0].Address)
		}
		if p := list[1]; p.Address != f.url[1] || !p.IsPair || p.Name != "Overdue at b.example.com" || p.Ref == "" || p.Project == 0 || !p.SentAt.IsZero() {
			t.Errorf("pair %+v", p)
		}
	})
}
