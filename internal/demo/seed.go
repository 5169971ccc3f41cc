package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Account is a person who can sign in.
type Account struct {
	Email, Name string
	Role        monitor.Role
}

// Password is the password of every account.
const Password = "overdue-demo"

// passwordHash is the hash of Password. A constant hash needs no work and is always
// the same.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$ZeAcmH6TUUhfN5tWEvLuBA$V+L4EpIlsfZeSZjYz9c2uSF8MIXK3ss1JfTPrBBODWU"

// Accounts are the people, one of each role. The first is the owner.
var Accounts = []Account{
	{"demo@example.com", "Dana Demo", monitor.Owner},
	{"ade@example.com", "Ade Okafor", monitor.Admin},
	{"mia@example.com", "Mia Lindqvist", monitor.Member},
	{"viktor@example.com", "Viktor Wójcik", monitor.Viewer},
}

// Planned is a ping of a job after the time of the data.
type Planned struct {
	HeartbeatID string
	Ping        monitor.Ping
}

// Path returns the path of the URL of the ping, with its query.
func (p Planned) Path() string {
	path := "/api/v1/hb/" + p.HeartbeatID
	switch p.Ping.Kind {
	case monitor.PingStart:
		path += "/start"
	case monitor.PingFail:
		path += "/fail"
	}
	if p.Ping.RunID != "" {
		path += "?rid=" + p.Ping.RunID
	}
	return path
}

// Data describes the data of a database.
type Data struct {
	Heartbeats     int
	FirstHeartbeat string    // id of the heartbeat with the longest history
	OpenIncident   string    // id of an incident with notes and deliveries
	WorkingChannel string    // id of a channel that delivers
	Unwatched      string    // id of a heartbeat with an unknown run
	Planned        []Planned // in chronological order
}

// Seed fills an empty database with the data of the month before now. receiver is the
// base URL of the webhooks.
func Seed(ctx context.Context, db *store.DB, now time.Time, receiver string) (data Data, err error) {
	now = now.UTC().Truncate(monitor.Precision)
	err = db.Update(ctx, func(tx *store.Tx) error {
		data = Data{}
		s := &simulation{tx: tx, now: now}
		for _, step := range []func() error{
			s.addProject, s.addPeople, s.addBlackout, func() error { return s.addChannels(receiver) }, s.addHeartbeats, s.run, s.addUntestedChannel,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		data.FirstHeartbeat, data.OpenIncident, data.WorkingChannel = s.beats[0].heartbeat.ID, s.documented, s.channels[0].ID
		data.Unwatched = s.unwatched
		for _, b := range s.beats {
			for _, p := range b.pings[b.sent:] {
				data.Planned = append(data.Planned, Planned{b.heartbeat.ID, p})
			}
		}
		slices.SortStableFunc(data.Planned, func(a, b Planned) int { return a.Ping.At.Compare(b.Ping.At) })
		data.Heartbeats = len(s.beats)
		return nil
	})
	if err != nil {
		return data, fmt.Errorf("demo data: %w", err)
	}
	return data, nil
}

// addProject adds the project.
func (s *simulation) addProject() (err error) {
	s.project, err = s.tx.AddProject(monitor.Project{Slug: "main", Name: "Example Trading", Zone: "Europe/Berlin", Created: s.monthAgo()})
	return err
}

// monthAgo returns the time of the first data.
func (s *simulation) monthAgo() time.Time { return s.now.Add(-31 * day) }

// addPeople adds the accounts and an invitation.
func (s *simulation) addPeople() error {
	for i, a := range Accounts {
		since := s.monthAgo().Add(time.Duration(i) * hours)
		person, err := s.tx.AddPerson(monitor.Person{Email: a.Email, Name: a.Name, Created: since}, passwordHash)
		if err != nil {
			return err
		}
		if err := s.tx.SetMember(s.project.Key, person.ID, a.Role, since); err != nil {
			return err
		}
		s.people = append(s.people, person)
		if err := s.audit(i, since, "member.join", person.Name, a.Role.String()); err != nil {
			return err
		}
	}
	_, err := s.tx.AddInvitation(monitor.Invitation{
		Project: s.project.Key, Email: "new.colleague@example.com", Role: monitor.Member,
		InvitedBy: s.people[0].Name, InvitedByID: s.people[0].ID, Created: s.now.Add(-day), ExpiresAt: s.now.Add(6 * day),
	}, "no token has this hash")
	return err
}

// audit adds an entry to the audit log.
func (s *simulation) audit(person int, at time.Time, action, target, detail string) error {
	return s.tx.AddAuditEntry(monitor.AuditEntry{
		Project: s.project.Key, At: at, Actor: s.people[person].Name, Kind: monitor.ActorPerson, ActorID: s.people[person].ID,
		Source: "198.51.100.7", Action: action, Target: target, Detail: detail,
	})
}

// addHeartbeats adds the heartbeats and their plans.
func (s *simulation) addHeartbeats() error {
	byName := map[string]string{}
	for _, c := range s.channels {
		byName[c.Name] = c.ID
	}
	for i, j := range jobs {
		p, err := newPlan(j, i, s.now)
		if err != nil {
			return err
		}
		p.heartbeat.Project = s.project.Key
		p.pings = slices.DeleteFunc(p.pings, func(g monitor.Ping) bool { return s.inBlackout(g.At) })
		for _, name := range j.channelNames() {
			p.heartbeat.Channels = append(p.heartbeat.Channels, byName[name])
		}
		if p.heartbeat, err = s.tx.AddHeartbeat(p.heartbeat); err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		if err := s.audit(i%3, p.heartbeat.Created, "heartbeat.create", j.name, ""); err != nil {
			return err
		}
		s.beats = append(s.beats, &simulatedHeartbeat{plan: p})
	}
	return nil
}
