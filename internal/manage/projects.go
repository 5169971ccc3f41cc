package manage

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// zone returns the name that a time zone has today.
func (f *faults) zone(field, name string) string {
	canonical, err := schedule.Zone(name)
	if err != nil {
		f.wrong(field, "%s.", err)
	}
	return canonical
}

// ChangeProject gives the actor's project a name and a time zone. madeOn are
// versions that it may replace, see [ProjectVersion]; any when there are none.
func (d *Desk) ChangeProject(ctx context.Context, a auth.Actor, name, zone string, madeOn ...string) error {
	if err := may(a, auth.ChangeProject); err != nil {
		return err
	}
	f := &faults{}
	wanted := a.Project
	wanted.Name, wanted.Zone = f.line("name", "name", name, longestName), f.zone("timezone", zone)
	if err := f.err(); err != nil {
		return err
	}
	now := stamp()
	return d.change(ctx, func(tx *store.Tx) (stir, error) {
		if _, err := acting(tx, a, auth.ChangeProject, now); err != nil {
			return stir{}, err
		}
		before, err := tx.Project(a.Project.Key)
		if err != nil {
			return stir{}, err
		}
		if err := stale(ProjectVersion(before), madeOn); err != nil {
			return stir{}, err
		}
		var parts []string
		if before.Name != wanted.Name {
			parts = append(parts, fmt.Sprintf("name “%s” to “%s”", before.Name, wanted.Name))
		}
		if before.Zone != wanted.Zone {
			parts = append(parts, "time zone "+before.Zone+" to "+wanted.Zone)
		}
		if len(parts) == 0 {
			return stir{}, nil
		}
		if err := tx.SaveProject(wanted); err != nil {
			return stir{}, err
		}
		return stir{}, note(tx, a, now, deed{"project.change", wanted.Name, strings.Join(parts, "; ")})
	})
}

// CreateProject makes another project, which the actor owns. Whoever may change
// the project they are in may do so.
func (d *Desk) CreateProject(ctx context.Context, a auth.Actor, name, zone string) (p monitor.Project, err error) {
	if err := may(a, auth.ChangeProject); err != nil {
		return p, err
	}
	f := &faults{}
	name, zone = f.line("name", "name", name, longestName), f.zone("timezone", zone)
	if err := f.err(); err != nil {
		return p, err
	}
	now, try := stamp(), 0
	err = d.change(ctx, func(tx *store.Tx) (stir, error) {
		try++
		if err := mayOwnMore(tx, a, now); err != nil {
			return stir{}, err
		}
		slug := slugOf(name)
		if slug == "heartbeat" {
			slug = "project"
		}
		if try > 1 { // somebody has it, or had it before it was deleted
			slug += "-" + strings.ToLower(rand.Text()[:6])
		}
		if p, err = tx.AddProject(monitor.Project{Slug: slug, Name: name, Zone: zone, Created: now}); err != nil {
			return stir{}, err
		}
		if a.Person != "" {
			if err := tx.SetMember(p.Key, a.Person, auth.Owner, now); err != nil {
				return stir{}, err
			}
		}
		there := a
		there.Project = p
		return stir{}, note(tx, there, now, deed{action: "project.create", target: name})
	})
	return p, err
}

// mayOwnMore returns a fault when a person owns as many projects as they may.
func mayOwnMore(tx *store.Tx, a auth.Actor, now time.Time) error {
	if _, err := acting(tx, a, auth.ChangeProject, now); err != nil || a.Person == "" {
		return err
	}
	owned := 0
	memberships, err := tx.Memberships(a.Person)
	for _, m := range memberships {
		if m.Role == auth.Owner {
			owned++
		}
	}
	if err == nil && owned >= maxOwnedProjects {
		err = atMost("name", maxOwnedProjects, "projects that you own", "Delete one that is no longer needed.")
	}
	return err
}

// DeleteProject ends the actor's project with all that is in it, once its name
// was typed. It must not be the actor's last.
func (d *Desk) DeleteProject(ctx context.Context, a auth.Actor, typed string) error {
	if err := may(a, auth.DeleteProject); err != nil {
		return err
	}
	if strings.TrimSpace(typed) != a.Project.Name {
		return monitor.Faults{monitor.Wrong(monitor.Invalid, "confirm", "Type the name of the project, “%s”, to delete it.", a.Project.Name)}
	}
	now := stamp()
	return d.change(ctx, func(tx *store.Tx) (stir, error) {
		if _, err := acting(tx, a, auth.DeleteProject, now); err != nil {
			return stir{}, err
		}
		last, err := isLast(tx, a)
		if err != nil {
			return stir{}, err
		}
		if last {
			return stir{}, monitor.Wrong(monitor.Conflict, "", "This is your last project: create another one first.")
		}
		if err := tx.DeleteProject(a.Project, now); err != nil {
			return stir{}, err
		}
		return stir{}, note(tx, a, now, deed{action: "project.delete", target: a.Project.Name})
	})
}

// isLast reports whether the actor would be left without a project.
func isLast(tx *store.Tx, a auth.Actor) (bool, error) {
	if a.Person == "" {
		all, err := tx.Projects()
		return len(all) < 2, err
	}
	mine, err := tx.Memberships(a.Person)
	return len(mine) < 2, err
}
