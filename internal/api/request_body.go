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
	"overdue/internal/safetext"
)

// maxUnknownMembers is the maximum number of unknown members that one answer names.
const maxUnknownMembers = 20

// member is one member of a JSON object.
type member struct {
	name     string
	value    reflect.Value // a pointer or a map, which stays nil if the member is missing
	nullable bool          // null sets the zero value
}

// membersOf returns the members of the struct at into, whose fields are pointers and maps.
func membersOf(into any) []member {
	var members []member
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			members = append(members, member{name, v.Field(i), field.Tag.Get("nullable") == "true"})
		}
	}
	return members
}

// decodeObject decodes a JSON object into its members and returns their faults. The error is
// a body that is not a JSON object.
func decodeObject(body []byte, members []member) (monitor.Faults, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil {
		return nil, notAnObject(err)
	}
	if given == nil { // null
		return nil, notAnObject(nil)
	}
	var faults monitor.Faults
	var known []string
	for _, m := range members {
		known = append(known, m.name)
		raw, set := given[m.name]
		delete(given, m.name)
		if !set {
			continue
		}
		if text := decodeMember(raw, m.value, m.nullable); text != "" {
			faults = append(faults, monitor.Faultf(monitor.Invalid, m.name, "%s", text))
		}
	}
	for i, name := range slices.Sorted(maps.Keys(given)) {
		if i == maxUnknownMembers {
			break
		}
		faults = append(faults, monitor.Faultf(monitor.Invalid, safetext.Shorten(name, maxEcho), "Unknown member %q. Known members: %s.", safetext.Shorten(name, maxEcho), strings.Join(known, ", ")))
	}
	return faults, nil
}

// notAnObject returns the answer to a body that is not a JSON object.
func notAnObject(err error) *httpd.Problem {
	text := "The body must be a JSON object."
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		text = "The body is not valid JSON: " + syntax.Error() + " at byte " + strconv.FormatInt(syntax.Offset, 10) + "."
	}
	return httpd.NewProblem(http.StatusBadRequest, text)
}

// decodeMember decodes one value, or returns what to write instead.
func decodeMember(raw json.RawMessage, v reflect.Value, nullable bool) string {
	if string(raw) == "null" {
		if !nullable {
			return "null is not allowed: omit the member."
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
		return `Must be a whole number of seconds, or a text such as "24h", "10m", "1d" or "PT5M".`
	case kind == reflect.TypeFor[stringOrList]():
		return "Must be a list of strings, one for each line."
	case kind.Kind() == reflect.Int:
		return "Must be a whole number."
	case kind.Kind() == reflect.Bool:
		return "Must be true or false."
	case kind == reflect.TypeFor[[]stepSettings]():
		return "Must be a list of objects with the members after, channels and repeat_every."
	case kind.Kind() == reflect.Slice:
		return "Must be a list of strings."
	case kind.Kind() == reflect.Map:
		return "Must be an object."
	}
	return "Must be a string."
}

// duration is a duration as sent: seconds or a text. Empty means that it is removed.
type duration string

var errNoDuration = errors.New("must be a number or a string")

// UnmarshalJSON accepts a number of seconds or a text.
func (d *duration) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			text = " " // which is rejected as a duration
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

// text returns the duration for package manage, nil if the member is missing.
func (d *duration) text() *string { return (*string)(d) }

// Schema describes a duration in the OpenAPI document. Whether it may be null is described
// by its member.
func (duration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeInteger, Description: "Seconds"},
		{Type: huma.TypeString, Description: `Such as "24h", "10m", "1d", "1h 30m" or "PT5M"`},
	}}
}
