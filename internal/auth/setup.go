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

// setupSetting is where the hash of the one-time link is kept.
const setupSetting = "setup-link"

// CreateSetupLink makes the token of the one-time link that creates the owner. It
// takes the place of any before. needed is false when somebody has an account.
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

// SetupLinkValid reports whether a token is that of the link that creates the owner.
func (p *People) SetupLinkValid(ctx context.Context, token string) (is bool, err error) {
	begun, err := p.HasAccounts(ctx)
	if err != nil || begun {
		return false, err
	}
	err = p.db.View(ctx, func(tx *store.Tx) error {
		hash, found, err := tx.Setting(setupSetting)
		// Both are hashes: comparing them tells nothing about the token.
		is = found && hash == HashKey(token)
		return err
	})
	return is, err
}

// OwnerSetup is what the owner says about themselves and the first project.
type OwnerSetup struct {
	Name, Email, Password string
	Project, Zone         string // empty: as they are
}

// errSetupLinkUsed is the answer to a link that was used, or is none.
func errSetupLinkUsed() error {
	return monitor.Faultf(monitor.NotFound, "", "This link was used already, or a newer one was made. The server prints a new one when it starts.")
}

// SetUp creates the owner for whoever has the link, which works once, and signs
// them in.
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

// AddOwner creates the owner without anybody being there, unless somebody has
// an account. It reports whether it did.
func (p *People) AddOwner(ctx context.Context, email, password string, now time.Time) (bool, error) {
	begun, err := p.HasAccounts(ctx)
	if err != nil || begun {
		return false, err
	}
	_, err = p.createOwner(ctx, OwnerSetup{Name: "Owner", Email: email, Password: password}, "", now, func(tx *store.Tx) error {
		n, err := tx.CountPeople()
		if err == nil && n > 0 {
			return store.ErrTaken // another node did it just now
		}
		return err
	})
	if errors.Is(err, store.ErrTaken) {
		return false, nil
	}
	return err == nil, err
}

// createOwner adds the owner and makes them the owner of all projects, of which the
// first gets its name. claim runs first, in the same transaction. address is
// empty where the settings of the server say who the owner is.
func (p *People) createOwner(ctx context.Context, f OwnerSetup, address string, now time.Time, claim func(*store.Tx) error) (v verified, err error) {
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

// grantOwnership makes the founder the owner of what there is.
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

// validate returns what is stored of the founder, or all that is wrong with it.
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
