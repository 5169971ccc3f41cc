package manage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// refFromID is the ref of a heartbeat: stable, and of no use to find the id. An id
// has 122 random bits, so a fast hash cannot be turned round.
func refFromID(id string) string {
	sum := sha256.Sum256([]byte("overdue ref" + id))
	return hex.EncodeToString(sum[:16])
}

// CreateHeartbeat makes a new heartbeat. Name and a schedule are required; a slug
// that is not given is made from the name.
func (d *Service) CreateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	now, try := currentTime(), 0
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		try++
		wanted := e
		if e.Slug == nil && e.Name != nil {
			slug, err := availableSlug(tx, a.Project.Key, *e.Name, try)
			if err != nil {
				return s, err
			}
			wanted.Slug = &slug
		} else if e.Slug != nil {
			if err := requireSlugAvailable(tx, a.Project.Key, *e.Slug); err != nil {
				return s, err
			}
		}
		h, err = d.insertHeartbeat(tx, a, wanted, now)
		return effects{nextDue: h.NextEvaluation()}, err
	})
	return h, err
}

// insertHeartbeat adds a heartbeat whose slug was free a moment ago.
func (d *Service) insertHeartbeat(tx *store.Tx, a auth.Actor, e HeartbeatEdit, now time.Time) (monitor.Heartbeat, error) {
	if err := d.checkHeartbeatLimit(tx, a); err != nil {
		return monitor.Heartbeat{}, err
	}
	channels, err := tx.ChannelRoutes(a.Project.Key)
	if err != nil {
		return monitor.Heartbeat{}, err
	}
	h, f := e.apply(newHeartbeat(a.Project.Key, now), editContext{a.Project, channels, now})
	if err := f.err(); err != nil {
		return h, err
	}
	h.ID = uuid.NewString()
	h.Ref = refFromID(h.ID)
	if h, err = tx.AddHeartbeat(h); err != nil {
		return h, err
	}
	return h, writeAudit(tx, a, now, auditEntry{"heartbeat.create", heartbeatLabel(h), heartbeatDiff(monitor.Heartbeat{}, h)})
}

// heartbeatLabel names a heartbeat in the audit log, which viewers may read: never by
// what could ping.
func heartbeatLabel(h monitor.Heartbeat) string { return h.Name + " (" + h.Slug + ")" }

// PutHeartbeat changes the heartbeat with the slug, or creates it when there is
// none; created tells which. Settings that are absent stay as they are, or take
// their default: of the name that is the slug.
func (d *Service) PutHeartbeat(ctx context.Context, a auth.Actor, slug string, e HeartbeatEdit) (h monitor.Heartbeat, created bool, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, false, err
	}
	f := &validator{}
	if f.slug(slug); f.err() != nil {
		return h, false, f.err()
	}
	if e.Slug != nil && *e.Slug != slug {
		e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "slug", "The slug is in the path already: leave it out here, or change it with PATCH."))
	}
	e.Slug = &slug
	cut := d.takeSnapshot()
	err = d.update(ctx, func(tx *store.Tx) (s effects, err error) {
		now, err := cut.withPeers(tx)
		if err != nil {
			return s, err
		}
		var found bool
		if h, found, err = tx.LockHeartbeatBySlug(a.Project.Key, slug); err != nil {
			return s, err
		}
		created = !found
		if found {
			h, s, err = applyEdit(tx, a, h, e, now)
			return s, err
		}
		named := e
		if e.Name == nil {
			named.Name = &slug
		}
		// Whoever takes the slug before this commits makes it run again.
		h, err = d.insertHeartbeat(tx, a, named, now.at)
		return effects{nextDue: h.NextEvaluation()}, err
	})
	return h, created, err
}

// maxSlugLength is in characters.
const maxSlugLength = 100

// slugPattern is what a slug may look like: it stands in URLs and on command lines.
var slugPattern = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)

// slug checks a slug that somebody chose.
func (f *validator) slug(text string) {
	if len(text) > maxSlugLength || !slugPattern.MatchString(text) {
		f.reject("slug", "Write a slug of 1 to %d lower-case letters (a to z) and digits, with single dashes, dots or underscores between them, such as nightly-backup.", maxSlugLength)
	}
}

// slugFromName makes a slug of a name: letters lose their accents, all else becomes
// single dashes. A name without any letter that a URL can show is "heartbeat".
func slugFromName(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(norm.NFKD.String(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			dash = false
		case !unicode.Is(unicode.Mn, r):
			dash = true
		}
	}
	slug := b.String()
	if slug == "" {
		return "heartbeat"
	}
	// Room is left for a number behind it.
	return strings.TrimRight(slug[:min(len(slug), maxSlugLength-10)], "-")
}

// maxSlugNumber is up to which number a slug that is taken is counted on. Names
// so common get random letters instead, rather than ever longer searches.
const maxSlugNumber = 20

// maxNumberedAttempts is how often a number is tried that somebody else may take in the
// same moment, before random letters end the race.
const maxNumberedAttempts = 2

// availableSlug returns a slug for the name that no heartbeat of the project has.
func availableSlug(tx *store.Tx, project int64, name string, try int) (string, error) {
	base := slugFromName(name)
	for n := 1; n <= maxSlugNumber && try <= maxNumberedAttempts; n++ {
		slug := base
		if n > 1 {
			slug = fmt.Sprintf("%s-%d", base, n)
		}
		_, taken, err := tx.LockHeartbeatBySlug(project, slug)
		if err != nil || !taken {
			return slug, err
		}
	}
	return base + "-" + strings.ToLower(rand.Text()[:8]), nil
}

// requireSlugAvailable is a fault when a heartbeat has the slug already that somebody chose. A
// slug that none can have is left to the check of its form.
func requireSlugAvailable(tx *store.Tx, project int64, slug string) error {
	if !isSearchable(slug) {
		return nil
	}
	by, taken, err := tx.LockHeartbeatBySlug(project, slug)
	if err == nil && taken {
		return monitor.Faultf(monitor.Conflict, "slug", "The slug %s belongs to the heartbeat “%s” already: choose another, or change that one.", slug, by.Name)
	}
	return err
}
