package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// someone adds a person.
func (w *world) someone(name string) monitor.Person {
	w.Helper()
	return made(w, func(tx *store.Tx) (monitor.Person, error) {
		return tx.AddPerson(monitor.Person{Email: name + "@Example.com", Name: name, Created: w.start}, "hash of "+name)
	})
}

// found is what a fetch returned that says whether there was something.
type found[T any] struct {
	Value T
	Found bool
}

// sought returns what fn finds.
func sought[T any](w *world, fn func(tx *store.Tx) (T, bool, error)) found[T] {
	w.Helper()
	return seen(w, func(tx *store.Tx) (f found[T], err error) {
		f.Value, f.Found, err = fn(tx)
		return f, err
	})
}

func TestAPersonIsFoundByAddressWhateverItsCase(t *testing.T) {
	onEach(t, func(w *world) {
		ada := w.someone("ada")
		for _, email := range []string{"ada@example.com", "ADA@EXAMPLE.COM", "ada@Example.com"} {
			w.update(func(tx *store.Tx) error {
				p, hash, found, err := tx.PersonAt(email)
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
			w.Errorf("a second account of one address: %v; want it taken", err)
		}
		if p := sought(w, func(tx *store.Tx) (monitor.Person, bool, error) { return tx.Person("nobody") }); p.Found {
			w.Errorf("found %+v", p)
		}
		if n := seen(w, (*store.Tx).People); n != 1 {
			w.Errorf("%d people; want 1", n)
		}
	})
}

func TestNameAndPasswordChange(t *testing.T) {
	onEach(t, func(w *world) {
		ada, bob := w.someone("ada"), w.someone("bob")
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.RenamePerson(ada.ID, "Ada L."), tx.SetPassword(ada.ID, "new"))
		})
		got := seen(w, func(tx *store.Tx) ([]string, error) {
			a, err := tx.Password(ada.ID)
			b, err2 := tx.Password(bob.ID)
			p, _, err3 := tx.Person(ada.ID)
			return []string{a, b, p.Name}, errors.Join(err, err2, err3)
		})
		if diff := cmp.Diff([]string{"new", "hash of bob", "Ada L."}, got); diff != "" {
			w.Error(diff)
		}
		w.wrong(w.db.View(w.Context(), func(tx *store.Tx) error {
			_, err := tx.Password("nobody")
			return err
		}), monitor.Missing)
	})
}

func TestMembershipIsPerProjectAndHasOneRole(t *testing.T) {
	onEach(t, func(w *world) {
		ada, bob, other := w.someone("ada"), w.someone("bob"), w.addProject("another")
		w.update(func(tx *store.Tx) error {
			return errors.Join(
				tx.SetMember(w.project.Key, ada.ID, monitor.Viewer, w.start), tx.SetMember(w.project.Key, ada.ID, monitor.Admin, w.start),
				tx.SetMember(other.Key, ada.ID, monitor.Owner, w.start), tx.SetMember(w.project.Key, bob.ID, monitor.Member, w.start),
			)
		})
		memberships := func(p monitor.Person) []monitor.Membership {
			return seen(w, func(tx *store.Tx) ([]monitor.Membership, error) { return tx.Memberships(p.ID) })
		}
		if diff := cmp.Diff([]monitor.Membership{{Project: other, Role: monitor.Owner}, {Project: w.project, Role: monitor.Admin}}, memberships(ada)); diff != "" {
			w.Errorf("memberships (-want +got):\n%s", diff)
		}
		team := seen(w, func(tx *store.Tx) ([]monitor.ProjectMember, error) { return tx.Members(w.project.Key) })
		if diff := cmp.Diff([]monitor.ProjectMember{{Person: ada, Role: monitor.Admin}, {Person: bob, Role: monitor.Member}}, team); diff != "" {
			w.Errorf("members (-want +got):\n%s", diff)
		}
		w.update(func(tx *store.Tx) error { return tx.RemoveMember(w.project.Key, ada.ID) })
		if got := memberships(ada); len(got) != 1 || got[0].Role != monitor.Owner {
			w.Errorf("after leaving one project: %+v", got)
		}
	})
}

func TestADeletedProjectKeepsNothingThatActs(t *testing.T) {
	onEach(t, func(w *world) {
		ada, other := w.someone("ada"), w.addProject("another")
		c := w.channel(w.newChannel("ops"))
		h := w.heartbeat("backup")
		i := w.down(h, time.Minute)
		w.update(func(tx *store.Tx) error {
			_, err := tx.AddKey(monitor.APIKey{Project: w.project.Key, Name: "k", Created: w.start}, "hash")
			_, err2 := tx.AddInvitation(monitor.Invitation{Project: w.project.Key, Email: "b@example.com", Role: monitor.Viewer, Created: w.start, Ends: w.at(time.Hour)}, "token")
			return errors.Join(err, err2, tx.SetMember(w.project.Key, ada.ID, monitor.Owner, w.start), tx.SetMember(other.Key, ada.ID, monitor.Owner, w.start))
		})
		w.update(func(tx *store.Tx) error { return tx.DeleteProject(w.project, w.at(time.Hour)) })
		projects := seen(w, (*store.Tx).Projects)
		if diff := cmp.Diff([]monitor.Project{other}, projects); diff != "" {
			w.Errorf("projects (-want +got):\n%s", diff)
		}
		if got := seen(w, func(tx *store.Tx) ([]monitor.Membership, error) { return tx.Memberships(ada.ID) }); len(got) != 1 {
			w.Errorf("memberships %+v; want one", got)
		}
		if key := sought(w, func(tx *store.Tx) (monitor.APIKey, bool, error) { return tx.Key("hash") }); key.Found {
			w.Error("its key still works")
		}
		if inv := sought(w, func(tx *store.Tx) (monitor.Invitation, bool, error) { return tx.Invitation("token", w.at(time.Minute)) }); inv.Found {
			w.Error("its invitation still works")
		}
		if pinged := made(w, func(tx *store.Tx) (map[string]monitor.Heartbeat, error) { return tx.Pinged([]string{h.ID}) }); len(pinged) != 0 {
			w.Error("its heartbeat can still be pinged")
		}
		if due := made(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Lapsing(w.at(1000*time.Hour), 10) }); len(due) != 0 {
			w.Errorf("%d heartbeats are still judged", len(due))
		}
		if got := w.claim(c, "n", 2*time.Hour, 3*time.Hour, 10); len(got) != 0 {
			w.Errorf("%d alerts are still owed", len(got))
		}
		gone := seen(w, func(tx *store.Tx) (monitor.Incident, error) { return tx.Incident(w.project.Key, i.ID) })
		if gone.State() != monitor.Resolved || gone.Resolution != monitor.Deleted {
			w.Errorf("its incident is %s by %q", gone.State(), gone.Resolution)
		}
		// What is still being told names it.
		if p := seen(w, func(tx *store.Tx) (monitor.Project, error) { return tx.Project(w.project.Key) }); p.Name != w.project.Name {
			w.Errorf("it is called %q", p.Name)
		}
		w.wrong(w.db.Update(w.Context(), func(tx *store.Tx) error { return tx.LockProject(w.project.Key) }), monitor.Missing)
	})
}

func TestOnlyOneAtATimeChangesATeam(t *testing.T) {
	onEachAwake(t, func(w *world) {
		ada, bob := w.someone("ada"), w.someone("bob")
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.SetMember(w.project.Key, ada.ID, monitor.Owner, w.start), tx.SetMember(w.project.Key, bob.ID, monitor.Owner, w.start))
		})
		done, other := make(chan bool), w.from(w.open())
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
				go other.beside(done, func(tx *store.Tx) error { return leave(tx, ada, func() {}) })
				select {
				case <-done:
					w.Error("the other did not wait")
				case <-time.After(200 * time.Millisecond):
				}
			})
		})
		<-done
		if team := seen(w, func(tx *store.Tx) ([]monitor.ProjectMember, error) { return tx.Members(w.project.Key) }); len(team) != 1 {
			w.Errorf("%d members are left; want 1", len(team))
		}
	})
}
