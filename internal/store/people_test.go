package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// addPerson adds a person.
func (w *fixture) addPerson(name string) monitor.Person {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (monitor.Person, error) {
		return tx.AddPerson(monitor.Person{Email: name + "@Example.com", Name: name, Created: w.start}, "hash of "+name)
	})
}

// lookup is the result of a query for at most one row.
type lookup[T any] struct {
	Value T
	Found bool
}

// lookUp returns the result of fn.
func lookUp[T any](w *fixture, fn func(tx *store.Tx) (T, bool, error)) lookup[T] {
	w.Helper()
	return view(w, func(tx *store.Tx) (f lookup[T], err error) {
		f.Value, f.Found, err = fn(tx)
		return f, err
	})
}

func TestPersonByEmail_IgnoresCase(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		for _, email := range []string{"ada@example.com", "ADA@EXAMPLE.COM", "ada@Example.com"} {
			w.update(func(tx *store.Tx) error {
				p, hash, found, err := tx.PersonByEmail(email)
				if diff := cmp.Diff(ada, p); diff != "" || hash != "hash of ada" || !found {
					w.Errorf("%s: %s, %t: %s", email, hash, found, diff)
				}
				return err
			})
		}
		err := w.db.Update(w.Context(), func(tx *store.Tx) error {
			_, err := tx.AddPerson(monitor.Person{Email: "Ada@example.COM", Name: "other", Created: w.start}, "x")
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("second account with the address: %v; want ErrTaken", err)
		}
		if p := lookUp(w, func(tx *store.Tx) (monitor.Person, bool, error) { return tx.Person("nobody") }); p.Found {
			w.Errorf("found %+v", p)
		}
		if n := view(w, (*store.Tx).CountPeople); n != 1 {
			w.Errorf("%d people; want 1", n)
		}
	})
}

func TestRenamePerson_ChangesNameAndPassword(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada, bob := w.addPerson("ada"), w.addPerson("bob")
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.RenamePerson(ada.ID, "Ada L."), tx.SetPassword(ada.ID, "new"))
		})
		got := view(w, func(tx *store.Tx) ([]string, error) {
			a, err := tx.Password(ada.ID)
			b, err2 := tx.Password(bob.ID)
			p, _, err3 := tx.Person(ada.ID)
			return []string{a, b, p.Name}, errors.Join(err, err2, err3)
		})
		if diff := cmp.Diff([]string{"new", "hash of bob", "Ada L."}, got); diff != "" {
			w.Error(diff)
		}
		w.expectFault(w.db.View(w.Context(), func(tx *store.Tx) error {
			_, err := tx.Password("nobody")
			return err
		}), monitor.NotFound)
	})
}

func TestSetMember_AMemberHasOneRolePerProject(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada, bob, other := w.addPerson("ada"), w.addPerson("bob"), w.addProject("another")
		w.update(func(tx *store.Tx) error {
			return errors.Join(
				tx.SetMember(w.project.Key, ada.ID, monitor.Viewer, w.start), tx.SetMember(w.project.Key, ada.ID, monitor.Admin, w.start),
				tx.SetMember(other.Key, ada.ID, monitor.Owner, w.start), tx.SetMember(w.project.Key, bob.ID, monitor.Member, w.start),
			)
		})
		memberships := func(p monitor.Person) []monitor.Membership {
			return view(w, func(tx *store.Tx) ([]monitor.Membership, error) { return tx.Memberships(p.ID) })
		}
		if diff := cmp.Diff([]monitor.Membership{{Project: other, Role: monitor.Owner}, {Project: w.project, Role: monitor.Admin}}, memberships(ada)); diff != "" {
			w.Errorf("memberships (-want +got):\n%s", diff)
		}
		team := view(w, func(tx *store.Tx) ([]monitor.ProjectMember, error) { return tx.Members(w.project.Key) })
		if diff := cmp.Diff([]monitor.ProjectMember{{Person: ada, Role: monitor.Admin}, {Person: bob, Role: monitor.Member}}, team); diff != "" {
			w.Errorf("members (-want +got):\n%s", diff)
		}
		w.update(func(tx *store.Tx) error { return tx.RemoveMember(w.project.Key, ada.ID) })
		if got := memberships(ada); len(got) != 1 || got[0].Role != monitor.Owner {
			w.Errorf("after leaving one project: %+v", got)
		}
	})
}

func TestDeleteProject_DeletesEverythingThatActs(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada, other := w.addPerson("ada"), w.addProject("another")
		c := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		w.update(func(tx *store.Tx) error {
			_, err := tx.AddAPIKey(monitor.APIKey{Project: w.project.Key, Name: "k", Created: w.start}, "hash")
			_, err2 := tx.AddInvitation(monitor.Invitation{Project: w.project.Key, Email: "b@example.com", Role: monitor.Viewer, Created: w.start, ExpiresAt: w.at(time.Hour)}, "token")
			return errors.Join(err, err2, tx.SetMember(w.project.Key, ada.ID, monitor.Owner, w.start), tx.SetMember(other.Key, ada.ID, monitor.Owner, w.start))
		})
		w.update(func(tx *store.Tx) error { return tx.DeleteProject(w.project, w.at(time.Hour)) })
		projects := view(w, (*store.Tx).Projects)
		if diff := cmp.Diff([]monitor.Project{other}, projects); diff != "" {
			w.Errorf("projects (-want +got):\n%s", diff)
		}
		if got := view(w, func(tx *store.Tx) ([]monitor.Membership, error) { return tx.Memberships(ada.ID) }); len(got) != 1 {
			w.Errorf("memberships %+v; want one", got)
		}
		if key := lookUp(w, func(tx *store.Tx) (monitor.APIKey, bool, error) { return tx.APIKeyByHash("hash") }); key.Found {
			w.Error("its key still works")
		}
		if inv := lookUp(w, func(tx *store.Tx) (monitor.Invitation, bool, error) { return tx.Invitation("token", w.at(time.Minute)) }); inv.Found {
			w.Error("its invitation still works")
		}
		if pinged := updateValue(w, func(tx *store.Tx) (map[string]monitor.Heartbeat, error) { return tx.HeartbeatsForPings([]string{h.ID}) }); len(pinged) != 0 {
			w.Error("its heartbeat can still be pinged")
		}
		if due := updateValue(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.DueForEvaluation(w.at(1000*time.Hour), 10) }); len(due) != 0 {
			w.Errorf("%d heartbeats are still due for evaluation", len(due))
		}
		if got := w.claimAlerts(c, "n", 2*time.Hour, 3*time.Hour, 10); len(got) != 0 {
			w.Errorf("%d channels still have pending alerts", len(got))
		}
		gone := view(w, func(tx *store.Tx) (monitor.Incident, error) { return tx.Incident(w.project.Key, i.ID) })
		if gone.State() != monitor.StateResolved || gone.Resolution != monitor.ResolvedByDelete {
			w.Errorf("its incident is %s by %q", gone.State(), gone.Resolution)
		}
		// Pending alerts name a deleted project.
		if p := view(w, func(tx *store.Tx) (monitor.Project, error) { return tx.Project(w.project.Key) }); p.Name != w.project.Name {
			w.Errorf("the name is %q", p.Name)
		}
		w.expectFault(w.db.Update(w.Context(), func(tx *store.Tx) error { return tx.LockProject(w.project.Key) }), monitor.NotFound)
	})
}

func TestLockProject_SerializesTeamChanges(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		ada, bob := w.addPerson("ada"), w.addPerson("bob")
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.SetMember(w.project.Key, ada.ID, monitor.Owner, w.start), tx.SetMember(w.project.Key, bob.ID, monitor.Owner, w.start))
		})
		done, other := make(chan bool), w.onNode(w.open())
		leave := func(tx *store.Tx, who monitor.Person, meanwhile func()) error {
			if err := tx.LockProject(w.project.Key); err != nil {
				return err
			}
			team, err := tx.Members(w.project.Key)
			if err != nil || len(team) < 2 {
				return err // the last one stays
			}
			meanwhile()
			return tx.RemoveMember(w.project.Key, who.ID)
		}
		w.update(func(tx *store.Tx) error {
			return leave(tx, bob, func() {
				go other.updateConcurrently(done, func(tx *store.Tx) error { return leave(tx, ada, func() {}) })
				select {
				case <-done:
					w.Error("the other transaction did not wait")
				case <-time.After(200 * time.Millisecond):
				}
			})
		})
		<-done
		if team := view(w, func(tx *store.Tx) ([]monitor.ProjectMember, error) { return tx.Members(w.project.Key) }); len(team) != 1 {
			w.Errorf("%d members are left; want 1", len(team))
		}
	})
}

// invite adds an invitation for an hour.
func (w *fixture) invite(email, hash string, d time.Duration) monitor.Invitation {
	w.Helper()
	return updateValue(w, func(tx *store.Tx) (monitor.Invitation, error) {
		return tx.AddInvitation(monitor.Invitation{
			Project: w.project.Key, Email: email, Role: monitor.Admin, InvitedBy: "Ada", InvitedByID: "ada", Created: w.at(d), ExpiresAt: w.at(d + time.Hour),
		}, hash)
	})
}

// findInvitation returns the invitation with a hash at a time.
func (w *fixture) findInvitation(hash string, d time.Duration) lookup[monitor.Invitation] {
	w.Helper()
	return lookUp(w, func(tx *store.Tx) (monitor.Invitation, bool, error) { return tx.Invitation(hash, w.at(d)) })
}

func TestUseInvitation_WorksOnceUntilTheInvitationExpires(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		i := w.invite("bob@example.com", "h1", 0)
		if got := w.findInvitation("h1", time.Hour-1000); !got.Found || cmp.Diff(i, got.Value) != "" {
			w.Errorf("found %t: %s", got.Found, cmp.Diff(i, got.Value))
		}
		if w.findInvitation("h1", time.Hour).Found || w.findInvitation("other", 0).Found {
			w.Error("found an expired or unknown invitation")
		}
		for n, want := range []bool{true, false} {
			if used := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.UseInvitation(i.ID) }); used != want {
				w.Errorf("use %d: %t; want %t", n+1, used, want)
			}
		}
		if w.findInvitation("h1", 0).Found {
			w.Error("found after its use")
		}
	})
}

func TestAddInvitation_ReplacesTheEarlierOneOfTheAddress(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.invite("Bob@Example.com", "h1", 0)
		w.invite("bob@example.COM", "h2", time.Minute)
		w.invite("eve@example.com", "h3", time.Minute)
		if w.findInvitation("h1", time.Minute).Found || !w.findInvitation("h2", time.Minute).Found {
			w.Error("want the first one replaced by the second")
		}
		list := func(d time.Duration) int {
			return len(view(w, func(tx *store.Tx) ([]monitor.Invitation, error) { return tx.Invitations(w.project.Key, w.at(d)) }))
		}
		if now, later := list(time.Minute), list(2*time.Hour); now != 2 || later != 0 {
			w.Errorf("%d invitations now and %d after all ended; want 2 and 0", now, later)
		}
		w.update(func(tx *store.Tx) error { return tx.DeleteInvitationsBy(w.project.Key, "ada") })
		if n := list(time.Minute); n != 0 {
			w.Errorf("%d invitations after those of ada were deleted", n)
		}
	})
}

func TestLockPassword_APasswordChangeSeesEverySession(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		for range 20 {
			var before string
			started, replaced := make(chan struct{}), make(chan error)
			w.update(func(tx *store.Tx) (err error) {
				before, err = tx.LockPassword(ada.ID)
				return err
			})
			err := w.db.Update(w.Context(), func(tx *store.Tx) error {
				hash, err := tx.LockPassword(ada.ID)
				if err != nil || hash != before {
					return err
				}
				go func() {
					close(started)
					replaced <- w.db.Update(w.Context(), func(tx *store.Tx) error {
						if err := tx.SetPassword(ada.ID, before+"x"); err != nil {
							return err
						}
						return tx.EndOtherSessions(ada.ID, "")
					})
				}()
				<-started
				for range 30 { // long enough for the other one, if it did not have to wait
					if _, err := tx.CountPeople(); err != nil {
						return err
					}
				}
				s := monitor.Session{ID: before, Person: ada.ID, Created: w.start, LastSeen: w.start, ExpiresAt: w.at(time.Hour)}
				return tx.AddSession(s, before, "{}")
			})
			if err != nil {
				w.Fatal(err)
			}
			if err := <-replaced; err != nil {
				w.Fatal(err)
			}
			if left := w.sessionIDs(ada, 0); len(left) > 0 {
				w.Fatalf("%v is still valid after the password change", left)
			}
		}
	})
}
