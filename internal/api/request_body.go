package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"overdue/internal/httpd"
	"overdue/internal/monitor"
)

// maxUnknownMembers bounds how many members that do not exist are named in one answer.
const maxUnknownMembers = 20

// decodeObject reads a JSON object into the struct at into, member by member, and
// returns every member that is not as it should be. Its fields are pointers and
// maps: what was absent stays nil. A null is the zero value where the field is
// tagged nullable. The error is a body that is no JSON object at all.
func decodeObject(body []byte, into any) (monitor.Faults, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, notAnObject(err)
	}
	if members == nil { // null
		return nil, notAnObject(nil)
	}
	var found monitor.Faults
	var known []string
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		known = append(known, name)
		raw, given := members[name]
		delete(members, name)
		if text := ""; given {
			if text = decodeMember(raw, v.Field(i), field.Tag.Get("nullable") == "true"); text != "" {
				found = append(found, monitor.Faultf(monitor.Invalid, name, "%s", text))
			}
		}
	}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i == maxUnknownMembers {
			break
		}
		found = append(found, monitor.Faultf(monitor.Invalid, shortenEcho(name), "There is no member %q here. There are: %s.", shortenEcho(name), strings.Join(known, ", ")))
	}
	return found, nil
}

// notAnObject is the answer to a body that cannot be read at all.
func notAnObject(err error) *httpd.Problem {
	text := "Send a JSON object."
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		text = "The body is not JSON: " + syntax.Error() + " at byte " + strconv.FormatInt(syntax.Offset, 10) + "."
	}
	return httpd.NewProblem(http.StatusBadRequest, text)
}

// decodeMember reads one value, or says what to write instead.
func decodeMember(raw json.RawMessage, v reflect.Value, nullable bool) string {
	if string(raw) == "null" {
		if !nullable {
			return "Leave it out rather than write null."
		}
		v.Set(reflect.New(v.Type().Elem()))
		return ""
	}
	if json.Unmarshal(raw, v.Addr().Interface()) == nil {
		return ""
	}
	kind := v.Type()
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case kind == reflect.TypeFor[duration]():
		return `Write seconds as a whole number, or a text such as "24h", "10m", "1d" or "PT5M".`
	case kind == reflect.TypeFor[stringOrList]():
		return "Write a list of texts, one for each line."
	case kind.Kind() == reflect.Int:
		return "Write a whole number."
	case kind.Kind() == reflect.Bool:
		return "Write true or false."
	case kind.Kind() == reflect.Int:
		return "Write a whole number."
	case kind.Kind() == reflect.Slice:
		return "Write a list of texts."
	case kind.Kind() == reflect.Map:
		return "Write an object."
	}
	return "Write a text."
}

// duration is a length of time as somebody wrote it: seconds or a text. Empty
// is none.
type duration string

var errNoDuration = errors.New("neither a number nor a text")

// UnmarshalJSON takes a number of seconds or a text.
func (d *duration) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			text = " " // so that it is read, and refused, as a duration
		}
		*d = duration(text)
		return nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds != float64(int64(seconds)) {
		return errNoDuration
	}
	*d = duration(strconv.FormatInt(int64(seconds), 10))
	return nil
}

// text is the duration for package manage, nil when it was not given.
func (d *duration) text() *string { return (*string)(d) }

// Schema describes it in the document. That it may be null is said beside it.
func (duration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeInteger, Description: "Seconds"},
		{Type: huma.TypeString, Description: `Such as "24h", "10m", "1d", "1h 30m" or "PT5M"`},
	}}
}
