package ingest

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// runIDs are the parameters that hold the id of a run, in the order in which they
// count: Overdue and Healthchecks, Cronitor, Sentry.
var runIDs = []string{"rid", "series", "check_in_id"}

// said is what the parameters or the members of a body say about a ping.
type said struct {
	claim
	runID string
	rank  int // place of the run id's word in runIDs, behind the last while there is none
}

// newSaid returns what is said while nothing is.
func newSaid() said { return said{rank: len(runIDs)} }

// add takes one more word. Words that say nothing about the run are ignored.
func (s *said) add(word, value string, body bool) error {
	for rank, name := range runIDs[:s.rank] {
		if id := runID(value); word == name && id != "" {
			s.runID, s.rank = id, rank
		}
	}
	c, known, err := understand(strings.ReplaceAll(word, "-", "_"), value, body)
	if err != nil || !known {
		return err
	}
	s.claim, err = s.claim.and(c)
	return err
}

// readParameters reads the parameters of a query or of a form. What it does not
// need cannot be wrong: broken escapes, semicolons and repeated or overlong
// parameters of other names are ignored. A name without a value, such as ?fail,
// counts if it is an outcome.
func (s *said) readParameters(text string, body bool) error {
	for pair := range strings.SplitSeq(text, "&") {
		name, value, hasValue := strings.Cut(pair, "=")
		name = strings.ToLower(unescape(name))
		if c, known := outcomes[name]; known && !hasValue && !body {
			c.exit, c.word = noExit, "?"+name
			merged, err := s.claim.and(c)
			if err != nil {
				return err
			}
			s.claim = merged
			continue
		}
		if err := s.add(name, unescape(value), body); err != nil {
			return err
		}
	}
	return nil
}

// unescape decodes a part of a query. Text with a broken escape stays as it is.
func unescape(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}

// maxRunID is the longest run id that is kept, in bytes.
const maxRunID = 64

// runID returns a run id as it is kept: a UUID in lower case, any other text as it
// is. A longer text, or one that a database would not take, is replaced by a
// checksum, so that a start and its finish still belong together. No id makes a
// ping invalid: the ping matters more. It is empty for no id: also Sentry's id
// of only zeros, which means the newest run.
func runID(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || len(text) >= 32 && strings.Trim(text, "0-") == "" {
		return ""
	}
	if id, err := uuid.Parse(text); err == nil && len(text) == 36 {
		return id.String()
	}
	if len(text) <= maxRunID && strings.IndexFunc(text, unusable) < 0 {
		return text
	}
	sum := fnv.New128a()
	_, _ = sum.Write([]byte(text)) // never fails
	return fmt.Sprintf("checksum-%x", sum.Sum(nil))
}

// unusable reports characters that have no place in a run id.
func unusable(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }
