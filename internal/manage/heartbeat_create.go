package manage

import (
	"cmp"
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

// refFromID returns the ref of a heartbeat: stable, and useless for finding the id. An id
// has 122 random bits, so a fast hash cannot be reversed.
func refFromID(id string) string {
	sum := sha256.Sum256([]byte("overdue ref" + id))
	return hex.EncodeToString(sum[:16])
}

// CreateHeartbeat creates a heartbeat. Name and schedule are required. Without a slug, it
// is generated from the name.
func (svc *Service) CreateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	now, try := svc.currentTime(), 0
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
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
		h, err = svc.insertHeartbeat(tx, a, wanted, now)
		return effects{nextDue: h.NextEvaluation()}, err
	})
	return h, err
}

// CreateHeartbeatWithID is CreateHeartbeat with an id that the caller chose at random.
func (svc *Service) CreateHeartbeatWithID(ctx context.Context, a auth.Actor, id string, e HeartbeatEdit) (monitor.Heartbeat, error) {
	e.id = id
	return svc.CreateHeartbeat(ctx, a, e)
}

// insertHeartbeat adds a heartbeat whose slug is available in this transaction.
func (svc *Service) insertHeartbeat(tx *store.Tx, a auth.Actor, e HeartbeatEdit, now time.Time) (monitor.Heartbeat, error) {
	if err := svc.checkHeartbeatLimit(tx, a); err != nil {
		return monitor.Heartbeat{}, err
	}
	in, err := newEditContext(tx, a, e, now)
	if err != nil {
		return monitor.Heartbeat{}, err
	}
	h, f := e.apply(newHeartbeat(a.Project.Key, now), in)
	if err := f.err(); err != nil {
		return h, err
	}
	h.ID = cmp.Or(e.id, uuid.NewString())
	h.Ref = refFromID(h.ID)
	if h, err = tx.AddHeartbeat(h); err != nil {
		return h, err
	}
	if h, _, err = planHeartbeat(tx, h, effects{}, changeTime{now, func(string) time.Time { return now }}); err != nil {
		return h, err
	}
	return h, writeAudit(tx, a, now, auditEntry{"heartbeat.create", heartbeatLabel(h), heartbeatSummary(h, in.channels)})
}

// heartbeatLabel names a heartbeat in the audit log. It never contains the id, because
// viewers may read the log.
func heartbeatLabel(h monitor.Heartbeat) string { return h.Name + " (" + h.Slug + ")" }

// PutHeartbeat changes the heartbeat with the slug, or creates it; created reports which.
// Missing settings stay unchanged, or get their defaults. The default name is the slug.
func (svc *Service) PutHeartbeat(ctx context.Context, a auth.Actor, slug string, e HeartbeatEdit) (h monitor.Heartbeat, created bool, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, false, err
	}
	v := &validator{}
	if v.slug(slug); v.err() != nil {
		return h, false, v.err()
	}
	if e.Slug != nil && *e.Slug != slug {
		e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "slug", "The path already contains the slug: omit slug in the body, or change it with PATCH."))
	}
	e.Slug = &slug
	cut := svc.takeSnapshot()
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
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
		// If another transaction takes the slug before the commit, this runs again.
		h, err = svc.insertHeartbeat(tx, a, named, now.at)
		return effects{nextDue: h.NextEvaluation()}, err
	})
	return h, created, err
}

// maxSlugLength is in characters.
const maxSlugLength = 100

// slugPattern is the form of a slug, which appears in URLs and on command lines.
var slugPattern = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)

// slug validates a slug.
func (v *validator) slug(text string) {
	if len(text) > maxSlugLength || !slugPattern.MatchString(text) {
		v.reject("slug", "A slug has 1 to %d lower-case letters (a to z) and digits, with single dashes, dots or underscores between them, such as nightly-backup.", maxSlugLength)
	}
}

// SlugFromName generates a slug: letters lose their accents, and everything else becomes
// single dashes. A name without ASCII letters or digits becomes "heartbeat".
func SlugFromName(name string) string {
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
	// Leave room for a number at the end.
	return strings.TrimRight(slug[:min(len(slug), maxSlugLength-10)], "-")
}

// maxSlugNumber is the highest number that is appended to a taken slug. After that, random
// letters replace ever longer searches.
const maxSlugNumber = 20

// maxNumberedAttempts is the number of attempts with a numbered slug. Another transaction
// can take it at the same time; then random letters make the slug unique.
const maxNumberedAttempts = 2

// availableSlug returns a slug for the name that no heartbeat of the project has.
func availableSlug(tx *store.Tx, project int64, name string, try int) (string, error) {
	base := SlugFromName(name)
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

// requireSlugAvailable returns a fault if a heartbeat already has the slug. Invalid slugs
// are left to [validator.slug].
func requireSlugAvailable(tx *store.Tx, project int64, slug string) error {
	if !isSearchable(slug) {
		return nil
	}
	by, taken, err := tx.LockHeartbeatBySlug(project, slug)
	if err == nil && taken {
		return monitor.Faultf(monitor.Conflict, "slug", "The heartbeat “%[2]s” already has the slug %[1]s: choose another slug, or change that heartbeat.", slug, by.Name)
	}
	return err
}
