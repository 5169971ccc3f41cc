package manage

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// timeZone returns the canonical name of a time zone.
func (v *validator) timeZone(field, name string) string {
	canonical, err := schedule.CanonicalZone(name)
	if err != nil {
		v.reject(field, "%s.", err)
	}
	return canonical
}

// ChangeProject sets the name and the time zone of the actor's project. ifVersion lists the
// versions that the change may replace, see [ProjectVersion]; empty: any.
func (svc *Service) ChangeProject(ctx context.Context, a auth.Actor, name, zone string, madeOn ...string) error {
	if err := authorize(a, auth.ChangeProject); err != nil {
		return err
	}
	v := &validator{}
	wanted := a.Project
	wanted.Name, wanted.Zone = v.singleLine("name", "name", name, maxNameLength), v.timeZone("timezone", zone)
	if err := v.err(); err != nil {
		return err
	}
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (effects, error) {
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

// CreateProject creates a project that the actor owns. It requires the right to change the
// current project.
func (svc *Service) CreateProject(ctx context.Context, a auth.Actor, name, zone string) (p monitor.Project, err error) {
	if err := authorize(a, auth.ChangeProject); err != nil {
		return p, err
	}
	v := &validator{}
	name, zone = v.singleLine("name", "name", name, maxNameLength), v.timeZone("timezone", zone)
	if err := v.err(); err != nil {
		return p, err
	}
	now, try := svc.currentTime(), 0
	err = svc.update(ctx, func(tx *store.Tx) (effects, error) {
		try++
		if err := checkProjectLimit(tx, a, now); err != nil {
			return effects{}, err
		}
		slug := SlugFromName(name)
		if slug == "heartbeat" {
			slug = "project"
		}
		if try > 1 { // another project has it, or had it before it was deleted
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

// checkProjectLimit returns a fault if a person owns the maximum number of projects.
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
		err = limitReached("name", maxOwnedProjects, "projects that you own", "Delete one that you no longer need.")
	}
	return err
}

// DeleteProject deletes the actor's project with its content. typed must be its name. The
// last project of the actor cannot be deleted.
func (svc *Service) DeleteProject(ctx context.Context, a auth.Actor, typed string) error {
	if err := authorize(a, auth.DeleteProject); err != nil {
		return err
	}
	if strings.TrimSpace(typed) != a.Project.Name {
		return monitor.Faults{monitor.Faultf(monitor.Invalid, "confirm", "Enter the name of the project, “%s”, to delete it.", a.Project.Name)}
	}
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.DeleteProject, now); err != nil {
			return effects{}, err
		}
		last, err := isLastProject(tx, a)
		if err != nil {
			return effects{}, err
		}
		if last {
			return effects{}, monitor.Faultf(monitor.Conflict, "", "You cannot delete your last project: create another one first.")
		}
		if err := tx.DeleteProject(a.Project, now); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{action: "project.delete", target: a.Project.Name})
	})
}

// isLastProject reports whether the actor would have no project left.
func isLastProject(tx *store.Tx, a auth.Actor) (bool, error) {
	if a.Person == "" {
		all, err := tx.Projects()
		return len(all) < 2, err
	}
	mine, err := tx.Memberships(a.Person)
	return len(mine) < 2, err
}

// ProjectCounts are the counts that the pages of a project show around their content.
type ProjectCounts struct {
	store.NavCounts
	StatusCounts
	DuePerMinute [60]int // pings due in each minute from the given time
	Newest       NewestKeys
}

// ProjectCounts reads the counts of the actor's project.
func (svc *Service) ProjectCounts(ctx context.Context, a auth.Actor, now time.Time) (c ProjectCounts, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return c, err
	}
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		if c.NavCounts, err = tx.NavCounts(a.Project.Key); err != nil {
			return err
		}
		if c.StatusCounts, err = tx.StatusCounts(a.Project.Key); err != nil {
			return err
		}
		if c.Newest, err = tx.NewestIDs(a.Project.Key); err != nil {
			return err
		}
		c.DuePerMinute, err = tx.ExpectedByMinute(a.Project.Key, now)
		return err
	})
	return c, err
}

// NavCounts are the counts that every page of a person shows.
type NavCounts struct {
	store.NavCounts               // of the actor's project
	Heartbeats      map[int64]int // number of heartbeats of each project of the person, by project key
}

// NavCounts reads the counts that every page of a person shows.
func (svc *Service) NavCounts(ctx context.Context, a auth.Actor) (s NavCounts, err error) {
	err = svc.db.ViewLists(ctx, func(tx *store.Tx) (err error) {
		if s.Heartbeats, err = tx.HeartbeatCountsByProject(a.Person); err != nil || !a.May(auth.Read) {
			return err
		}
		s.NavCounts, err = tx.NavCounts(a.Project.Key)
		return err
	})
	return s, err
}

// ProjectOf returns the key of the project that an object belongs to. kind is heartbeats,
// incidents or channels, as in the path. It serves to find the project of a request, so it
// checks no right: the caller must not reveal the result to a person outside that project.
func (svc *Service) ProjectOf(ctx context.Context, things, id string) (project int64, found bool, err error) {
	if !isSearchable(id) {
		return 0, false, nil
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		project, found, err = tx.ProjectOf(things, id)
		return err
	})
	return project, found, err
}

// keyPrefixLength is the number of bytes of a key that are stored to recognise it. They contain 20 of
// the 200 random bits.
const keyPrefixLength = 8

// CreateKey creates an API key for the actor's project. Only this result contains the
// secret; it is not stored.
func (svc *Service) CreateKey(ctx context.Context, a auth.Actor, name string, readOnly bool) (key monitor.APIKey, secret string, err error) {
	if err := authorize(a, auth.ManageKeys); err != nil {
		return key, "", err
	}
	v := &validator{}
	name = v.singleLine("name", "name", name, maxNameLength)
	if err := v.err(); err != nil {
		return key, "", err
	}
	secret = auth.NewKey()
	now := svc.currentTime()
	err = svc.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.ManageKeys, now); err != nil {
			return effects{}, err
		}
		keys, err := tx.APIKeys(a.Project.Key)
		if err == nil && len(keys) >= maxKeys {
			err = limitReached("name", maxKeys, "API keys", "Revoke one that is no longer used.")
		}
		if err != nil {
			return effects{}, err
		}
		key, err = tx.AddAPIKey(monitor.APIKey{
			Project: a.Project.Key, Name: name, Prefix: secret[:keyPrefixLength], CreatedBy: a.Name, CreatedByID: a.Person, ReadOnly: readOnly, Created: now,
		}, auth.HashKey(secret))
		if err != nil {
			return effects{}, err
		}
		access := "read-write"
		if readOnly {
			access = "read-only"
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"key.create", name, access})
	})
	if err != nil {
		return key, "", err
	}
	return key, secret, nil
}

// APIKeys lists the active API keys of the actor's project, newest first.
func (svc *Service) APIKeys(ctx context.Context, a auth.Actor) (keys []monitor.APIKey, err error) {
	if err := authorize(a, auth.ManageKeys); err != nil {
		return nil, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.APIKeys(a.Project.Key)
		return err
	})
	return keys, err
}

// RevokeKey revokes an API key of the actor's project at once and permanently.
func (svc *Service) RevokeKey(ctx context.Context, a auth.Actor, id string) error {
	if err := authorize(a, auth.ManageKeys); err != nil {
		return err
	}
	now := svc.currentTime()
	return svc.update(ctx, func(tx *store.Tx) (effects, error) {
		if _, err := reauthorize(tx, a, auth.ManageKeys, now); err != nil {
			return effects{}, err
		}
		keys, err := tx.APIKeys(a.Project.Key)
		if err != nil {
			return effects{}, err
		}
		at := slices.IndexFunc(keys, func(k monitor.APIKey) bool { return k.ID == id })
		if at < 0 {
			return effects{}, notFound("API key")
		}
		if _, err := tx.RevokeAPIKey(a.Project.Key, id, now); err != nil {
			return effects{}, err
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{action: "key.revoke", target: keys[at].Name})
	})
}
