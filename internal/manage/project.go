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

// timeZone returns the name that a time zone has today.
func (f *validator) timeZone(field, name string) string {
	canonical, err := schedule.CanonicalZone(name)
	if err != nil {
		f.reject(field, "%s.", err)
	}
	return canonical
}

// ChangeProject gives the actor's project a name and a time zone. madeOn are
// versions that it may replace, see [ProjectVersion]; any when there are none.
func (d *Service) ChangeProject(ctx context.Context, a auth.Actor, name, zone string, madeOn ...string) error {
	if err := authorize(a, auth.ChangeProject); err != nil {
		return err
	}
	f := &validator{}
	wanted := a.Project
	wanted.Name, wanted.Zone = f.singleLine("name", "name", name, maxNameLength), f.timeZone("timezone", zone)
	if err := f.err(); err != nil {
		return err
	}
	now := currentTime()
	return d.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.ChangeProject, now); err != nil {
			return effects{}, err
		}
		before, err := tx.Project(a.Project.Key)
		if err != nil {
			return effects{}, err
		}
		if err := checkVersion(ProjectVersion(before), madeOn); err != nil {
			return effects{}, err
		}
		var parts []string
		if before.Name != wanted.Name {
			parts = append(parts, fmt.Sprintf("name “%s” to “%s”", before.Name, wanted.Name))
		}
		if before.Zone != wanted.Zone {
			parts = append(parts, "time zone "+before.Zone+" to "+wanted.Zone)
		}
		if len(parts) == 0 {
			return effects{}, nil
		}
		if err := tx.SaveProject(wanted); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"project.change", wanted.Name, strings.Join(parts, "; ")})
	})
}

// CreateProject makes another project, which the actor owns. Whoever may change
// the project they are in may do so.
func (d *Service) CreateProject(ctx context.Context, a auth.Actor, name, zone string) (p monitor.Project, err error) {
	if err := authorize(a, auth.ChangeProject); err != nil {
		return p, err
	}
	f := &validator{}
	name, zone = f.singleLine("name", "name", name, maxNameLength), f.timeZone("timezone", zone)
	if err := f.err(); err != nil {
		return p, err
	}
	now, try := currentTime(), 0
	err = d.update(ctx, func(tx *store.Tx) (effects, error) {
		try++
		if err := checkProjectLimit(tx, a, now); err != nil {
			return effects{}, err
		}
		slug := slugFromName(name)
		if slug == "heartbeat" {
			slug = "project"
		}
		if try > 1 { // somebody has it, or had it before it was deleted
			slug += "-" + strings.ToLower(rand.Text()[:6])
		}
		if p, err = tx.AddProject(monitor.Project{Slug: slug, Name: name, Zone: zone, Created: now}); err != nil {
			return effects{}, err
		}
		if a.Person != "" {
			if err := tx.SetMember(p.Key, a.Person, auth.Owner, now); err != nil {
				return effects{}, err
			}
		}
		there := a
		there.Project = p
		return effects{}, writeAudit(tx, there, now, auditEntry{action: "project.create", target: name})
	})
	return p, err
}

// checkProjectLimit returns a fault when a person owns as many projects as they may.
func checkProjectLimit(tx *store.Tx, a auth.Actor, now time.Time) error {
	if _, err := reauthorize(tx, a, auth.ChangeProject, now); err != nil || a.Person == "" {
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
		err = limitReached("name", maxOwnedProjects, "projects that you own", "Delete one that is no longer needed.")
	}
	return err
}

// DeleteProject ends the actor's project with all that is in it, once its name
// was typed. It must not be the actor's last.
func (d *Service) DeleteProject(ctx context.Context, a auth.Actor, typed string) error {
	if err := authorize(a, auth.DeleteProject); err != nil {
		return err
	}
	if strings.TrimSpace(typed) != a.Project.Name {
		return monitor.Faults{monitor.Faultf(monitor.Invalid, "confirm", "Type the name of the project, “%s”, to delete it.", a.Project.Name)}
	}
	now := currentTime()
	return d.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.DeleteProject, now); err != nil {
			return effects{}, err
		}
		last, err := isLastProject(tx, a)
		if err != nil {
			return effects{}, err
		}
		if last {
			return effects{}, monitor.Faultf(monitor.Conflict, "", "This is your last project: create another one first.")
		}
		if err := tx.DeleteProject(a.Project, now); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{action: "project.delete", target: a.Project.Name})
	})
}

// isLastProject reports whether the actor would be left without a project.
func isLastProject(tx *store.Tx, a auth.Actor) (bool, error) {
	if a.Person == "" {
		all, err := tx.Projects()
		return len(all) < 2, err
	}
	mine, err := tx.Memberships(a.Person)
	return len(mine) < 2, err
}
