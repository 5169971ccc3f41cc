package manage

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

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
