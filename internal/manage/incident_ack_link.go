package manage

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/wire"
)

// ackLinkLifetime is the time after an incident opened in which the links in its alerts
// can acknowledge it.
const ackLinkLifetime = 7 * 24 * time.Hour

// ackLinkMACBytes is the length of the truncated HMAC in a link: 128 bits, within the limit
// of RFC 2104, section 5.
const ackLinkMACBytes = 16

// AckLinks creates and verifies the links in alerts that acknowledge an incident without a
// sign-in. A link contains the incident and the channel, and is signed. It is the same for
// every attempt of an alert.
type AckLinks struct{ key []byte }

// NewAckLinks loads the signing key. The first call creates it.
func NewAckLinks(ctx context.Context, db *store.DB) (*AckLinks, error) {
	secret, err := db.Secret(ctx, store.AckLinkSecret)
	if err != nil {
		return nil, fmt.Errorf("acknowledge link key: %w", err)
	}
	return &AckLinks{key: []byte(secret)}, nil
}

// FormSecret returns the secret that encrypts what forms carry. The first call creates it.
// All nodes share it.
func FormSecret(ctx context.Context, db *store.DB) (secret string, err error) {
	secret, err = db.Secret(ctx, store.FormSecret)
	if err != nil {
		return "", fmt.Errorf("form key: %w", err)
	}
	return secret, nil
}

// sign returns the truncated HMAC of the payload of a link.
func (l *AckLinks) sign(about []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte("acknowledge\x00"))
	h.Write(about)
	return h.Sum(nil)[:ackLinkMACBytes]
}

// Token returns the last path segment of the link that acknowledges an incident. It is
// empty if an id is not a UUID.
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

// parse returns the incident and the channel of a token. It reports false for an invalid
// token or a nil receiver.
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

// LinkedIncident is the incident that an acknowledge link leads to.
type LinkedIncident struct {
	Incident monitor.Incident
	Zone     string // time zone of the project
	Channel  string // name of the channel that the link was sent through
}

// errInvalidAckLink is the same for expired and forged links, so it does not reveal which
// links were ever valid.
func errInvalidAckLink() error {
	return monitor.Faultf(monitor.NotFound, "", "This link has expired or was already used. Sign in, and acknowledge the incident on its page.")
}

// resolveAckLink returns the incident of a token, and the actor that the token authorizes.
func (svc *Service) resolveAckLink(tx *store.Tx, l *AckLinks, token string, now time.Time) (LinkedIncident, auth.Actor, error) {
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
	// The link does not give the right to ping.
	i.HeartbeatID = ""
	if err := wire.HideIDs(tx, "", &i.HeartbeatName, &i.Reason, &i.AcknowledgedBy); err != nil {
		return LinkedIncident{}, auth.Actor{}, err
	}
	actor := auth.Actor{Project: project, Name: "link from " + c.Name, Kind: monitor.ActorAlertLink, ID: c.ID, Role: auth.Member}
	return LinkedIncident{Incident: i, Zone: project.Zone, Channel: c.Name}, actor, nil
}

// invalidAckLinkIfMissing turns the fault of a deleted channel into [errInvalidAckLink]:
// its recipients must no longer acknowledge anything.
func invalidAckLinkIfMissing(err error) error {
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return errInvalidAckLink()
	}
	return err
}

// IncidentByAckLink reads the incident of an acknowledge link. It changes nothing, because
// mail scanners open links.
func (svc *Service) IncidentByAckLink(ctx context.Context, l *AckLinks, token string) (found LinkedIncident, err error) {
	now := svc.currentTime()
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		found, _, err = svc.resolveAckLink(tx, l, token, now)
		return err
	})
	return found, err
}

// AcknowledgeByAckLink acknowledges the incident of a link and adds a note, if there is
// one. kept is false if the note was not added because the incident was already
// acknowledged or resolved. A link needs no account, so it can write only once. source is
// the address of the client.
func (svc *Service) AcknowledgeByAckLink(ctx context.Context, l *AckLinks, token, text, source string) (found LinkedIncident, kept bool, err error) {
	text, fault := validateNote(text)
	if text == "" {
		fault = nil // a note is optional
	}
	if fault != nil {
		return found, false, fault
	}
	now := svc.currentTime()
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		var actor auth.Actor
		if found, actor, err = svc.resolveAckLink(tx, l, token, now); err != nil {
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
	found, err = svc.IncidentByAckLink(ctx, l, token)
	return found, kept, err
}

// AcknowledgeWithNote acknowledges an incident and adds a note, if there is one. If the
// note is invalid, the incident stays unchanged.
func (svc *Service) AcknowledgeWithNote(ctx context.Context, a auth.Actor, id, text string) (IncidentDetail, error) {
	if text != "" {
		if _, err := svc.AddNote(ctx, a, id, text, nil); err != nil {
			return IncidentDetail{}, err
		}
	}
	return svc.AcknowledgeIncident(ctx, a, id)
}
