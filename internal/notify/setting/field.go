// Package setting describes and checks the settings of channels. Pure.
package setting

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// FieldType is the type of the value of a field, in JSON and in the form.
type FieldType string

// The types of fields. Text, URL and secret are strings in JSON, a list is a
// list of strings, and headers and labels are objects of strings.
const (
	FieldText    FieldType = "text"
	FieldURL     FieldType = "url"
	FieldSecret  FieldType = "secret"
	FieldList    FieldType = "list"
	FieldHeaders FieldType = "headers"
	// FieldTemplate is a string with line breaks.
	FieldTemplate FieldType = "template"
	FieldLabels   FieldType = "labels"
)

// Limits of the settings of one channel. No provider needs more.
const (
	MaxTextLength       = 2000   // characters of a string
	MaxTemplateLength   = 20_000 // characters of a template
	MaxItems            = 20     // entries of a list, of headers or of labels
	maxHeaderNameLength = 100    // characters of the name of a header or label
)

// Field is one setting of a kind.
type Field struct {
	Name, Label, Help, Placeholder string

	Type FieldType
	// Secret values are write-only: Mask replaces them by dots. The values of
	// headers are secret, their names are not.
	Secret bool
	// Destination fields determine where alerts are sent. A secret belongs to the
	// destination for which it was entered, see [Kind.Merge]. Every field of type
	// URL is a destination.
	Destination bool
	// Required fields must not be absent or empty.
	Required bool
	// Repeats: the items of a list keep their order, and can repeat, as arguments do.
	Repeats bool
	// Generate returns a value for a new channel without one; see [Kind.Prepare].
	Generate func() string
	// Check normalizes one string, or returns a problem: a sentence with
	// advice. It is called for each item of a list and each value of headers.
	Check func(value string) (normal, problem string)
	// CheckName does the same for the names of headers and labels.
	CheckName func(name string) (normal, problem string)
}

// Normalize returns a value in its stored form, or a problem.
func (f Field) Normalize(value any) (any, string) {
	switch f.Type {
	case FieldList:
		return f.normalList(value)
	case FieldHeaders:
		return f.normalObject(value, "header")
	case FieldTemplate:
		return f.normalTemplate(value)
	case FieldLabels:
		return f.normalObject(value, "label")
	default:
		return f.normalizeText(value)
	}
}

// normalizeText trims and checks a string.
func (f Field) normalizeText(value any) (any, string) {
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Sprintf("%s must be a string.", f.Label)
	}
	normal, problem := f.normalString(text)
	if problem != "" {
		return nil, problem
	}
	return normal, ""
}

// normalTemplate checks a text with line breaks.
func (f Field) normalTemplate(value any) (any, string) {
	text, ok := value.(string)
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case !ok:
		return nil, fmt.Sprintf("%s must be a string.", f.Label)
	case utf8.RuneCountInString(text) > MaxTemplateLength:
		return nil, fmt.Sprintf("Enter at most %d characters.", MaxTemplateLength)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }):
		return nil, "Enter a text without control characters."
	}
	return text, ""
}

// normalList checks each item and drops empty and repeated ones.
func (f Field) normalList(value any) (any, string) {
	var items []any
	switch v := value.(type) {
	case []any:
		items = v
	case []string:
		for _, item := range v {
			items = append(items, item)
		}
	default:
		return nil, fmt.Sprintf("%s must be a list of strings.", f.Label)
	}
	var out []any
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, fmt.Sprintf("%s must be a list of strings.", f.Label)
		}
		normal, problem := f.normalString(text)
		if problem != "" {
			return nil, problem
		}
		if normal != "" && (f.Repeats || !slices.Contains(out, any(normal))) {
			out = append(out, normal)
		}
	}
	if len(out) > MaxItems {
		return nil, fmt.Sprintf("Enter at most %d entries.", MaxItems)
	}
	return out, ""
}

// normalObject checks each name and value of headers or labels; what is "header" or
// "label". Names that CheckName makes equal, such as headers that differ only in letter
// case, are a problem.
func (f Field) normalObject(value any, what string) (any, string) {
	members, ok := ObjectMembers(value)
	if !ok {
		return nil, fmt.Sprintf("%s must be an object with string values.", f.Label)
	}
	if len(members) > MaxItems {
		return nil, fmt.Sprintf("Enter at most %d entries.", MaxItems)
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(members)) { // sorted, so the result is deterministic
		normal, problem := f.normalMember(name, members[name], what)
		if problem != "" {
			return nil, problem
		}
		name, _ = f.CheckName(name)
		if _, twice := out[name]; twice {
			return nil, fmt.Sprintf("The %s %s is set twice: remove one.", what, name)
		}
		out[name] = normal
	}
	return out, ""
}

// normalMember checks one name and its value. Problems contain the name, and never
// the value, which may be a credential.
func (f Field) normalMember(name string, value any, what string) (normal, problem string) {
	if utf8.RuneCountInString(name) > maxHeaderNameLength {
		return "", fmt.Sprintf("A %s name is longer than %d characters: shorten it.", what, maxHeaderNameLength)
	}
	if _, problem = f.CheckName(name); problem != "" {
		return "", problem
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Sprintf("The value of the %s %s must be a string.", what, name)
	}
	if normal, problem = f.normalString(text); problem != "" {
		return "", fmt.Sprintf("%s %s: %s", strings.ToUpper(what[:1])+what[1:], name, problem)
	}
	return normal, ""
}

// normalString trims and checks one string.
func (f Field) normalString(text string) (normal, problem string) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", ""
	case utf8.RuneCountInString(text) > MaxTextLength:
		return "", fmt.Sprintf("Enter at most %d characters.", MaxTextLength)
	case !utf8.ValidString(text) || !httpguts.ValidHeaderFieldValue(text):
		return "", "Enter a single line without control characters."
	case f.Secret && strings.Contains(text, Masked):
		return "", "Enter the secret itself: the dots only stand for a stored secret."
	case f.Check == nil:
		return text, ""
	}
	return f.Check(text)
}

// ObjectMembers returns the members of an object.
func ObjectMembers(value any) (map[string]any, bool) {
	switch v := value.(type) {
	case map[string]any:
		return v, true
	case map[string]string:
		out := map[string]any{}
		for name, text := range v {
			out[name] = text
		}
		return out, true
	}
	return nil, false
}
