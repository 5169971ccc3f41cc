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

// teamFixture is a project with members, by name.
type teamFixture struct {
	*storetest.Fixture
	service *manage.Service
	actors  map[string]auth.Actor
}

// eachTeam runs a test with a team on every database.
func eachTeam(t *testing.T, test func(m *teamFixture)) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		d, operator := newService(t, db, manage.Options{})
		m := &teamFixture{Fixture: &storetest.Fixture{T: t, DB: db}, service: d, actors: map[string]auth.Actor{"operator": operator}}
		for name, role := range map[string]monitor.Role{
			"ada": auth.Owner, "eve": auth.Owner, "bob": auth.Admin, "cyd": auth.Admin, "dan": auth.Member, "fay": auth.Viewer,
		} {
			m.Update(func(tx *store.Tx) error {
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

// requireKind fails the test unless err is a fault of the kind, or nil for -1.
func (m *teamFixture) requireKind(what string, err error, want monitor.FaultKind) {
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

// noFault means that no fault is expected.
const noFault = monitor.FaultKind(-1)

func TestChangeRole_NobodyChangesAHigherRoleOrAssignsOne(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		for _, c := range []struct {
			who, whom, role string
			want            monitor.FaultKind
		}{
			{"bob", "dan", "admin", noFault},
			{"bob", "dan", "member", noFault},
			{"bob", "cyd", "member", noFault},
			{"bob", "cyd", "admin", noFault},
			{"bob", "dan", "owner", monitor.Invalid},
			{"bob", "ada", "member", monitor.Forbidden},
			{"bob", "dan", "king", monitor.Invalid},
			{"dan", "fay", "member", monitor.Forbidden},
			{"fay", "fay", "owner", monitor.Forbidden},
			{"bob", "nobody", "member", monitor.NotFound},
			{"ada", "dan", "owner", noFault},
			{"ada", "dan", "member", noFault},
			{"operator", "dan", "viewer", noFault},
			{"bob", "bob", "owner", monitor.Invalid},
		} {
			_, err := m.service.ChangeRole(m.Context(), m.actors[c.who], m.actors[c.whom].Person, c.role)
			m.requireKind(c.who+" makes "+c.whom+" "+c.role, err, c.want)
		}
		for _, c := range []struct {
			who, whom string
			want      monitor.FaultKind
		}{
			{"dan", "fay", monitor.Forbidden}, {"bob", "ada", monitor.Forbidden}, {"bob", "fay", noFault}, {"dan", "dan", noFault}, {"bob", "cyd", noFault},
		} {
			_, err := m.service.RemoveMember(m.Context(), m.actors[c.who], m.actors[c.whom].Person)
			m.requireKind(c.who+" removes "+c.whom, err, c.want)
		}
		// bob has a lower role than when his request began.
		if _, err := m.service.ChangeRole(m.Context(), m.actors["ada"], m.actors["bob"].Person, "viewer"); err != nil {
			m.Fatal(err)
		}
		stale := m.actors["bob"]
		stale.Role = auth.Owner
		_, err := m.service.RemoveMember(m.Context(), stale, m.actors["eve"].Person)
		m.requireKind("bob removes eve", err, monitor.Forbidden)
	})
}

func TestTeam_TheLastOwnerStays(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		ada, eve := m.actors["ada"], m.actors["eve"]
		if _, err := m.service.ChangeRole(m.Context(), eve, eve.Person, "member"); err != nil {
			m.Fatal(err)
		}
		_, err := m.service.ChangeRole(m.Context(), ada, ada.Person, "admin")
		m.requireKind("ada becomes less", err, monitor.Conflict)
		_, err = m.service.RemoveMember(m.Context(), ada, ada.Person)
		m.requireKind("ada leaves", err, monitor.Conflict)
		_, err = m.service.RemoveMember(m.Context(), m.actors["operator"], ada.Person)
		m.requireKind("the operator removes ada", err, monitor.Conflict)
		if _, err := m.service.ChangeRole(m.Context(), ada, eve.Person, "owner"); err != nil {
			m.Fatal(err)
		}
		if _, err := m.service.RemoveMember(m.Context(), ada, ada.Person); err != nil {
			m.Error(err)
		}
	})
}

func TestRemoveMember_EndsTheInvitationsOfTheMember(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		bob := m.actors["bob"]
		i, token, err := m.service.Invite(m.Context(), bob, "new@example.com", "admin")
		if err != nil || len(token) < 40 || i.ExpiresAt.Sub(i.Created) != 7*24*time.Hour {
			m.Fatal(i, token, err)
		}
		kept, err := m.service.Team(m.Context(), bob)
		if err != nil || len(kept.Invitations) != 1 {
			m.Fatal(kept, err)
		}
		if seen, err := m.service.Team(m.Context(), m.actors["fay"]); err != nil || len(seen.Invitations) != 0 || len(seen.Members) != 6 {
			m.Errorf("a viewer sees %+v, %v", seen, err)
		}
		if _, err := m.service.RemoveMember(m.Context(), m.actors["ada"], bob.Person); err != nil {
			m.Fatal(err)
		}
		after, err := m.service.Team(m.Context(), m.actors["ada"])
		if err != nil || len(after.Invitations) != 0 || len(after.Members) != 5 {
			m.Errorf("%+v, %v", after, err)
		}
	})
}

func TestTeam_EveryChangeIsInTheAuditLog(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		ada := m.actors["ada"]
		i, _, err := m.service.Invite(m.Context(), ada, "new@example.com", "viewer")
		_, err2 := m.service.ChangeRole(m.Context(), ada, m.actors["dan"].Person, "admin")
		_, err3 := m.service.ChangeRole(m.Context(), ada, m.actors["dan"].Person, "admin") // changes nothing
		_, err4 := m.service.RemoveMember(m.Context(), ada, m.actors["fay"].Person)
		key, _, err5 := m.service.CreateKey(m.Context(), ada, "deploy", false)
		err = errors.Join(err, err2, err3, err4, err5, m.service.WithdrawInvitation(m.Context(), ada, i.ID), m.service.RevokeKey(m.Context(), ada, key.ID),
			m.service.ChangeProject(m.Context(), ada, "Main", "UTC"), m.service.ChangeProject(m.Context(), ada, "Prod", "UTC"))
		if err != nil {
			m.Fatal(err)
		}
		log, err := m.service.AuditLog(m.Context(), ada, manage.AuditQuery{})
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

func TestCreateProject_NeverReusesTheSlugOfADeletedProject(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		ada := m.actors["ada"]
		first, err := m.service.CreateProject(m.Context(), ada, "Staging", "UTC")
		if err != nil || first.Slug != "staging" {
			m.Fatal(first, err)
		}
		there := ada
		there.Project = first
		if err := m.service.DeleteProject(m.Context(), there, "Staging"); err != nil {
			m.Fatal(err)
		}
		second, err := m.service.CreateProject(m.Context(), ada, "Staging", "UTC")
		if err != nil || second.Slug == "staging" || second.Key == first.Key {
			m.Errorf("%+v, %v", second, err)
		}
		m.requireKind("a member makes a project", func() error {
			_, err := m.service.CreateProject(m.Context(), m.actors["dan"], "x", "UTC")
			return err
		}(), monitor.Forbidden)
	})
}
