package store

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// personColumns are in the order of scanPerson.
const personColumns = `p.id, p.email, p.name, p.zone, p.created, p.seen`

// scanPerson reads personColumns, and the columns after them.
func scanPerson(row scanner, more ...any) (monitor.Person, error) {
	var p monitor.Person
	var created, seen sql.NullInt64
	err := row.Scan(append([]any{&p.ID, &p.Email, &p.Name, &p.Zone, &created, &seen}, more...)...)
	p.Created, p.LastSeen = timeFromMicros(created), timeFromMicros(seen)
	return p, err
}

// normalizeEmail returns the form in which two addresses are compared. The standard
// allows the part before the @ to be case-sensitive (RFC 5321, 2.4), but no provider
// does that.
func normalizeEmail(email string) string { return strings.ToLower(email) }

// AddPerson stores a new person with the hash of the password, and sets the id.
// [ErrTaken] means that the address has an account.
func (tx *Tx) AddPerson(p monitor.Person, password string) (monitor.Person, error) {
	p.ID = newID()
	_, err := tx.exec(`INSERT INTO people (id, email, mailbox, name, password, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		p.ID, p.Email, normalizeEmail(p.Email), p.Name, password, micros(p.Created))
	if err != nil {
		return p, fmt.Errorf("add person: %w", err)
	}
	return p, nil
}

// Person returns a person by id.
func (tx *Tx) Person(id string) (monitor.Person, bool, error) {
	return queryOne(tx, func(row scanner) (monitor.Person, error) { return scanPerson(row) },
		`SELECT `+personColumns+` FROM people p WHERE p.id = $1`, id)
}

// PersonByEmail returns the person with an address and the hash of the password.
func (tx *Tx) PersonByEmail(email string) (p monitor.Person, password string, found bool, err error) {
	p, found, err = queryOne(tx, func(row scanner) (monitor.Person, error) { return scanPerson(row, &password) },
		`SELECT `+personColumns+`, p.password FROM people p WHERE p.mailbox = $1`, normalizeEmail(email))
	return p, password, found, err
}

// LockPassword returns the hash of a person's password, and prevents changes until
// this transaction ends. Lock a project before its people.
func (tx *Tx) LockPassword(person string) (string, error) {
	return tx.password(person, tx.d.ForUpdate)
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

// RenamePerson stores a new name.
func (tx *Tx) RenamePerson(id, name string) error {
	if _, err := tx.exec(`UPDATE people SET name = $2 WHERE id = $1`, id, name); err != nil {
		return fmt.Errorf("name of person: %w", err)
	}
	return nil
}

// SetPersonZone stores the time zone of a person's pages, or "" for the zone of the
// project.
func (tx *Tx) SetPersonZone(id, zone string) error {
	if _, err := tx.exec(`UPDATE people SET zone = $2 WHERE id = $1`, id, zone); err != nil {
		return fmt.Errorf("zone of person: %w", err)
	}
	return nil
}

// SetPassword stores the hash of a new password.
func (tx *Tx) SetPassword(id, hash string) error {
	if _, err := tx.exec(`UPDATE people SET password = $2 WHERE id = $1`, id, hash); err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}

// Memberships lists the projects and roles of a person, by name of the project.
func (tx *Tx) Memberships(person string) ([]monitor.Membership, error) {
	return queryAll(tx, func(row scanner) (monitor.Membership, error) {
		var m monitor.Membership
		var created sql.NullInt64
		var role string
		err := row.Scan(&m.Project.Key, &m.Project.Slug, &m.Project.Name, &m.Project.Zone, &created, &role)
		m.Project.Created = timeFromMicros(created)
		m.Role, _ = monitor.ParseRole(role) // an unknown role allows nothing
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

// MemberRole returns the role of a person in a project, zero if the person is not a
// member.
func (tx *Tx) MemberRole(project int64, person string) (monitor.Role, error) {
	name, _, err := queryOne(tx, func(row scanner) (role string, err error) { return role, row.Scan(&role) },
		`SELECT role FROM members WHERE project = $1 AND person = $2`, project, person)
	role, _ := monitor.ParseRole(name)
	return role, err
}

// SetMember gives a person a role in a project, in place of any previous role.
func (tx *Tx) SetMember(project int64, person string, role monitor.Role, since time.Time) error {
	_, err := tx.exec(`INSERT INTO members (project, person, role, since) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project, person) DO UPDATE SET role = excluded.role`, project, person, role.String(), micros(since))
	if err != nil {
		return fmt.Errorf("member: %w", err)
	}
	return nil
}

// RemoveMember removes a person from a project.
func (tx *Tx) RemoveMember(project int64, person string) error {
	if _, err := tx.exec(`DELETE FROM members WHERE project = $1 AND person = $2`, project, person); err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	return nil
}

// LockProject prevents other changes of the members of a project until this
// transaction ends: if two owners leave at once, one must find that it is the last.
func (tx *Tx) LockProject(project int64) error {
	_, found, err := queryOne(tx, func(row scanner) (key int64, err error) { return key, row.Scan(&key) },
		`SELECT key FROM projects WHERE key = $1 AND deleted IS NULL`+tx.d.ForUpdate, project)
	if err == nil && !found {
		err = notFound("project")
	}
	return err
}

// invitationColumns are in the order of scanInvitation.
const invitationColumns = `id, project, email, role, by_name, by_id, created, ends`

// scanInvitation reads invitationColumns.
func scanInvitation(row scanner) (monitor.Invitation, error) {
	var i monitor.Invitation
	var role string
	var created, ends sql.NullInt64
	err := row.Scan(&i.ID, &i.Project, &i.Email, &role, &i.InvitedBy, &i.InvitedByID, &created, &ends)
	i.Role, _ = monitor.ParseRole(role) // an unknown role allows nothing
	i.Created, i.ExpiresAt = timeFromMicros(created), timeFromMicros(ends)
	return i, err
}

// AddInvitation stores a new invitation by the hash of its token and sets its id. It
// replaces any other of the same address to the same project, and deletes expired
// ones.
func (tx *Tx) AddInvitation(i monitor.Invitation, hash string) (monitor.Invitation, error) {
	_, err := tx.exec(`DELETE FROM invitations WHERE ends <= $1 OR (project = $2 AND LOWER(email) = $3)`,
		micros(i.Created), i.Project, normalizeEmail(i.Email))
	if err != nil {
		return i, fmt.Errorf("invitations before: %w", err)
	}
	i.ID = newID()
	_, err = tx.exec(`INSERT INTO invitations (id, project, hash, email, role, by_name, by_id, created, ends)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, i.ID, i.Project, hash, i.Email, i.Role.String(), i.InvitedBy, i.InvitedByID, micros(i.Created), micros(i.ExpiresAt))
	if err != nil {
		return i, fmt.Errorf("add invitation: %w", err)
	}
	return i, nil
}

// Invitations lists the valid invitations of a project, newest first.
func (tx *Tx) Invitations(project int64, now time.Time) ([]monitor.Invitation, error) {
	return queryAll(tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE project = $1 AND ends > $2 ORDER BY created DESC, id DESC`,
		project, micros(now))
}

// Invitation returns the valid invitation with the hash of a token.
func (tx *Tx) Invitation(hash string, now time.Time) (monitor.Invitation, bool, error) {
	return queryOne(tx, scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE hash = $1 AND ends > $2`, hash, micros(now))
}

// UseInvitation deletes an invitation. It reports false if it was already deleted, so
// that it works once.
func (tx *Tx) UseInvitation(id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM invitations WHERE id = $1`, id)
	if err != nil {
		return false, fmt.Errorf("use invitation: %w", err)
	}
	return n > 0, nil
}

// DeleteInvitationsBy deletes the invitations that a person sent for a project: a
// removed member must not return by one of them.
func (tx *Tx) DeleteInvitationsBy(project int64, person string) error {
	if _, err := tx.exec(`DELETE FROM invitations WHERE project = $1 AND by_id = $2`, project, person); err != nil {
		return fmt.Errorf("invitations of a person: %w", err)
	}
	return nil
}

// sessionColumns are in the order of scanSession.
const sessionColumns = `id, person, created, seen, ends, keep, address, agent`

// scanSession reads sessionColumns.
func scanSession(row scanner) (monitor.Session, error) {
	var s monitor.Session
	var created, seen, ends sql.NullInt64
	err := row.Scan(&s.ID, &s.Person, &created, &seen, &ends, &s.KeepSignedIn, &s.LastAddress, &s.UserAgent)
	s.Created, s.LastSeen, s.ExpiresAt = timeFromMicros(created), timeFromMicros(seen), timeFromMicros(ends)
	return s, err
}

// AddSession stores a new session by the hash of its token, with its content, and
// deletes expired ones. It updates when the person was last seen.
func (tx *Tx) AddSession(s monitor.Session, hash, content string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE ends <= $1`, micros(s.Created)); err != nil {
		return fmt.Errorf("delete ended sessions: %w", err)
	}
	_, err := tx.exec(`INSERT INTO sessions (id, hash, person, created, seen, ends, keep, address, agent, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, s.ID, hash, s.Person, micros(s.Created), micros(s.LastSeen), micros(s.ExpiresAt),
		s.KeepSignedIn, validText(s.LastAddress), validText(s.UserAgent), content)
	if err != nil {
		return fmt.Errorf("add session: %w", err)
	}
	return tx.recordPersonSeen(s)
}

// recordPersonSeen records when a person was last seen.
func (tx *Tx) recordPersonSeen(s monitor.Session) error {
	if _, err := tx.exec(`UPDATE people SET seen = $2 WHERE id = $1`, s.Person, micros(s.LastSeen)); err != nil {
		return fmt.Errorf("record when person was seen: %w", err)
	}
	return nil
}

// SessionContent returns the content that the web package stores in a session, unless
// the session ended.
func (tx *Tx) SessionContent(hash string, now time.Time) (string, bool, error) {
	return queryOne(tx, func(row scanner) (content string, err error) { return content, row.Scan(&content) },
		`SELECT content FROM sessions WHERE hash = $1 AND ends > $2`, hash, micros(now))
}

// SaveSessionContent stores the content of a session. A session that ended meanwhile
// stays ended.
func (tx *Tx) SaveSessionContent(hash, content string) error {
	if _, err := tx.exec(`UPDATE sessions SET content = $2 WHERE hash = $1`, hash, content); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// Session returns a session by id, unless it ended.
func (tx *Tx) Session(id string, now time.Time) (monitor.Session, bool, error) {
	return queryOne(tx, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1 AND ends > $2`, id, micros(now))
}

// SessionRole returns the role in a project of the person of a session, 0 for
// none. found is false if the session has ended.
func (tx *Tx) SessionRole(id string, project int64, now time.Time) (role monitor.Role, found bool, err error) {
	name, found, err := queryOne(tx, func(row scanner) (name sql.NullString, err error) { return name, row.Scan(&name) },
		`SELECT (SELECT m.role FROM members m JOIN projects o ON o.key = m.project WHERE m.project = $2 AND m.person = s.person AND o.deleted IS NULL)
		FROM sessions s WHERE s.id = $1 AND s.ends > $3`, id, project, micros(now))
	role, _ = monitor.ParseRole(name.String) // an unknown role allows nothing
	return role, found, err
}

// Sessions lists a person's sessions that have not ended, last seen first.
func (tx *Tx) Sessions(person string, now time.Time) ([]monitor.Session, error) {
	return queryAll(tx, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE person = $1 AND ends > $2 ORDER BY seen DESC, id`,
		person, micros(now))
}

// LockSession returns one of a person's sessions unless it ended, and prevents its
// end until this transaction ends.
func (tx *Tx) LockSession(person, id string, now time.Time) (monitor.Session, bool, error) {
	return queryOne(tx, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE id = $1 AND person = $2 AND ends > $3`+tx.d.ForUpdate,
		id, person, micros(now))
}

// RecordSessionUse records when and from where a session was used. It updates the
// person first, in the same order as operations that end all sessions of a person.
func (tx *Tx) RecordSessionUse(s monitor.Session) error {
	if err := tx.recordPersonSeen(s); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE sessions SET seen = $2, ends = $3, address = $4 WHERE id = $1`,
		s.ID, micros(s.LastSeen), micros(s.ExpiresAt), validText(s.LastAddress))
	if err != nil {
		return fmt.Errorf("record use of session: %w", err)
	}
	return nil
}

// EndSession ends the session with the hash of its token, if there is one.
func (tx *Tx) EndSession(hash string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE hash = $1`, hash); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndPersonSession ends one of a person's sessions, by id.
func (tx *Tx) EndPersonSession(person, id string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE person = $1 AND id = $2`, person, id); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndOtherSessions ends all sessions of a person except one.
func (tx *Tx) EndOtherSessions(person, except string) error {
	if _, err := tx.exec(`DELETE FROM sessions WHERE person = $1 AND id <> $2`, person, except); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// EndOldestSessions leaves a person the given number of sessions: the one with the
// id, and those that were seen last.
func (tx *Tx) EndOldestSessions(person, id string, keep int) error {
	_, err := tx.exec(`DELETE FROM sessions WHERE person = $1 AND id <> $2 AND id NOT IN (
		SELECT id FROM sessions WHERE person = $1 AND id <> $2 ORDER BY seen DESC, id LIMIT $3)`, person, id, keep-1)
	if err != nil {
		return fmt.Errorf("end oldest sessions: %w", err)
	}
	return nil
}
