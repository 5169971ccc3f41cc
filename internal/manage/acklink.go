package manage

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/shape"
	"overdue/internal/store"
)

// linkLife is for how long after the opening of an incident the links in its
// alerts acknowledge it.
const linkLife = 7 * 24 * time.Hour

// macLength is how many bytes of the HMAC a link carries: 128 bits, which RFC
// 2104, section 5, finds enough.
const macLength = 16

// Links makes and reads the addresses in alerts that acknowledge an incident
// without signing in. A link names the incident and the channel it was sent
// through and is signed; it is the same on every attempt at an alert.
type Links struct{ key []byte }

// NewLinks reads the key that signs links, which is made at the first start.
func NewLinks(ctx context.Context, db *store.DB) (*Links, error) {
	var secret string
	err := db.Update(ctx, func(tx *store.Tx) (err error) {
		secret, err = tx.Secret("acknowledge", rand.Text()+rand.Text())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("key of links: %w", err)
	}
	return &Links{key: []byte(secret)}, nil
}

// FormKey reads the secret that closes what forms of the pages bring back. It is
// made at the first start, and the same on every node.
func FormKey(ctx context.Context, db *store.DB) (secret string, err error) {
	err = db.Update(ctx, func(tx *store.Tx) (err error) {
		secret, err = tx.Secret("forms", rand.Text()+rand.Text())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("key of forms: %w", err)
	}
	return secret, nil
}

// mac signs what a link is about.
func (l *Links) mac(about []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte("acknowledge\x00"))
	h.Write(about)
	return h.Sum(nil)[:macLength]
}

// Token is the last part of the address that acknowledges an incident, empty
// for ids that are no UUIDs.
func (l *Links) Token(incident, channel string) string {
	i, err := uuid.Parse(incident)
	if err != nil {
		return ""
	}
	c, err := uuid.Parse(channel)
	if err != nil {
		return ""
	}
	about := append(i[:], c[:]...)
	return base64.RawURLEncoding.EncodeToString(append(about, l.mac(about)...))
}

// read returns what a token is about, false for one that we did not make. Nil
// links know none.
func (l *Links) read(token string) (incident, channel string, ok bool) {
	const about = 2 * len(uuid.UUID{})
	if l == nil {
		return "", "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != about+macLength || !hmac.Equal(b[about:], l.mac(b[:about])) {
		return "", "", false
	}
	return uuid.UUID(b[:16]).String(), uuid.UUID(b[16:about]).String(), true
}

// Linked is what a link in an alert leads to.
type Linked struct {
	Incident monitor.Incident
	Zone     string // of the project
	Channel  string // the name of the channel that the link was sent through
}

// errStale refuses a link without telling whether it was ever right.
func errStale() error {
	return monitor.Wrong(monitor.Missing, "", "This link is not valid any more. Sign in, and acknowledge the incident on its page.")
}

// linked reads what a token leads to, and for whom it acts.
func (d *Desk) linked(tx *store.Tx, l *Links, token string, now time.Time) (Linked, auth.Actor, error) {
	incident, channelID, ok := l.read(token)
	if !ok {
		return Linked{}, auth.Actor{}, errStale()
	}
	i, err := tx.IncidentByID(incident)
	if err != nil {
		return Linked{}, auth.Actor{}, err
	}
	if !now.Before(i.Opened.Add(linkLife)) {
		return Linked{}, auth.Actor{}, errStale()
	}
	project, err := tx.Project(i.Project)
	if err != nil {
		return Linked{}, auth.Actor{}, err
	}
	c, err := tx.Channel(i.Project, channelID)
	if err != nil {
		return Linked{}, auth.Actor{}, staleIfMissing(err)
	}
	// The link gives no right to ping.
	i.HeartbeatID = ""
	if err := shape.HideIDs(tx, "", &i.HeartbeatName, &i.Because, &i.AcknowledgedBy); err != nil {
		return Linked{}, auth.Actor{}, err
	}
	actor := auth.Actor{Project: project, Name: "link from " + c.Name, Kind: monitor.ActorLink, ID: c.ID, Role: auth.Member}
	return Linked{Incident: i, Zone: project.Zone, Channel: c.Name}, actor, nil
}

// staleIfMissing refuses the link of a channel that is gone: whoever reads it
// there was not meant to any more.
func staleIfMissing(err error) error {
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.Missing {
		return errStale()
	}
	return err
}

// ByLink reads the incident that a link is about. It changes nothing.
func (d *Desk) ByLink(ctx context.Context, l *Links, token string) (found Linked, err error) {
	now := stamp()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		found, _, err = d.linked(tx, l, token, now)
		return err
	})
	return found, err
}

// AcknowledgeByLink acknowledges the incident that a link is about, and keeps a
// note with it unless it is empty. kept is false when the note was not kept: the
// incident was acknowledged or resolved before. A link needs no account, so it
// writes nothing but this, once. source is the address that it is opened from.
func (d *Desk) AcknowledgeByLink(ctx context.Context, l *Links, token, text, source string) (found Linked, kept bool, err error) {
	text, fault := soundNote(text)
	if text == "" {
		fault = nil // a note is optional
	}
	if fault != nil {
		return found, false, fault
	}
	now := stamp()
	err = d.change(ctx, func(tx *store.Tx) (s stir, err error) {
		var actor auth.Actor
		if found, actor, err = d.linked(tx, l, token, now); err != nil {
			return s, err
		}
		actor.Source = source
		i := found.Incident
		done, err := tx.Acknowledge(i, actor.Name, now)
		if err != nil {
			return s, err
		}
		if kept = done || text == ""; done {
			s = stir{owed: true, touched: i.Heartbeat}
			if err := note(tx, actor, now, deed{action: "incident.acknowledge", target: numbered(i)}); err != nil {
				return s, err
			}
			if text != "" {
				err = addNote(tx, actor, i, text, now)
			}
		}
		return s, err
	})
	if err != nil {
		return found, kept, err
	}
	found, err = d.ByLink(ctx, l, token)
	return found, kept, err
}

// AcknowledgeWithNote acknowledges an incident, and keeps a note unless it is
// empty. A note that is refused leaves the incident as it was.
func (d *Desk) AcknowledgeWithNote(ctx context.Context, a auth.Actor, id, text string) (IncidentDetail, error) {
	if text != "" {
		if _, err := d.AddNote(ctx, a, id, text, nil); err != nil {
			return IncidentDetail{}, err
		}
	}
	return d.AcknowledgeIncident(ctx, a, id)
}
