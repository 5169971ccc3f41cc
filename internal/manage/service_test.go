package manage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// newService returns a service on an empty store, and the owner of a project there.
func newService(t *testing.T, db *store.DB, o manage.Options) (*manage.Service, auth.Actor) {
	t.Helper()
	o.DB = db
	f := &storetest.Fixture{T: t, DB: db}
	return manage.New(o), auth.Operator(f.AddProject("main", "Main"), "root")
}

// callEveryMethod calls each method of the service.
func callEveryMethod(ctx context.Context, d *manage.Service, a auth.Actor) map[string]error {
	second := func(_ any, err error) error { return err }
	_, _, pings := d.Pings(ctx, a, "x", manage.PageQuery{})
	_, _, put := d.PutHeartbeat(ctx, a, "x", manage.HeartbeatEdit{})
	_, _, glance := d.HeartbeatsByKey(ctx, a, nil)
	_, _, lines := d.IncidentsByID(ctx, a, nil)
	_, _, details := d.ChannelDetails(ctx, a)
	_, _, detail := d.ChannelDetail(ctx, a, "x")
	_, _, draft := d.TestChannelDraft(ctx, a, "", manage.ChannelEdit{})
	_, _, key := d.CreateKey(ctx, a, "x", true)
	return map[string]error{
		"read Heartbeats":            second(d.Heartbeats(ctx, a, manage.HeartbeatListQuery{})),
		"read Heartbeat":             second(d.Heartbeat(ctx, a, "x")),
		"read Pings":                 pings,
		"read Ping":                  second(d.Ping(ctx, a, "x", 1)),
		"read Incidents":             second(d.Incidents(ctx, a, manage.IncidentListQuery{})),
		"read Incident":              second(d.Incident(ctx, a, "x")),
		"read Channels":              second(d.Channels(ctx, a, manage.PageQuery{})),
		"read Channel":               second(d.Channel(ctx, a, "x")),
		"read Overview":              second(d.HeartbeatList(ctx, a, manage.HeartbeatListQuery{})),
		"read Glance":                glance,
		"read Counts":                second(d.ProjectCounts(ctx, a, time.Now())),
		"read ExportEvents":          second(d.ExportEvents(ctx, a, "x", manage.HeartbeatDetailQuery{}, nil)),
		"read ExportIncidents":       second(d.ExportIncidents(ctx, a, manage.IncidentListQuery{}, func([]monitor.Incident) error { return nil })),
		"read Detail":                second(d.HeartbeatDetail(ctx, a, "x", manage.HeartbeatDetailQuery{})),
		"read HeartbeatKeys":         second(d.HeartbeatKeys(ctx, a, nil)),
		"read IncidentList":          second(d.IncidentList(ctx, a, manage.IncidentListQuery{})),
		"read IncidentOverview":      second(d.IncidentOverview(ctx, a)),
		"read IncidentLines":         lines,
		"read IncidentStory":         second(d.IncidentView(ctx, a, "x")),
		"read ChannelDetails":        details,
		"read ChannelDetail":         detail,
		"change CheckHeartbeat":      second(d.ValidateHeartbeat(ctx, a, manage.HeartbeatEdit{})),
		"change RestoreHeartbeat":    second(d.RestoreHeartbeat(ctx, a, "x", false)),
		"change AcknowledgeWithNote": second(d.AcknowledgeWithNote(ctx, a, "x", "x")),
		"change TestDraft":           draft,
		"change CreateHeartbeat":     second(d.CreateHeartbeat(ctx, a, manage.HeartbeatEdit{})),
		"change PutHeartbeat":        put,
		"change ChangeHeartbeat":     second(d.ChangeHeartbeat(ctx, a, "x", manage.HeartbeatEdit{})),
		"change PauseHeartbeat":      second(d.PauseHeartbeat(ctx, a, "x")),
		"change ResumeHeartbeat":     second(d.ResumeHeartbeat(ctx, a, "x")),
		"change MuteHeartbeat":       second(d.MuteHeartbeat(ctx, a, "x", manage.QuietPeriod{})),
		"change UnmuteHeartbeat":     second(d.UnmuteHeartbeat(ctx, a, "x")),
		"change DeleteHeartbeat":     d.DeleteHeartbeat(ctx, a, "x"),
		"change AcknowledgeIncident": second(d.AcknowledgeIncident(ctx, a, "x")),
		"change SnoozeIncident":      second(d.SnoozeIncident(ctx, a, "x", manage.QuietPeriod{})),
		"read IncidentGroups":        second(d.IncidentGroups(ctx, a, manage.GroupQuery{})),
		"read IncidentGroup":         second(d.IncidentGroup(ctx, a, 1)),
		"read GroupMembers":          second(d.GroupMembers(ctx, a, 1, manage.GroupMembersQuery{})),
		"change AcknowledgeGroup":    second(d.AcknowledgeGroup(ctx, a, 1)),
		"change SnoozeGroup":         second(d.SnoozeGroup(ctx, a, 1, manage.QuietPeriod{})),
		"change UnsnoozeIncident":    second(d.UnsnoozeIncident(ctx, a, "x")),
		"change AddNote":             second(d.AddNote(ctx, a, "x", "x", nil)),
		"change CreateChannel":       second(d.CreateChannel(ctx, a, manage.ChannelEdit{})),
		"change ChangeChannel":       second(d.ChangeChannel(ctx, a, "x", manage.ChannelEdit{})),
		"change DeleteChannel":       d.DeleteChannel(ctx, a, "x"),
		"change TestChannel":         second(d.TestChannel(ctx, a, "x")),
		"manage CreateKey":           key,
	}
}

func TestService_EveryMethodChecksTheRole(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, owner := newService(t, open(), manage.Options{})
		for role, refused := range map[auth.Role]string{
			0: "read change manage", auth.Viewer: "change manage", auth.Member: "manage", auth.Admin: "", auth.Owner: "",
		} {
			a := auth.Actor{Project: owner.Project, Name: "Ann", Kind: monitor.ActorPerson, ID: "ann", Role: role}
			for method, err := range callEveryMethod(t.Context(), d, a) {
				fault, isFault := errors.AsType[*monitor.Fault](err)
				forbidden := isFault && fault.Kind == monitor.Forbidden
				group, _, _ := strings.Cut(method, " ")
				if want := strings.Contains(refused, group); forbidden != want {
					t.Errorf("role %d, %s: %v", role, method, err)
				}
			}
		}
	})
}

func TestCreateHeartbeat_ManyWithOneNameGetDistinctSlugs(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, a := newService(t, open(), manage.Options{})
		seen := map[string]bool{}
		for range 25 {
			h, err := d.CreateHeartbeat(t.Context(), a, manage.HeartbeatEdit{Name: new("Sync"), Interval: new("1h")})
			if err != nil {
				t.Fatal(err)
			}
			if seen[h.Slug] || !strings.HasPrefix(h.Slug, "sync") {
				t.Errorf("slug %q again", h.Slug)
			}
			seen[h.Slug] = true
		}
		if !seen["sync"] || !seen["sync-2"] || !seen["sync-20"] {
			t.Errorf("%v", seen)
		}
	})
}

func TestCreateHeartbeat_ConcurrentCreatesGetDistinctSlugs(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, a := newService(t, open(), manage.Options{})
		slugs := make(chan string, 12)
		for range cap(slugs) {
			go func() {
				h, err := d.CreateHeartbeat(context.WithoutCancel(t.Context()), a, manage.HeartbeatEdit{Name: new("Sync"), Interval: new("1h")})
				if err != nil {
					t.Error(err)
				}
				slugs <- h.Slug
			}()
		}
		seen := map[string]bool{}
		for range cap(slugs) {
			seen[<-slugs] = true
		}
		if len(seen) != cap(slugs) {
			t.Errorf("%v", seen)
		}
	})
}

func TestService_AViewerSeesNoHeartbeatID(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		d, owner := newService(t, db, manage.Options{})
		h, err := d.CreateHeartbeat(t.Context(), owner, manage.HeartbeatEdit{Name: new("Sync"), Interval: new("1h")})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			down, change := h.ApplyPing(monitor.Ping{Kind: monitor.PingFail, Method: "POST", At: time.Now().UTC()}, time.Now())
			_, err := tx.Save(time.Now(), []store.Transition{{Heartbeat: down, Change: change}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		viewer := auth.Actor{Project: owner.Project, Role: auth.Viewer}
		list, err1 := d.Heartbeats(t.Context(), viewer, manage.HeartbeatListQuery{})
		one, err2 := d.Heartbeat(t.Context(), viewer, h.ID)
		with, _, err3 := d.Pings(t.Context(), viewer, h.ID, manage.PageQuery{})
		incidents, err4 := d.Incidents(t.Context(), viewer, manage.IncidentListQuery{})
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		detail, err := d.Incident(t.Context(), viewer, incidents.Items[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if all := fmt.Sprintf("%+v %+v %+v %+v %+v", list, one, with, incidents, detail); strings.Contains(all, h.ID) {
			t.Errorf("%s is in %s", h.ID, all)
		}
		err = db.View(t.Context(), func(tx *store.Tx) error {
			entries, err := tx.RecentAuditEntries(owner.Project.Key, 10)
			if len(entries) != 1 || strings.Contains(fmt.Sprint(entries), h.ID) ||
				entries[0].Detail != "name: Sync; slug: sync; interval: 1\u00a0h; grace: 5\u00a0min; severity: critical; methods: any; channels: all" {
				t.Errorf("%+v", entries)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestTestChannel_FinishesAfterTheRequestIsCancelled(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		ctx, leave := context.WithCancel(t.Context())
		d, a := newService(t, db, manage.Options{SendTest: func(ctx context.Context, _ monitor.Project, _ monitor.Channel) (client.TestResult, []monitor.DeliveryResult, setting.Values) {
			leave()
			time.Sleep(time.Second) // virtual
			return client.TestResult{Delivered: ctx.Err() == nil}, []monitor.DeliveryResult{{Delivered: ctx.Err() == nil}}, nil
		}})
		c, err := d.CreateChannel(t.Context(), a, manage.ChannelEdit{
			Kind: new("email"), Name: new("Ops"), Settings: map[string]any{"to": []any{"ops@example.com"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if result, err := d.TestChannel(ctx, a, c.ID); err != nil || !result.Delivered {
			t.Errorf("%+v, %v", result, err)
		}
		if c, err = d.Channel(t.Context(), a, c.ID); err != nil || c.LastDelivery.IsZero() {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestChangeChannel_RenamesAChannelWithSettingsOfOlderRules(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		d, a := newService(t, db, manage.Options{})
		var c monitor.Channel
		err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			c, err = tx.AddChannel(monitor.Channel{
				Project: a.Project.Key, Kind: "webhook", Name: "x", Settings: map[string]any{"url": "gopher://old"}, Created: time.Now(),
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.ChangeChannel(t.Context(), a, c.ID, manage.ChannelEdit{Name: new("y")})
		if err != nil || got.Name != "y" || got.Settings["url"] != "gopher://old" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := d.ChangeChannel(t.Context(), a, c.ID, manage.ChannelEdit{Settings: map[string]any{}}); err == nil {
			t.Error("the old URL passes the new rules")
		}
	})
}

func TestPageQuery_LimitAndCursorAreValidated(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		d, a := newService(t, open(), manage.Options{})
		for limit, fine := range map[int]bool{-1: false, 0: true, 1: true, manage.MaxLimit: true, manage.MaxLimit + 1: false} {
			if _, err := d.Channels(t.Context(), a, manage.PageQuery{Limit: limit}); (err == nil) != fine {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
	})
}

func TestChannels_SettingsOfAnUnknownKindAreHidden(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		d, a := newService(t, db, manage.Options{})
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.AddChannel(monitor.Channel{
				Project: a.Project.Key, Kind: "of-tomorrow", Name: "x", Settings: map[string]any{"token": "geheim"}, Created: time.Now(),
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.Channels(t.Context(), a, manage.PageQuery{})
		if err != nil || len(list.Items) != 1 || strings.Contains(fmt.Sprint(list), "geheim") {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
