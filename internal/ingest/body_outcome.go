package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"overdue/internal/monitor"
)

// maxForm is the longest body that is read as a form, in bytes. Clients such as
// curl also send output of any kind with the type of a form.
const maxForm = 4 << 10

// readBody reads what a body says about the outcome. A body is output, which says
// nothing, unless its type is JSON or a form and all of it has that form. complete
// says that no part of it is missing.
func (s *claims) readBody(contentType string, body []byte, complete bool) error {
	body = bytes.TrimSpace(body)
	switch mediaType := mediaTypeOf(contentType); {
	case isJSON(mediaType):
		return s.readJSON(body, complete)
	case mediaType != formType || len(body) > maxForm || !complete:
		return nil
	case bytes.HasPrefix(body, []byte("{")): // the default type of curl and PowerShell
		return s.readJSON(body, complete)
	case !isForm(string(body)):
		return nil
	}
	return s.readParameters(string(body), true)
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
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// isForm reports whether a text is a form: pairs of a name and a value, escaped.
func isForm(text string) bool {
	if strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return false
	}
	for pair := range strings.SplitSeq(text, "&") {
		if name, _, isPair := strings.Cut(pair, "="); !isPair || name == "" {
			return false
		}
	}
	return true
}

// readJSON reads the members of a JSON object, not those of objects within it. A
// body that is anything else, such as several objects, is output.
func (s *claims) readJSON(body []byte, complete bool) error {
	members, whole := membersOf(body)
	if !whole && complete {
		return nil
	}
	if notice, isOne := alertmanager(members); isOne {
		return s.readAlertmanager(notice)
	}
	for _, m := range members {
		value, scalar := text(m.value)
		if !scalar {
			continue // for example the status of a Kubernetes object
		}
		if err := s.add(strings.ToLower(m.name), value, true); err != nil {
			return fmt.Errorf("%w; this is in the JSON body: if that is only output, send it to /0, or as text/plain", err)
		}
	}
	return nil
}

// member is one member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf returns the members of a JSON object, also those before the place at
// which it breaks off. whole says that the text is one complete object.
func membersOf(body []byte) (members []member, whole bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if opening, err := d.Token(); err != nil || opening != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return members, false
		}
		m := member{name: name.(string)} // in an object, where a name is next
		if err := d.Decode(&m.value); err != nil {
			return members, false
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return members, false
	}
	_, err := d.Token()
	return members, err == io.EOF
}

// text returns a string, a number or a boolean as text.
func text(value json.RawMessage) (s string, scalar bool) {
	switch value[0] {
	case '{', '[', 'n':
		return "", false
	case '"':
		return s, json.Unmarshal(value, &s) == nil
	}
	return string(value), true
}

// notice is the part of a webhook of Alertmanager, or of Grafana, that is read.
type notice struct {
	status string
	alerts []struct {
		Labels map[string]string `json:"labels"`
	}
}

// alertmanager decodes a JSON object as a notice of Alertmanager.
func alertmanager(members []member) (n notice, isOne bool) {
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

// readAlertmanager reads a notice. An alert that always fires, to show that
// alerting works, is a heartbeat: firing is a success. For any other alert it is a
// failure. Only the name says which of the two an alert is.
func (s *claims) readAlertmanager(n notice) error {
	for _, alert := range n.alerts {
		if name := alert.Labels["alertname"]; !alwaysFires(name) {
			return fmt.Errorf("unknown outcome: the alert %q is %s; only an alert that always fires is a heartbeat, "+
				"and its alertname must contain Watchdog, DeadMansSwitch, AlwaysFiring or Heartbeat", shown(name), n.status)
		}
	}
	s.claim = claim{kind: monitor.Success, exit: monitor.NoExitCode, word: "status=" + n.status}
	if n.status == "resolved" {
		s.kind = monitor.Fail
	}
	return nil
}

// alwaysFires reports whether an alert is named as one that always fires.
func alwaysFires(name string) bool {
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
