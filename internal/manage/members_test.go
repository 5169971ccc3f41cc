package manage_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// team is a project with its people, by name.
type team struct {
	*testing.T
	db     *store.DB
	desk   *manage.Desk
	actors map[string]auth.Actor
}

// onTeams runs a test with a team on every database.
func onTeams(t *testing.T, test func(m *team)) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		d, operator := desk(t, db, manage.Options{})
		m := &team{T: t, db: db, desk: d, actors: map[string]auth.Actor{"operator": operator}}
		for name, role := range map[string]monitor.Role{
			"ada": auth.Owner, "eve": auth.Owner, "bob": auth.Admin, "cyd": auth.Admin, "dan": auth.Member, "fay": auth.Viewer,
		} {
			m.update(func(tx *store.Tx) error {
				p, err := tx.AddPerson(monitor.Person{Email: name + "@example.com", Name: name, Created: time.Now()}, "x")
				if err != nil {
					return err
				}
				m.actors[name] = auth.Actor{
					Project: operator.Project, Name: name, Kind: monitor.ActorPerson, ID: p.ID, Role: role, Person: p.ID, Source: "192.0.2.1",
				}
				return tx.SetMember(operator.Project.Key, p.ID, role, time.Now())
			})
		}
		test(m)
	})
}

// update changes the database directly.
func (m *team) update(fn func(*store.Tx) error) {
	m.Helper()
	if err := m.db.Update(m.Context(), fn); err != nil {
		m.Fatal(err)
	}
}

// kind fails the test unless err is a fault of the kind, or nil for -1.
func (m *team) kind(what string, err error, want monitor.FaultKind) {
	m.Helper()
	faults, many := errors.AsType[monitor.Faults](err)
	fault, one := errors.AsType[*monitor.Fault](err)
	if many {
		fault, one = faults[0], true
	}
	if want < 0 && err == nil || want >= 0 && one && fault.Kind == want {
		return
	}
	m.Errorf("%s: %v; want a fault of kind %d", what, err, want)
}

// done is no fault at all.
const done = monitor.FaultKind(-1)

func TestNobodyChangesWhoIsHigherOrMakesAnyoneHigher(t *testing.T) {
	onTeams(t, func(m *team) {
		for _, c := range []struct {
			who, whom, role string
			want            monitor.FaultKind
		}{
			{"bob", "dan", "admin", done},
			{"bob", "dan", "member", done},
			{"bob", "cyd", "member", done},
			{"bob", "cyd", "admin", done},
			{"bob", "dan", "owner", monitor.Invalid},
			{"bob", "ada", "member", monitor.Forbidden},
			{"bob", "dan", "king", monitor.Invalid},
			{"dan", "fay", "member", monitor.Forbidden},
			{"fay", "fay", "owner", monitor.Forbidden},
			{"bob", "nobody", "member", monitor.Missing},
			{"ada", "dan", "owner", done},
			{"ada", "dan", "member", done},
			{"operator", "dan", "viewer", done},
			{"bob", "bob", "owner", monitor.Invalid},
		} {
			_, err := m.desk.ChangeRole(m.Context(), m.actors[c.who], m.actors[c.whom].Person, c.role)
			m.kind(c.who+" makes "+c.whom+" "+c.role, err, c.want)
		}
		for _, c := range []struct {
			who, whom string
			want      monitor.FaultKind
		}{
			{"dan", "fay", monitor.Forbidden}, {"bob", "ada", monitor.Forbidden}, {"bob", "fay", done}, {"dan", "dan", done}, {"bob", "cyd", done},
		} {
			_, err := m.desk.RemoveMember(m.Context(), m.actors[c.who], m.actors[c.whom].Person)
			m.kind(c.who+" removes "+c.whom, err, c.want)
		}
		// bob is less than he was when his request began.
		if _, err := m.desk.ChangeRole(m.Context(), m.actors["ada"], m.actors["bob"].Person, "viewer"); err != nil {
			m.Fatal(err)
		}
		stale := m.actors["bob"]
		stale.Role = auth.Owner
		_, err := m.desk.RemoveMember(m.Context(), stale, m.actors["eve"].Person)
		m.kind("bob removes eve", err, monitor.Forbidden)
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	onTeams(t, func(m *team) {
		ada, eve := m.actors["ada"], m.actors["eve"]
		if _, err := m.desk.ChangeRole(m.Context(), eve, eve.Person, "member"); err != nil {
			m.Fatal(err)
		}
		_, err := m.desk.ChangeRole(m.Context(), ada, ada.Person, "admin")
		m.kind("ada becomes less", err, monitor.Conflict)
		_, err = m.desk.RemoveMember(m.Context(), ada, ada.Person)
		m.kind("ada leaves", err, monitor.Conflict)
		_, err = m.desk.RemoveMember(m.Context(), m.actors["operator"], ada.Person)
		m.kind("the operator removes ada", err, monitor.Conflict)
		if _, err := m.desk.ChangeRole(m.Context(), ada, eve.Person, "owner"); err != nil {
			m.Fatal(err)
		}
		if _, err := m.desk.RemoveMember(m.Context(), ada, ada.Person); err != nil {
			m.Error(err)
		}
	})
}

func TestWhoIsRemovedLeavesNoInvitationBehind(t *testing.T) {
	onTeams(t, func(m *team) {
		bob := m.actors["bob"]
		i, token, err := m.desk.Invite(m.Context(), bob, "new@example.com", "admin")
		if err != nil || len(token) < 40 || i.Ends.Sub(i.Created) != 7*24*time.Hour {
			m.Fatal(i, token, err)
		}
		kept, err := m.desk.Team(m.Context(), bob)
		if err != nil || len(kept.Invitations) != 1 {
			m.Fatal(kept, err)
		}
		if seen, err := m.desk.Team(m.Context(), m.actors["fay"]); err != nil || len(seen.Invitations) != 0 || len(seen.Members) != 6 {
			m.Errorf("a viewer sees %+v, %v", seen, err)
		}
		if _, err := m.desk.RemoveMember(m.Context(), m.actors["ada"], bob.Person); err != nil {
			m.Fatal(err)
		}
		after, err := m.desk.Team(m.Context(), m.actors["ada"])
		if err != nil || len(after.Invitations) != 0 || len(after.Members) != 5 {
			m.Errorf("%+v, %v", after, err)
		}
	})
}

func TestEveryChangeOfATeamIsInTheAuditLog(t *testing.T) {
	onTeams(t, func(m *team) {
		ada := m.actors["ada"]
		i, _, err := m.desk.Invite(m.Context(), ada, "new@example.com", "viewer")
		_, err2 := m.desk.ChangeRole(m.Context(), ada, m.actors["dan"].Person, "admin")
		_, err3 := m.desk.ChangeRole(m.Context(), ada, m.actors["dan"].Person, "admin") // changes nothing
		_, err4 := m.desk.RemoveMember(m.Context(), ada, m.actors["fay"].Person)
		key, _, err5 := m.desk.CreateKey(m.Context(), ada, "deploy", false)
		err = errors.Join(err, err2, err3, err4, err5, m.desk.Withdraw(m.Context(), ada, i.ID), m.desk.RevokeKey(m.Context(), ada, key.ID),
			m.desk.ChangeProject(m.Context(), ada, "Main", "UTC"), m.desk.ChangeProject(m.Context(), ada, "Prod", "UTC"))
		if err != nil {
			m.Fatal(err)
		}
		log, err := m.desk.AuditLog(m.Context(), ada, manage.AuditQuery{})
		if err != nil {
			m.Fatal(err)
		}
		var did []string
		for _, e := range log.Items {
			did = append(did, e.Action)
			if e.Actor != "ada" || e.Source != "192.0.2.1" {
				m.Errorf("%+v", e)
			}
		}
		slices.Sort(did)
		want := []string{"key.create", "key.revoke", "member.invite", "member.remove", "member.role", "member.withdraw", "project.change"}
		if !slices.Equal(did, want) {
			m.Errorf("the log has %v; want %v", did, want)
		}
	})
}

func TestADeletedProjectsSlugIsNeverUsedAgain(t *testing.T) {
	onTeams(t, func(m *team) {
		ada := m.actors["ada"]
		first, err := m.desk.CreateProject(m.Context(), ada, "Staging", "UTC")
		if err != nil || first.Slug != "staging" {
			m.Fatal(first, err)
		}
		there := ada
		there.Project = first
		if err := m.desk.DeleteProject(m.Context(), there, "Staging"); err != nil {
			m.Fatal(err)
		}
		second, err := m.desk.CreateProject(m.Context(), ada, "Staging", "UTC")
		if err != nil || second.Slug == "staging" || second.Key == first.Key {
			m.Errorf("%+v, %v", second, err)
		}
		m.kind("a member makes a project", func() error {
			_, err := m.desk.CreateProject(m.Context(), m.actors["dan"], "x", "UTC")
			return err
		}(), monitor.Forbidden)
	})
}
