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

// ackLinkLifetime is for how long after the opening of an incident the links in its
// alerts acknowledge it.
const ackLinkLifetime = 7 * 24 * time.Hour

// ackLinkMACBytes is how many bytes of the HMAC a link carries: 128 bits, which RFC
// 2104, section 5, finds enough.
const ackLinkMACBytes = 16

// AckLinks makes and reads the addresses in alerts that acknowledge an incident
// without signing in. A link names the incident and the channel it was sent
// through and is signed; it is the same on every attempt at an alert.
type AckLinks struct{ key []byte }

// NewAckLinks reads the key that signs links, which is made at the first start.
func NewAckLinks(ctx context.Context, db *store.DB) (*AckLinks, error) {
	var secret string
	err := db.Update(ctx, func(tx *store.Tx) (err error) {
		secret, err = tx.EnsureSecret("acknowledge", rand.Text()+rand.Text())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("key of links: %w", err)
	}
	return &AckLinks{key: []byte(secret)}, nil
}

// FormSecret reads the secret that closes what forms of the pages bring back. It is
// made at the first start, and the same on every node.
func FormSecret(ctx context.Context, db *store.DB) (secret string, err error) {
	err = db.Update(ctx, func(tx *store.Tx) (err error) {
		secret, err = tx.EnsureSecret("forms", rand.Text()+rand.Text())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("key of forms: %w", err)
	}
	return secret, nil
}

// sign signs what a link is about.
func (l *AckLinks) sign(about []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte("acknowledge\x00"))
	h.Write(about)
	return h.Sum(nil)[:ackLinkMACBytes]
}

// Token is the last part of the address that acknowledges an incident, empty
// for ids that are no UUIDs.
func (l *AckLinks) Token(incident, channel string) string {
	i, err := uuid.Parse(incident)
	if err != nil {
		return ""
	}
	c, err := uuid.Parse(channel)
	if err != nil {
		return ""
	}
	about := append(i[:], c[:]...)
	return base64.RawURLEncoding.EncodeToString(append(about, l.sign(about)...))
}

// parse returns what a token is about, false for one that we did not make. Nil
// links know none.
func (l *AckLinks) parse(token string) (incident, channel string, ok bool) {
	const about = 2 * len(uuid.UUID{})
	if l == nil {
		return "", "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != about+ackLinkMACBytes || !hmac.Equal(b[about:], l.sign(b[:about])) {
		return "", "", false
	}
	return uuid.UUID(b[:16]).String(), uuid.UUID(b[16:about]).String(), true
}

// LinkedIncident is what a link in an alert leads to.
type LinkedIncident struct {
	Incident monitor.Incident
	Zone     string // of the project
	Channel  string // the name of the channel that the link was sent through
}

// errInvalidAckLink refuses a link without telling whether it was ever right.
func errInvalidAckLink() error {
	return monitor.Faultf(monitor.NotFound, "", "This link is not valid any more. Sign in, and acknowledge the incident on its page.")
}

// resolveAckLink reads what a token leads to, and for whom it acts.
func (d *Service) resolveAckLink(tx *store.Tx, l *AckLinks, token string, now time.Time) (LinkedIncident, auth.Actor, error) {
	incident, channelID, ok := l.parse(token)
	if !ok {
		return LinkedIncident{}, auth.Actor{}, errInvalidAckLink()
	}
	i, err := tx.IncidentByID(incident)
	if err != nil {
		return LinkedIncident{}, auth.Actor{}, err
	}
	if !now.Before(i.OpenedAt.Add(ackLinkLifetime)) {
		return LinkedIncident{}, auth.Actor{}, errInvalidAckLink()
	}
	project, err := tx.Project(i.Project)
	if err != nil {
		return LinkedIncident{}, auth.Actor{}, err
	}
	c, err := tx.Channel(i.Project, channelID)
	if err != nil {
		return LinkedIncident{}, auth.Actor{}, invalidAckLinkIfMissing(err)
	}
	// The link gives no right to ping.
	i.HeartbeatID = ""
	if err := shape.HideIDs(tx, "", &i.HeartbeatName, &i.Reason, &i.AcknowledgedBy); err != nil {
		return LinkedIncident{}, auth.Actor{}, err
	}
	actor := auth.Actor{Project: project, Name: "link from " + c.Name, Kind: monitor.ActorAlertLink, ID: c.ID, Role: auth.Member}
	return LinkedIncident{Incident: i, Zone: project.Zone, Channel: c.Name}, actor, nil
}

// invalidAckLinkIfMissing refuses the link of a channel that is gone: whoever reads it
// there was not meant to any more.
func invalidAckLinkIfMissing(err error) error {
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return errInvalidAckLink()
	}
	return err
}

// IncidentByAckLink reads the incident that a link is about. It changes nothing.
func (d *Service) IncidentByAckLink(ctx context.Context, l *AckLinks, token string) (found LinkedIncident, err error) {
	now := currentTime()
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		found, _, err = d.resolveAckLink(tx, l, token, now)
		return err
	})
	return found, err
}

// AcknowledgeByAckLink acknowledges the incident that a link is about, and keeps a
// note with it unless it is empty. kept is false when the note was not kept: the
// incident was acknowledged or resolved before. A link needs no account, so it
// writes nothing but this, once. source is the address that it is opened from.
func (d *Service) AcknowledgeByAckLink(ctx context.Context, l *AckLinks, token, text, source string) (found LinkedIncident, kept bool, err error) {
	text, fault := validateNote(text)
	if text == "" {
		fault = nil // a note is optional
	}
	if fault != nil {
		return found, false, fault
	}
	now := currentTime()
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		var actor auth.Actor
		if found, actor, err = d.resolveAckLink(tx, l, token, now); err != nil {
			return s, err
		}
		actor.Source = source
		i := found.Incident
		done, err := tx.AcknowledgeIncident(i, actor.Name, now)
		if err != nil {
			return s, err
		}
		if kept = done || text == ""; done {
			s = effects{pending: true, changedHeartbeat: i.Heartbeat}
			if err := writeAudit(tx, actor, now, auditEntry{action: "incident.acknowledge", target: incidentLabel(i)}); err != nil {
				return s, err
			}
			if text != "" {
				err = writeNote(tx, actor, i, text, now)
			}
		}
		return s, err
	})
	if err != nil {
		return found, kept, err
	}
	found, err = d.IncidentByAckLink(ctx, l, token)
	return found, kept, err
}

// AcknowledgeWithNote acknowledges an incident, and keeps a note unless it is
// empty. A note that is refused leaves the incident as it was.
func (d *Service) AcknowledgeWithNote(ctx context.Context, a auth.Actor, id, text string) (IncidentDetail, error) {
	if text != "" {
		if _, err := d.AddNote(ctx, a, id, text, nil); err != nil {
			return IncidentDetail{}, err
		}
	}
	return d.AcknowledgeIncident(ctx, a, id)
}
