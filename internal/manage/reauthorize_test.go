package manage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// signIn creates a session for a member of the team and returns the actor of
// that session.
func (m *teamFixture) signIn(name string) auth.Actor {
	m.Helper()
	a, now := m.actors[name], time.Now()
	a.Session = "session of " + name
	s := monitor.Session{ID: a.Session, Person: a.Person, Created: now, LastSeen: now, KeepSignedIn: true}
	s.ExpiresAt = s.ExpiryFrom(now)
	m.Update(func(tx *store.Tx) error { return tx.AddSession(s, a.Session, "{}") })
	return a
}

// accountWrites are the changes that outlast the session that makes them.
func (m *teamFixture) accountWrites(a auth.Actor) map[string]error {
	_, _, key := m.service.CreateKey(m.Context(), a, "k", false)
	_, _, invitation := m.service.Invite(m.Context(), a, "new@example.com", "viewer")
	_, project := m.service.CreateProject(m.Context(), a, "Other", "UTC")
	_, role := m.service.ChangeRole(m.Context(), a, m.actors["fay"].Person, "member")
	_, remove := m.service.RemoveMember(m.Context(), a, m.actors["dan"].Person)
	return map[string]error{
		"create a key": key, "invite": invitation, "create a project": project, "change a role": role, "remove a member": remove,
		"change the project": m.service.ChangeProject(m.Context(), a, "Renamed", "UTC"),
		"withdraw":           m.service.WithdrawInvitation(m.Context(), a, "x"),
		"revoke a key":       m.service.RevokeKey(m.Context(), a, "x"),
		"delete the project": m.service.DeleteProject(m.Context(), a, a.Project.Name),
	}
}

func TestService_ASessionEndedMeanwhileChangesNothing(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		ada := m.signIn("ada")
		m.Update(func(tx *store.Tx) error { return tx.EndOtherSessions(ada.Person, "") })
		for write, err := range m.accountWrites(ada) {
			if !errors.Is(err, auth.ErrSignedOut) {
				m.Errorf("%s: %v; want the session to have ended", write, err)
			}
		}
		m.requireUnchanged()
	})
}

func TestService_AMemberDemotedOrRemovedMeanwhileChangesNothing(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		for _, after := range []func(tx *store.Tx, a auth.Actor) error{
			func(tx *store.Tx, a auth.Actor) error {
				return tx.SetMember(a.Project.Key, a.Person, auth.Viewer, time.Now())
			},
			func(tx *store.Tx, a auth.Actor) error { return tx.RemoveMember(a.Project.Key, a.Person) },
		} {
			eve := m.actors["eve"] // an owner when the request began
			m.Update(func(tx *store.Tx) error { return after(tx, eve) })
			for write, err := range m.accountWrites(eve) {
				m.requireKind(write, err, monitor.Forbidden)
			}
		}
		m.Update(func(tx *store.Tx) error {
			return tx.SetMember(m.actors["eve"].Project.Key, m.actors["eve"].Person, auth.Owner, time.Now())
		})
		m.requireUnchanged()
	})
}

// requireUnchanged fails the test if the team has changed.
func (m *teamFixture) requireUnchanged() {
	m.Helper()
	ada := m.actors["ada"]
	t, err := m.service.Team(m.Context(), ada)
	if err != nil || len(t.Members) != 6 || len(t.Invitations) != 0 {
		m.Errorf("%d members, %d invitations, %v", len(t.Members), len(t.Invitations), err)
	}
	keys, err := m.service.APIKeys(m.Context(), ada)
	if err != nil || len(keys) != 0 {
		m.Errorf("%d keys, %v", len(keys), err)
	}
	m.Update(func(tx *store.Tx) error {
		all, err := tx.Projects()
		if len(all) != 1 || all[0].Name != "Main" {
			m.Errorf("projects %+v", all)
		}
		return err
	})
}

func TestChangeRole_EndsInvitationsToRolesTheMemberCannotAssign(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		for _, i := range []struct{ by, email, role string }{
			{"eve", "o@example.com", "owner"}, {"eve", "a@example.com", "admin"}, {"bob", "b@example.com", "admin"},
		} {
			if _, _, err := m.service.Invite(m.Context(), m.actors[i.by], i.email, i.role); err != nil {
				m.Fatal(err)
			}
		}
		left := func() (emails []string) {
			t, err := m.service.Team(m.Context(), m.actors["ada"])
			if err != nil {
				m.Fatal(err)
			}
			for _, i := range t.Invitations {
				emails = append(emails, i.Email)
			}
			return emails
		}
		for _, step := range []struct{ who, role, want string }{
			{"eve", "admin", "[b@example.com a@example.com]"},
			{"eve", "member", "[b@example.com]"},
			{"eve", "owner", "[b@example.com]"}, // ended invitations stay ended
			{"bob", "owner", "[b@example.com]"},
		} {
			if _, err := m.service.ChangeRole(m.Context(), m.actors["ada"], m.actors[step.who].Person, step.role); err != nil {
				m.Fatal(err)
			}
			if got := fmt.Sprint(left()); got != step.want {
				m.Errorf("%s is %s: left are %s; want %s", step.who, step.role, got, step.want)
			}
		}
	})
}

func TestTeam_ListsOrphanedKeys(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		for _, name := range []string{"bob", "cyd", "operator"} {
			if _, _, err := m.service.CreateKey(m.Context(), m.actors[name], "key of "+name, false); err != nil {
				m.Fatal(err)
			}
		}
		left := func(as string) (names []string) {
			t, err := m.service.Team(m.Context(), m.actors[as])
			if err != nil {
				m.Fatal(err)
			}
			for _, k := range t.OrphanedKeys {
				names = append(names, k.Name)
			}
			return names
		}
		if got := left("ada"); len(got) != 0 {
			m.Errorf("%v although all may make keys", got)
		}
		if _, err := m.service.RemoveMember(m.Context(), m.actors["ada"], m.actors["bob"].Person); err != nil {
			m.Fatal(err)
		}
		if _, err := m.service.ChangeRole(m.Context(), m.actors["ada"], m.actors["cyd"].Person, "member"); err != nil {
			m.Fatal(err)
		}
		if got := fmt.Sprint(left("ada")); got != "[key of cyd key of bob]" {
			m.Errorf("listed are %s", got)
		}
		if got := left("fay"); len(got) != 0 {
			m.Errorf("a viewer sees %v", got)
		}
	})
}

func TestInvite_IsLimitedToTwentyAnHour(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		bob := m.actors["bob"]
		for n := range 20 {
			i, _, err := m.service.Invite(m.Context(), bob, fmt.Sprintf("n%d@example.com", n), "viewer")
			if err != nil {
				m.Fatal(err)
			}
			if err := m.service.WithdrawInvitation(m.Context(), bob, i.ID); err != nil { // it was sent nevertheless
				m.Fatal(err)
			}
		}
		_, _, err := m.service.Invite(m.Context(), bob, "more@example.com", "viewer")
		m.requireKind("one more", err, monitor.RateLimited)
		if rest, is := errors.AsType[*auth.ThrottleError](err); !is || rest.Wait <= 59*time.Minute || rest.Wait > time.Hour {
			m.Errorf("%v; want an hour's wait", err)
		}
		for _, other := range []string{"cyd", "operator"} {
			if _, _, err := m.service.Invite(m.Context(), m.actors[other], other+"2@example.com", "viewer"); err != nil {
				m.Errorf("%s cannot invite: %v", other, err)
			}
		}
	})
}

func TestInvite_ConcurrentInvitationsRespectTheLimit(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		results := make(chan error, 30)
		for n := range cap(results) {
			go func() {
				_, _, err := m.service.Invite(m.Context(), m.actors["bob"], fmt.Sprintf("n%d@example.com", n), "viewer")
				results <- err
			}()
		}
		sent := 0
		for range cap(results) {
			if err := <-results; err == nil {
				sent++
			} else if _, is := errors.AsType[*auth.ThrottleError](err); !is {
				m.Error(err)
			}
		}
		if sent != 20 {
			m.Errorf("%d were sent; want 20", sent)
		}
	})
}

func TestService_WhatAMemberCanCreateIsLimited(t *testing.T) {
	eachTeam(t, func(m *teamFixture) {
		ada := m.actors["ada"]
		d := manage.New(manage.Options{DB: m.DB, MaxHeartbeats: 3})
		edit := func(name string) manage.HeartbeatEdit { return manage.HeartbeatEdit{Name: &name, Interval: new("1h")} }
		var last monitor.Heartbeat
		for n := range 3 {
			h, err := d.CreateHeartbeat(m.Context(), m.actors["dan"], edit(fmt.Sprint("h", n)))
			if err != nil {
				m.Fatal(err)
			}
			last = h
		}
		_, err := d.CreateHeartbeat(m.Context(), m.actors["dan"], edit("h4"))
		m.requireKind("a fourth heartbeat", err, monitor.Conflict)
		_, _, err = d.PutHeartbeat(m.Context(), m.actors["dan"], "h4", edit("h4"))
		m.requireKind("a fourth heartbeat by slug", err, monitor.Conflict)
		if _, _, err = d.PutHeartbeat(m.Context(), m.actors["dan"], "h1", edit("renamed")); err != nil {
			m.Errorf("a change of one that exists: %v", err)
		}
		if err := d.DeleteHeartbeat(m.Context(), m.actors["dan"], last.ID); err != nil {
			m.Fatal(err)
		}
		if _, err := d.CreateHeartbeat(m.Context(), m.actors["dan"], edit("h5")); err != nil {
			m.Errorf("in place of one that was deleted: %v", err)
		}
		_, err = d.RestoreHeartbeat(m.Context(), m.actors["dan"], last.ID, false)
		m.requireKind("a fourth that was deleted", err, monitor.Conflict)

		m.Update(func(tx *store.Tx) error {
			for n := range 200 {
				if _, err := tx.AddAPIKey(monitor.APIKey{Project: ada.Project.Key, Name: "k", Created: time.Now()}, fmt.Sprint(n)); err != nil {
					return err
				}
				if _, err := tx.AddChannel(monitor.Channel{Project: ada.Project.Key, Kind: "webhook", Name: "c", Created: time.Now()}); err != nil {
					return err
				}
			}
			for n := range 100 {
				p, err := tx.AddProject(monitor.Project{Slug: fmt.Sprint("p", n), Name: "p", Zone: "UTC", Created: time.Now()})
				if err != nil {
					return err
				}
				if err := tx.SetMember(p.Key, m.actors["bob"].Person, auth.Owner, time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		_, _, err = d.CreateKey(m.Context(), ada, "k", true)
		m.requireKind("key 201", err, monitor.Conflict)
		_, err = d.CreateChannel(m.Context(), ada, manage.ChannelEdit{Kind: new("webhook"), Name: new("c"), Settings: map[string]any{"url": "https://example.com/"}})
		m.requireKind("channel 201", err, monitor.Conflict)
		_, err = d.CreateProject(m.Context(), m.actors["bob"], "one more", "UTC")
		m.requireKind("owned project 101", err, monitor.Conflict)
		if _, err = d.CreateProject(m.Context(), ada, "one more", "UTC"); err != nil {
			m.Errorf("a project of another person: %v", err)
		}
	})
}
