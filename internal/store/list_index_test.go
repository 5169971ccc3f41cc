package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// lists are all results that the index computes.
type lists struct {
	Page    []store.RowPosition
	Total   int
	Status  store.StatusCounts
	Tags    []store.TagCount
	Minutes [60]int
	Nav     store.NavCounts
	Newest  store.NewestIDs
	News    store.NewMatches
	Last    []int64
	Refs    []string // of the heartbeats on the page
}

// readLists reads all lists of a filter in one transaction.
func readLists(tx *store.Tx, f store.HeartbeatFilter, now time.Time, since store.NewestIDs, shown []int64) (l lists, err error) {
	var errs [9]error
	l.Page, l.Total, errs[0] = tx.SelectHeartbeats(f)
	l.Status, errs[1] = tx.StatusCounts(f.Project)
	l.Tags, _, errs[2] = tx.TopTags(f.Project, 100)
	l.Minutes, errs[3] = tx.ExpectedByMinute(f.Project, now)
	l.Nav, errs[4] = tx.NavCounts(f.Project)
	l.Newest, errs[5] = tx.NewestIDs(f.Project)
	l.News, errs[6] = tx.NewHeartbeatMatches(f, since, shown)
	newest, err := tx.NewestHeartbeats(f.Project, 3)
	errs[7] = err
	l.Last = heartbeatKeys(newest)
	page, err := tx.HeartbeatsAt(l.Page)
	errs[8] = err
	for _, h := range page {
		l.Refs = append(l.Refs, h.Ref)
	}
	for _, err := range errs {
		if err != nil {
			return l, err
		}
	}
	return l, nil
}

// listChaos changes heartbeats at random.
type listChaos struct {
	*fixture
	random  *rand.Rand
	keys    []int64
	ids     []string
	elapsed time.Duration
	since   store.NewestIDs
	shown   []int64
}

var (
	chaosWords = []string{"Backup", "sync", "REPORT", "a", "R&D", `q"uote`, "100%", "under_score", "nightly"}
	chaosTags  = []string{"db", "EU", "R&D", `a"b`, "weekly", "x"}
	chaosSorts = []string{"", "due", "last", "name", "created", "slowest"}
)

func (c *listChaos) pick(words []string) string { return words[c.random.IntN(len(words))] }

// settings sets the settings of a heartbeat at random.
func (c *listChaos) settings(h monitor.Heartbeat) monitor.Heartbeat {
	h.Name, h.Description, h.Tags = c.pick(chaosWords)+" "+c.pick(chaosWords), c.pick(chaosWords), nil
	for range c.random.IntN(3) {
		h.Tags = append(h.Tags, c.pick(chaosTags))
	}
	slices.Sort(h.Tags)
	h.Tags = slices.Compact(h.Tags)
	switch c.random.IntN(8) {
	case 0:
		h.Description = "curl https://example.org/ping/" + h.ID
	case 1:
		h.Tags = append(h.Tags, strings.ReplaceAll(h.ID, "-", "")+"tail")
	}
	return h
}

// step makes one change.
func (c *listChaos) step() {
	c.elapsed += time.Duration(c.random.IntN(120)) * time.Second
	switch n := c.random.IntN(12); {
	case n < 2 || len(c.keys) < 5:
		h := c.newHeartbeat("job")
		h.Slug, h.Created = uuid.NewString(), c.at(c.elapsed)
		if c.random.IntN(4) == 0 {
			h.Rule.Interval, h.Rule.Calendar = 0, cronCalendar(c.fixture, "*/20 * * * *")
		}
		h = c.addHeartbeat(c.settings(h))
		c.keys, c.ids = append(c.keys, h.Key), append(c.ids, h.ID)
	case n == 2:
		c.edit(func(h monitor.Heartbeat) monitor.Heartbeat { return c.settings(h) })
	case n == 3:
		c.edit(func(h monitor.Heartbeat) monitor.Heartbeat {
			if h.Deleted = c.at(c.elapsed); c.random.IntN(2) == 0 {
				h.Deleted = time.Time{} // restored
			}
			return h
		})
	case n == 4:
		c.evaluate(c.elapsed)
	case n == 5:
		h := c.any()
		c.rollBack(func(tx *store.Tx) error {
			h.Name, h.Deleted = "rolled back", c.at(0)
			return tx.SaveHeartbeatSettings(h)
		})
	case n == 6:
		c.edit(func(h monitor.Heartbeat) monitor.Heartbeat { return h })
		h := c.any()
		if h.Deleted.IsZero() {
			c.update(func(tx *store.Tx) error {
				after, change := h.Pause(c.at(c.elapsed), c.at(c.elapsed))
				_, err := tx.Save(c.at(c.elapsed), []store.Transition{{Heartbeat: after, Change: change}})
				return err
			})
		}
	default:
		var batch []store.ReceivedPing
		for range 1 + c.random.IntN(4) {
			kinds := []monitor.PingKind{monitor.PingSuccess, monitor.PingSuccess, monitor.PingStart, monitor.PingFail, monitor.PingLog}
			batch = append(batch, store.ReceivedPing{ID: c.pick(c.ids), Ping: c.ping(kinds[c.random.IntN(len(kinds))], c.elapsed), Watermark: c.at(c.elapsed)})
		}
		if _, err := c.db.ApplyPings(context.Background(), batch); err != nil {
			c.Fatal(err)
		}
	}
}

// any returns one of the heartbeats.
func (c *listChaos) any() (h monitor.Heartbeat) {
	c.update(func(tx *store.Tx) (err error) {
		h, err = tx.HeartbeatByKey(c.keys[c.random.IntN(len(c.keys))])
		return err
	})
	return h
}

// edit changes the settings of one heartbeat.
func (c *listChaos) edit(change func(monitor.Heartbeat) monitor.Heartbeat) {
	h := change(c.any())
	c.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
}

// filter returns a random filter.
func (c *listChaos) filter() store.HeartbeatFilter {
	f := store.HeartbeatFilter{Project: c.project.Key, Sort: c.pick(chaosSorts), Limit: 1 + c.random.IntN(12), SearchIDs: c.random.IntN(2) == 0, Backwards: c.random.IntN(3) == 0}
	if c.random.IntN(3) == 0 {
		f.Status = monitor.Statuses[c.random.IntN(len(monitor.Statuses))]
	}
	f.Running = c.random.IntN(8) == 0
	for range c.random.IntN(3) {
		f.Tags = append(f.Tags, c.pick(chaosTags))
	}
	switch c.random.IntN(6) {
	case 0, 1:
		word := c.pick(append(chaosWords, chaosTags...))
		f.Text = word[:1+c.random.IntN(len(word))]
	case 2:
		h := c.any()
		f.Text = []string{h.ID, h.Ref, strings.ToUpper(h.Ref), strings.ReplaceAll(h.ID, "-", ""), "tail", "z", h.ID + "tail"}[c.random.IntN(7)]
		f.Text = f.Text[:1+c.random.IntN(len(f.Text))]
	}
	return f
}

// TestViewLists_EqualTheTablesAfterRandomChanges compares every filter, order and page of the index
// with the statements that read the tables.
func TestViewLists_EqualTheTablesAfterRandomChanges(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		if err := w.db.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.db.UseListIndex()
		seed := rand.Uint64()
		c := &listChaos{fixture: w, random: rand.New(rand.NewPCG(seed, 0))}
		for n := range 300 {
			c.step()
			c.compare(fmt.Sprintf("seed %d, step %d", seed, n))
			if n%97 == 96 && !w.db.ReleaseListIndex(time.Now().Add(time.Minute)) {
				t.Error("the unused index was not released")
			}
		}
	})
}

// compare reads the lists with and without the index.
func (c *listChaos) compare(when string) {
	c.Helper()
	f := c.filter()
	now := c.at(c.elapsed)
	for page := range 3 {
		var want, got lists
		read := func(view func(context.Context, func(*store.Tx) error) error, l *lists) {
			if err := view(context.Background(), func(tx *store.Tx) (err error) {
				*l, err = readLists(tx, f, now, c.since, c.shown)
				return err
			}); err != nil {
				c.Fatal(err)
			}
		}
		read(c.db.ViewAll, &want)
		read(c.db.ViewLists, &got)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			c.Fatalf("%s, page %d of %+v (-tables +index):\n%s", when, page, f, diff)
		}
		c.since, c.shown = got.Newest, nil
		for _, p := range got.Page {
			c.shown = append(c.shown, p.Key)
		}
		if len(got.Page) == 0 {
			return
		}
		if f.From = got.Page[len(got.Page)-1]; f.Backwards {
			f.From = got.Page[0]
		}
	}
}

// TestViewLists_FindIncidentsOfDeletedHeartbeats: the index has no deleted heartbeats, but the list of
// incidents has theirs.
func TestViewLists_FindIncidentsOfDeletedHeartbeats(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.UseListIndex()
		h, other := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("sync")
		w.fail(h, time.Minute)
		w.fail(other, 2*time.Minute)
		w.update(func(tx *store.Tx) error {
			gone, err := tx.HeartbeatForUpdate(w.project.Key, h.ID)
			if err != nil {
				return err
			}
			gone.Deleted = w.at(time.Hour)
			return tx.SaveHeartbeatSettings(gone)
		})
		for text, want := range map[string]int{"BACK": 1, "sync": 1, "c": 2, "other": 0} {
			f := store.IncidentFilter{Project: w.project.Key, Text: text, Limit: 10}
			if err := w.db.ViewLists(w.Context(), func(tx *store.Tx) error {
				list, err := tx.Incidents(f)
				if err != nil {
					return err
				}
				n, err := tx.CountIncidents(f)
				if len(list) != want || n.Total != want {
					t.Errorf("%q: %d incidents, %d counted; want %d", text, len(list), n.Total, want)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestViewLists_ReadTheTablesWhileTheIndexIsLoadedAgain frees the index as another reader does that
// found it outdated.
func TestViewLists_ReadTheTablesWhileTheIndexIsLoadedAgain(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.UseListIndex()
		w.newSavedHeartbeat("backup")
		ada := w.addPerson("ada")
		w.update(func(tx *store.Tx) error { return tx.SetMember(w.project.Key, ada.ID, monitor.Admin, w.start) })
		if err := w.db.ViewLists(w.Context(), func(tx *store.Tx) error {
			w.db.ReleaseListIndex(time.Now().Add(time.Minute))
			n, err := tx.HeartbeatCountsByProject(ada.ID)
			if n[w.project.Key] != 1 {
				t.Errorf("counted %v; want one heartbeat", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestViewLists_ContainWhatOtherNodesPublishedOnPostgreSQL changes heartbeats on one node, and reads
// lists on another one.
func TestViewLists_ContainWhatOtherNodesPublishedOnPostgreSQL(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		w := &fixture{T: t, db: open(), open: open, start: time.Now().UTC()}
		w.project = w.addProject("main")
		if store.OnSQLite(w.db) {
			return // one server
		}
		other := w.onNode(w.open())
		for id, db := range map[string]*store.DB{"a": w.db, "b": other.db} {
			db.SetNode(id)
			db.UseListIndex()
		}
		publish := func() {
			for _, n := range []*fixture{w, other} {
				if err := n.db.PublishListChanges(n.Context(), n.db.Now()); err != nil {
					t.Fatal(err)
				}
				n.update(func(tx *store.Tx) error {
					return tx.PublishWatermark(n.db.Now(), store.Watermark{All: n.db.Now(), Default: n.db.Now()})
				})
			}
		}
		down := func() (found string) {
			time.Sleep(time.Second) // in virtual time: nodes ask each other once per second
			if err := other.db.ViewLists(other.Context(), func(tx *store.Tx) error {
				list, err := tx.Heartbeats(store.HeartbeatFilter{Project: w.project.Key, Status: monitor.Down, Sort: "name", Limit: 10})
				found = names(list)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return found
		}
		publish()
		first, second := w.newSavedHeartbeat("first"), w.newSavedHeartbeat("second")
		if got := down(); got != "" {
			t.Errorf("down at first: %q", got)
		}
		w.fail(first, 0)
		publish()
		if got := down(); got != "first" {
			t.Errorf("down after a failure: %q", got)
		}
		w.fail(second, 0)
		first.Deleted = w.at(time.Minute)
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(first) })
		publish()
		if got := down(); got != "second" {
			t.Errorf("down after a deletion: %q", got)
		}
		w.update(func(tx *store.Tx) error { return tx.DeleteProject(w.project, w.at(time.Minute)) })
		publish()
		if got := down(); got != "" {
			t.Errorf("down after the project was deleted: %q", got)
		}
	})
}

// TestViewLists_NoticeAStatementThatDeclaresNoHeartbeats deletes a project, with one statement for all of
// its heartbeats.
func TestViewLists_NoticeAStatementThatDeclaresNoHeartbeats(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.db.UseListIndex()
		w.newSavedHeartbeat("backup")
		count := func() (n int) {
			if err := w.db.ViewLists(w.Context(), func(tx *store.Tx) error {
				s, err := tx.StatusCounts(w.project.Key)
				n = s.ByStatus[monitor.New]
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != 1 {
			t.Errorf("%d heartbeats at first", n)
		}
		w.update(func(tx *store.Tx) error { return tx.DeleteProject(w.project, w.at(0)) })
		if n := count(); n != 0 {
			t.Errorf("%d heartbeats after the project was deleted", n)
		}
	})
}

func TestPreloadListIndex_LoadsItOnlyForReaders(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		w.db.UseListIndex()
		w.newSavedHeartbeat("backup")
		preload := func() int64 {
			w.Helper()
			if err := w.db.PreloadListIndex(t.Context(), w.at(0)); err != nil {
				t.Fatal(err)
			}
			defer w.db.ReleaseListIndex(time.Now().Add(time.Minute))
			return w.db.ListIndexBytes()
		}
		p := w.addPerson("ann")
		session := monitor.Session{ID: "s", Person: p.ID, Created: w.at(-time.Hour), LastSeen: w.at(-time.Hour), ExpiresAt: w.at(time.Hour)}
		w.update(func(tx *store.Tx) error { return tx.AddSession(session, "hash", "{}") })
		if n := preload(); n != 0 {
			t.Errorf("%d bytes are loaded for no reader", n)
		}
		session.LastSeen = w.at(time.Minute)
		w.update(func(tx *store.Tx) error { return tx.RecordSessionUse(session) })
		if preload() == 0 {
			t.Error("nothing is loaded for a person who reads pages")
		}
		session.LastSeen = w.at(-time.Hour)
		w.update(func(tx *store.Tx) error { return tx.RecordSessionUse(session) })
		w.update(func(tx *store.Tx) error {
			key, err := tx.AddAPIKey(monitor.APIKey{Project: w.project.Key, Name: "k", Created: w.at(0)}, "hash of k")
			if err != nil {
				return err
			}
			return tx.RecordAPIKeyUse(key.ID, w.at(time.Minute))
		})
		if preload() == 0 {
			t.Error("nothing is loaded for a program that reads the API")
		}
	})
}
