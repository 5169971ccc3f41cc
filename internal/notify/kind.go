package notify

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Kind is a kind of channel: its settings and how it sends.
type Kind struct {
	// Name is the name in the database and the API: "webhook".
	Name string
	// Label is the name for people: "Webhook".
	Label string
	// Help describes the kind in one sentence.
	Help string
	// AttemptTimeout limits one attempt of a kind whose receivers may need minutes. 0 means
	// the default of package deliver.
	AttemptTimeout time.Duration
	// MaxConcurrent is the maximum number of concurrent sends through one channel, for
	// receivers that take several at a time. Package deliver adapts the number to the
	// receiver. 0 means one, and more only while a send is slow.
	MaxConcurrent int
	// Fields are the settings, in the order of the form.
	Fields []Field
	// Recipients returns the recipients with separate results. Nil: the kind has a
	// single destination.
	Recipients func(set Settings) []string
	// Send makes one attempt. An error is a *SendError. Callers outside this
	// package use [Sender.Send], which validates the settings first.
	Send func(ctx context.Context, out *Sender, set Settings, n Notification) (Receipt, error)
	// Preview returns the request that Send would make, with all secrets masked. It
	// accepts incomplete settings. Nil: the kind has no preview.
	Preview func(userAgent string, set Settings, n Notification) RequestPreview
}

// Kinds returns every kind of channel, in the order of the gallery. The caller
// may modify the slice.
func Kinds() []Kind {
	return []Kind{emailKind(), webhookKind()}
}

// KindOf returns the kind with the given name.
func KindOf(name string) (Kind, bool) {
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// Field returns the field with the given name.
func (k Kind) Field(name string) (Field, bool) {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return k.Fields[i], true
}

// Prepare returns the settings of a new channel with generated values, such as
// the secret of a webhook. Existing values stay.
func (k Kind) Prepare(set Settings) Settings {
	out := maps.Clone(set)
	if out == nil {
		out = Settings{}
	}
	for _, f := range k.Fields {
		if f.Generate != nil && isEmpty(out[f.Name]) {
			out[f.Name] = f.Generate()
		}
	}
	return out
}

// Settings are the settings of one channel, as in its JSON object: each member
// is a string, a list of strings ([]any) or an object of strings
// (map[string]any).
type Settings map[string]any

// text returns a string member, or "" if it is absent or not a string.
func (s Settings) text(name string) string {
	text, _ := s[name].(string)
	return text
}

// list returns the strings of a list member.
func (s Settings) list(name string) []string {
	var out []string
	items, _ := s[name].([]any)
	for _, item := range items {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// stringMap returns the strings of an object member.
func (s Settings) stringMap(name string) map[string]string {
	out := map[string]string{}
	members, _ := s[name].(map[string]any)
	for key, value := range members {
		if text, ok := value.(string); ok {
			out[key] = text
		}
	}
	return out
}

// isEmpty reports whether the value of a member is empty.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
