package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// setupSetting is the name of the setting with the hash of the one-time link.
const setupSetting = "setup-link"

// CreateSetupLink creates the token of the one-time link that creates the owner,
// and replaces any earlier one. needed is false if there is an account.
func (p *People) CreateSetupLink(ctx context.Context) (token string, needed bool, err error) {
	begun, err := p.HasAccounts(ctx)
	if err != nil || begun {
		return "", false, err
	}
	token = newToken()
	err = p.db.Update(ctx, func(tx *store.Tx) error { return tx.SetSetting(setupSetting, HashKey(token)) })
	if err != nil {
		return "", false, fmt.Errorf("setup link: %w", err)
	}
	return token, true, nil
}

// SetupLinkValid reports whether a token belongs to the link that creates the owner.
func (p *People) SetupLinkValid(ctx context.Context, token string) (is bool, err error) {
	begun, err := p.HasAccounts(ctx)
	if err != nil || begun {
		return false, err
	}
	err = p.db.View(ctx, func(tx *store.Tx) error {
		hash, found, err := tx.Setting(setupSetting)
		// Both are hashes, so the time of the comparison reveals nothing about the
		// token.
		is = found && hash == HashKey(token)
		return err
	})
	return is, err
}

// OwnerSetup is the input of the setup page: the owner and the first project.
type OwnerSetup struct {
	Name, Email, Password string
	Project, Zone         string // empty: unchanged
}

// errSetupLinkUsed is the fault for a setup link that is no longer valid.
func errSetupLinkUsed() error {
	return monitor.Faultf(monitor.NotFound, "", "This link was already used or replaced. The server prints a new one when it starts.")
}

// SetUp creates the owner with the one-time link and signs them in.
func (p *People) SetUp(ctx context.Context, token string, f OwnerSetup, e ClientInfo, now time.Time) error {
	ok, err := p.SetupLinkValid(ctx, token)
	if err != nil {
		return err
	}
	if !ok {
		return errSetupLinkUsed()
	}
	v, err := p.createOwner(ctx, f, e.Address, now, func(tx *store.Tx) error {
		used, err := tx.DeleteSetting(setupSetting, HashKey(token))
		if err == nil && !used {
			return errSetupLinkUsed()
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.Sessions.start(ctx, v, e, now)
}

// AddOwner creates the owner from the settings if there is no account. It
// reports whether it did.
func (p *People) AddOwner(ctx context.Context, email, password string, now time.Time) (bool, error) {
	begun, err := p.HasAccounts(ctx)
	if err != nil || begun {
		return false, err
	}
	_, err = p.createOwner(ctx, OwnerSetup{Name: "Owner", Email: email, Password: password}, "", now, func(tx *store.Tx) error {
		n, err := tx.CountPeople()
		if err == nil && n > 0 {
			return store.ErrTaken // another node has just created it
		}
		return err
	})
	if errors.Is(err, store.ErrTaken) {
		return false, nil
	}
	return err == nil, err
}

// createOwner adds the owner, makes them the owner of all projects, and names the
// first project. claim runs first, in the same transaction. address is empty if the
// owner comes from the settings of the server.
func (p *People) createOwner(ctx context.Context, f OwnerSetup, address string, now time.Time, claim func(*store.Tx) error) (v verifiedPerson, err error) {
	if f, err = f.validate(); err != nil {
		return v, err
	}
	if v.hash, err = p.hasher.hash(ctx, f.Password); err != nil {
		return v, err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if err := claim(tx); err != nil {
			return err
		}
		if v.person, err = tx.AddPerson(monitor.Person{Email: f.Email, Name: f.Name, Created: now}, v.hash); err != nil {
			return err
		}
		by := personActor(v.person, address)
		if address == "" {
			by = Operator(monitor.Project{}, "server settings")
		}
		return f.grantOwnership(tx, v.person, by, now)
	})
	if err == nil {
		p.hasAccounts.Store(true)
	}
	return v, err
}

// grantOwnership makes the person the owner of all projects.
func (f OwnerSetup) grantOwnership(tx *store.Tx, person monitor.Person, by Actor, now time.Time) error {
	projects, err := tx.Projects()
	if err != nil {
		return err
	}
	for n, project := range projects {
		if n == 0 && f.Project != "" {
			project.Name, project.Zone = f.Project, f.Zone
			if err := tx.SaveProject(project); err != nil {
				return err
			}
		}
		if err := tx.SetMember(project.Key, person.ID, Owner, now); err != nil {
			return err
		}
	}
	return auditAccount(tx, person.ID, accountAction{by, "person.setup", person.Name, "owner"}, now)
}

// validate returns the input in its stored form, or all faults.
func (f OwnerSetup) validate() (OwnerSetup, error) {
	var faults monitor.Faults
	add := func(fault *monitor.Fault) {
		if fault != nil {
			faults = append(faults, fault)
		}
	}
	var fault *monitor.Fault
	name, email := f.Name, f.Email
	f.Name, fault = validateName(name)
	add(fault)
	f.Email, fault = ValidateEmail(email)
	add(fault)
	add(passwordFault("password", f.Password, name, email))
	if f.Project != "" {
		if f.Project, fault = validateName(f.Project); fault != nil {
			fault.Field = "project"
			add(fault)
		}
	}
	zone, err := schedule.CanonicalZone(f.Zone)
	if err != nil {
		add(monitor.Faultf(monitor.Invalid, "timezone", "%s.", err))
	}
	f.Zone = zone
	if len(faults) > 0 {
		return f, faults
	}
	return f, nil
}
