package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"overdue/internal/monitor"
)

// readBody reads the outcome in a body. A body is output without an outcome
// unless its type is JSON or a form and its beginning matches the type. complete
// is true if the body is not truncated.
func (s *runClaims) readBody(contentType string, body []byte, complete bool) error {
	body = trimBody(body)
	switch {
	case isJSON(mediaTypeOf(contentType)), isForm(contentType) && bytes.HasPrefix(body, []byte("{")): // the default type of curl and PowerShell
		return s.readJSON(body, complete)
	case isForm(contentType):
		return s.readForm(string(body), complete)
	}
	return nil
}

// mayHoldOutcome reports whether bodies of a type may hold an outcome.
func mayHoldOutcome(contentType string) bool {
	return isJSON(mediaTypeOf(contentType)) || isForm(contentType)
}

// mayContinue reports whether the missing part of a body may hold its outcome.
func mayContinue(contentType string, body []byte) bool {
	if body = trimBody(body); isJSON(mediaTypeOf(contentType)) || isForm(contentType) && bytes.HasPrefix(body, []byte("{")) {
		_, closed, _ := parseMembers(body)
		return bytes.HasPrefix(body, []byte("{")) && !closed || len(body) == 0
	}
	return isForm(contentType) && !strings.ContainsFunc(string(body), isUnescaped)
}

// trimBody removes white space and a UTF-8 byte order mark.
func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}

// formType is the media type of forms.
const formType = "application/x-www-form-urlencoded"

// mediaTypeOf returns the media type of a Content-Type header, in lower case.
func mediaTypeOf(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// isJSON reports whether a media type is JSON.
func isJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}

// isForm reports whether a type is that of a form.
func isForm(contentType string) bool { return mediaTypeOf(contentType) == formType }

// isUnescaped reports whether a form would escape a character.
func isUnescaped(r rune) bool { return r <= ' ' || r > '~' }

// readForm reads a form: escaped pairs of a name and a value. curl -d does not
// escape values, so only the pairs before and after unescaped pairs count. Text
// that does not start with a name is output, and so is a single unescaped pair.
func (s *runClaims) readForm(text string, complete bool) error {
	pairs := strings.Split(text, "&")
	name, _, isPair := strings.Cut(pairs[0], "=")
	if !isPair || name == "" || strings.ContainsFunc(name, isUnescaped) {
		return nil
	}
	first := 0
	for first < len(pairs) && isEscapedPair(pairs[first]) {
		first++
	}
	last := len(pairs)
	for complete && last > first && isEscapedPair(pairs[last-1]) {
		last--
	}
	if !complete && first == len(pairs) {
		first-- // its value may be incomplete
	}
	return s.readParameters(strings.Join(slices.Concat(pairs[:first], pairs[last:]), "&"), true)
}

// isEscapedPair reports whether a text is a pair of a name and a value, escaped.
func isEscapedPair(text string) bool {
	name, _, isPair := strings.Cut(text, "=")
	return isPair && name != "" && !strings.ContainsFunc(text, isUnescaped)
}

// readJSON reads the members of a JSON object, without nested objects. Any other
// body, such as several objects, is output. Of a malformed object, the members
// before the mistake count: scripts often do not escape line breaks.
func (s *runClaims) readJSON(body []byte, complete bool) error {
	members, closed, alone := parseMembers(body)
	if closed && !alone {
		return nil
	}
	if notice, isOne := parseAlertmanager(members); isOne {
		return s.readAlertmanager(notice)
	}
	for _, m := range members {
		value, scalar := scalarText(m.value)
		if !scalar {
			continue // for example the status of a Kubernetes object
		}
		if err := s.add(strings.ToLower(m.name), value, true); err != nil {
			return fmt.Errorf("%w; this is in the JSON body: if that is only output, send it to /0, or as text/plain", err)
		}
	}
	if complete && !closed && (s.kind == "" || s.ended) && bytes.HasPrefix(body, []byte("{")) && namesOutcome(body) {
		return errors.New("malformed JSON: the body cannot be read up to its outcome; escape quotes and line breaks, or put the outcome first or into the URL")
	}
	return nil
}

// namesOutcome reports whether the text of a JSON object may have a member with
// the outcome.
func namesOutcome(body []byte) bool {
	lower := bytes.ToLower(body)
	for word, kind := range outcomeParameters {
		if kind < queryOnly && bytes.Contains(lower, []byte(`"`+word+`"`)) {
			return true
		}
	}
	return false
}

// member is one member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// parseMembers returns the members of a JSON object, including those before the
// position at which it ends early or is malformed. closed is true if the object is
// complete, alone if nothing follows it.
func parseMembers(body []byte) (members []member, closed, alone bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if opening, err := d.Token(); err != nil || opening != json.Delim('{') {
		return nil, false, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return members, false, false
		}
		m := member{name: name.(string)} // in an object, where a name is next
		if err := d.Decode(&m.value); err != nil {
			return members, false, false
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return members, false, false
	}
	_, err := d.Token()
	return members, true, errors.Is(err, io.EOF)
}

// scalarText returns a string, a number or a boolean as text.
func scalarText(value json.RawMessage) (s string, scalar bool) {
	switch value[0] {
	case '{', '[', 'n':
		return "", false
	case '"':
		return s, json.Unmarshal(value, &s) == nil
	}
	return string(value), true
}

// alertmanagerNotice is the part of a webhook of Alertmanager or Grafana that is read.
type alertmanagerNotice struct {
	status string
	alerts []struct {
		Labels map[string]string `json:"labels"`
	}
}

// parseAlertmanager decodes a JSON object as a webhook of Alertmanager.
func parseAlertmanager(members []member) (n alertmanagerNotice, isOne bool) {
	found := 0
	for _, m := range members {
		switch {
		case m.name == "status" && json.Unmarshal(m.value, &n.status) == nil && (n.status == "firing" || n.status == "resolved"):
			found |= 1
		case m.name == "alerts" && json.Unmarshal(m.value, &n.alerts) == nil && len(n.alerts) > 0:
			found |= 2
		}
	}
	return n, found == 3
}

// readAlertmanager reads a webhook. An alert that always fires, to show that
// alerting works, is a heartbeat: firing is a success. Other alerts are rejected.
// Only the name distinguishes the two.
func (s *runClaims) readAlertmanager(n alertmanagerNotice) error {
	for _, alert := range n.alerts {
		if name := alert.Labels["alertname"]; !isAlwaysFiring(name) {
			return fmt.Errorf("unknown outcome: the alert %q is %s; only an alert that always fires is a heartbeat, "+
				"and its alertname must contain Watchdog, DeadMansSwitch, AlwaysFiring or Heartbeat", quoteForError(name), n.status)
		}
	}
	s.outcomeClaim = outcomeClaim{kind: monitor.PingSuccess, exit: monitor.NoExitCode, word: "status=" + n.status}
	if n.status == "resolved" {
		s.kind = monitor.PingFail
	}
	return nil
}

// isAlwaysFiring reports whether an alert has the name of one that always fires.
func isAlwaysFiring(name string) bool {
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	for _, usual := range []string{"watchdog", "deadmansswitch", "deadmanswitch", "alwaysfiring", "heartbeat"} {
		if strings.Contains(letters, usual) {
			return true
		}
	}
	return false
}
