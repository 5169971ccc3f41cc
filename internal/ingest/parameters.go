package ingest

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// runIDs are the parameters that hold a run id, in order of precedence: Overdue
// and Healthchecks, Cronitor, Sentry.
var runIDs = []string{"rid", "series", "check_in_id"}

// runClaims contains the statements about a run in the parameters of a request or the
// members of its body.
type runClaims struct {
	outcomeClaim
	runID     string
	runIDRank int // index in runIDs of the parameter that set the run id; len(runIDs) if none did
	host      string
}

// newRunClaims returns claims without content.
func newRunClaims() runClaims { return runClaims{runIDRank: len(runIDs)} }

// add adds one parameter. Parameters that say nothing about the run are ignored.
func (s *runClaims) add(word, value string, body bool) error {
	for rank, name := range runIDs[:s.runIDRank] {
		if id := runID(value); word == name && id != "" {
			s.runID, s.runIDRank = id, rank
		}
	}
	if word == "host" && s.host == "" && !body { // a body can describe another host
		s.host = hostName(value)
	}
	c, known, err := parseParameter(strings.ReplaceAll(word, "-", "_"), value, body)
	if err != nil || !known {
		return err
	}
	s.outcomeClaim, err = s.outcomeClaim.merge(c)
	return err
}

// readParameters reads the parameters of a query or a form. Unknown parameters are
// never an error, and neither are broken escapes, semicolons, repetitions and
// excessive lengths. A name without a value, such as ?fail, counts if it is an
// outcome.
func (s *runClaims) readParameters(text string, body bool) error {
	for pair := range strings.SplitSeq(text, "&") {
		name, value, hasValue := strings.Cut(pair, "=")
		name = strings.ToLower(unescape(name))
		if c, known := outcomeWords[name]; known && !hasValue && !body {
			c.exit, c.word = noExitCode, "?"+name
			merged, err := s.outcomeClaim.merge(c)
			if err != nil {
				return err
			}
			s.outcomeClaim = merged
			continue
		}
		if err := s.add(name, unescape(value), body); err != nil {
			return err
		}
	}
	return nil
}

// unescape decodes a part of a query. It returns text with a broken escape unchanged.
func unescape(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}

// maxRunID is the maximum length of a run id that is stored unchanged, in bytes.
const maxRunID = 64

// runID returns a run id as it is stored: a UUID in lower case, other text
// unchanged. A longer text, or one that the database cannot store, is replaced by a
// checksum, so a start and its finish still match. No id makes a ping invalid. An
// empty id, and Sentry's id of zeros (the newest run), count as none.
func runID(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || len(text) >= 32 && strings.Trim(text, "0-") == "" {
		return ""
	}
	if id, err := uuid.Parse(text); err == nil && len(text) == 36 {
		return id.String()
	}
	if len(text) <= maxRunID && strings.IndexFunc(text, isUnusable) < 0 {
		return text
	}
	sum := fnv.New128a()
	_, _ = sum.Write([]byte(text)) // never fails
	return fmt.Sprintf("checksum-%x", sum.Sum(nil))
}

// isUnusable reports whether a run id cannot contain a character.
func isUnusable(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }
