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

// longestSlug is in characters.
const longestSlug = 100

// slugForm is what a slug may look like: it stands in URLs and on command lines.
var slugForm = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)

// slug checks a slug that somebody chose.
func (f *faults) slug(text string) {
	if len(text) > longestSlug || !slugForm.MatchString(text) {
		f.wrong("slug", "Write a slug of 1 to %d lower-case letters (a to z) and digits, with single dashes, dots or underscores between them, such as nightly-backup.", longestSlug)
	}
}

// slugOf makes a slug of a name: letters lose their accents, all else becomes
// single dashes. A name without any letter that a URL can show is "heartbeat".
func slugOf(name string) string {
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
	return strings.TrimRight(slug[:min(len(slug), longestSlug-10)], "-")
}

// mostNumbered is up to which number a slug that is taken is counted on. Names
// so common get random letters instead, rather than ever longer searches.
const mostNumbered = 20

// mostRaced is how often a number is tried that somebody else may take in the
// same moment, before random letters end the race.
const mostRaced = 2

// freeSlug returns a slug for the name that no heartbeat of the project has.
func freeSlug(tx *store.Tx, project int64, name string, try int) (string, error) {
	base := slugOf(name)
	for n := 1; n <= mostNumbered && try <= mostRaced; n++ {
		slug := base
		if n > 1 {
			slug = fmt.Sprintf("%s-%d", base, n)
		}
		_, taken, err := tx.HeartbeatBySlug(project, slug)
		if err != nil || !taken {
			return slug, err
		}
	}
	return base + "-" + strings.ToLower(rand.Text()[:8]), nil
}

// free is a fault when a heartbeat has the slug already that somebody chose. A
// slug that none can have is left to the check of its form.
func free(tx *store.Tx, project int64, slug string) error {
	if !askable(slug) {
		return nil
	}
	by, taken, err := tx.HeartbeatBySlug(project, slug)
	if err == nil && taken {
		return monitor.Wrong(monitor.Conflict, "slug", "The slug %s belongs to the heartbeat “%s” already: choose another, or change that one.", slug, by.Name)
	}
	return err
}
