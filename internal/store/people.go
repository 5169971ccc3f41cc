package store

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// personColumns are in the order of scanPerson.
const personColumns = `p.id, p.email, p.name, p.created, p.seen`

// scanPerson reads personColumns, and what stands behind them.
func scanPerson(row scanner, more ...any) (monitor.Person, error) {
	var p monitor.Person
	var created, seen sql.NullInt64
	err := row.Scan(append([]any{&p.ID, &p.Email, &p.Name, &created, &seen}, more...)...)
	p.Created, p.LastSeen = timeFromMicros(created), timeFromMicros(seen)
	return p, err
}

// normalizeEmail is what makes two addresses the same. That the part before the @
// could tell case apart is a right that no provider uses (RFC 5321, 2.4).
func normalizeEmail(email string) string { return strings.ToLower(email) }

// AddPerson keeps a new person with the hash of their password, and gives them
// their id. It is [ErrTaken] when the address has an account.
func (tx *Tx) AddPerson(p monitor.Person, password string) (monitor.Person, error) {
	p.ID = newID()
	_, err := tx.exec(`INSERT INTO people (id, email, mailbox, name, password, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		p.ID, p.Email, normalizeEmail(p.Email), p.Name, password, micros(p.Created))
	if err != nil {
		return p, fmt.Errorf("add person: %w", err)
	}
	return p, nil
}

// Person returns one by id.
func (tx *Tx) Person(id string) (monitor.Person, bool, error) {
	return queryOne(tx, func(row scanner) (monitor.Person, error) { return scanPerson(row) },
		`SELECT `+personColumns+` FROM people p WHERE p.id = $1`, id)
}

// PersonByEmail returns the person with an address and the hash of their password.
func (tx *Tx) PersonByEmail(email string) (p monitor.Person, password string, found bool, err error) {
	p, found, err = queryOne(tx, func(row scanner) (monitor.Person, error) { return scanPerson(row, &password) },
		`SELECT `+personColumns+`, p.password FROM people p WHERE p.mailbox = $1`, normalizeEmail(email))
	return p, password, found, err
}

// LockPassword returns the hash of a person's password, and keeps it from being
// changed until this transaction ends. Lock a project before its people.
func (tx *Tx) LockPassword(person string) (string, error) {
	return tx.password(person, tx.d.forUpdate)
}

// Password returns the hash of a person's password.
func (tx *Tx) Password(person string) (string, error) { return tx.password(person, "") }

// password reads the hash, with or without a lock.
func (tx *Tx) password(person, lock string) (string, error) {
	hash, found, err := queryOne(tx, func(row scanner) (hash string, err error) { return hash, row.Scan(&hash) },
		`SELECT password FROM people WHERE id = $1`+lock, person)
	if err == nil && !found {
		err = notFound("person")
	}
	return hash, err
}

// CountPeople counts the people.
func (tx *Tx) CountPeople() (n int, err error) {
	n, _, err = queryOne(tx, func(row scanner) (n int, err error) { return n, row.Scan(&n) }, `SELECT COUNT(*) FROM people`)
	return n, err
}

// RenamePerson keeps another name.
func (tx *Tx) RenamePerson(id, name string) error {
	if _, err := tx.exec(`UPDATE people SET name = $2 WHERE id = $1`, id, name); err != nil {
		return fmt.Errorf("name of person: %w", err)
	}
	return nil
}

// SetPassword keeps the hash of another password.
func (tx *Tx) SetPassword(id, hash string) error {
	if _, err := tx.exec(`UPDATE people SET password = $2 WHERE id = $1`, id, hash); err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}

// Memberships lists what a person is where, by name of project.
func (tx *Tx) Memberships(person string) ([]monitor.Membership, error) {
	return queryAll(tx, func(row scanner) (monitor.Membership, error) {
		var m monitor.Membership
		var created sql.NullInt64
		var role string
		err := row.Scan(&m.Project.Key, &m.Project.Slug, &m.Project.Name, &m.Project.Zone, &created, &role)
		m.Project.Created = timeFromMicros(created)
		m.Role, _ = monitor.ParseRole(role) // one that is unknown may nothing
		return m, err
	}, `SELECT o.key, o.slug, o.name, o.zone, o.created, m.role FROM members m JOIN projects o ON o.key = m.project
		WHERE m.person = $1 AND o.deleted IS NULL ORDER BY o.name, o.key`, person)
}

// Members lists the people of a project, by name.
func (tx *Tx) Members(project int64) ([]monitor.ProjectMember, error) {
	return queryAll(tx, func(row scanner) (m monitor.ProjectMember, err error) {
		var role string
		m.Person, err = scanPerson(row, &role)
		m.Role, _ = monitor.ParseRole(role)
		return m, err
	}, `SELECT `+personColumns+`, m.role FROM members m JOIN people p ON p.id = m.person WHERE m.project = $1 ORDER BY p.name, p.id`, project)
}

// MemberRole returns what a person is in a project, which is no role if they are not
// a member.
func (tx *Tx) MemberRole(project int64, person string) (monitor.Role, error) {
	name, _, err := queryOne(tx, func(row scanner) (role string, err error) { return role, row.Scan(&role) },
		`SELECT role FROM members WHERE project = $1 AND person = $2`, project, person)
	role, _ := monitor.ParseRole(name)
	return role, err
}

// SetMember makes a person something in a project, whatever they were.
func (tx *Tx) SetMember(project int64, person string, role monitor.Role, since time.Time) error {
	_, err := tx.exec(`INSERT INTO members (project, person, role, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project, person) DO UPDATE SET role = excluded.role`, project, person, role.String(), micros(since))
	if err != nil {
		return fmt.Errorf("member: %w", err)
	}
	return nil
}

// RemoveMember takes a person out of a project.
func (tx *Tx) RemoveMember(project int64, person string) error {
	if _, err := tx.exec(`DELETE FROM members WHERE project = $1 AND person = $2`, project, person); err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	return nil
}

// LockProject keeps others from changing who belongs to a project until this
// transaction ends: of two owners who leave at once, one must find to be the last.
func (tx *Tx) LockProject(project int64) error {
	_, found, err := queryOne(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT key FROM projects WHERE key = $1 AND deleted IS NULL`+tx.d.forUpdate, project)
	if err == nil && !found {
		err = notFound("project")
	}
	return err
}
