package notify

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/provider"
	"overdue/internal/notify/setting"
)

// Kind is a kind of channel: its settings and how it sends.
type Kind struct {
	// Name is the name in the database and the API: "webhook".
	Name string
	// Label is the name for people: "Webhook".
	Label string
	// Group is the section of the gallery.
	Group provider.Group
	// Help describes the kind in one sentence. Setup are the steps to get the values of the
	// fields.
	Help  string
	Setup []string
	// Can lists what the kind can do.
	Can provider.Abilities
	// AttemptTimeout limits one attempt of a kind whose receivers may need minutes. 0 means
	// the default of package deliver.
	AttemptTimeout time.Duration
	// MaxConcurrent is the maximum number of concurrent sends through one channel, for
	// receivers that take several at a time. Package deliver adapts the number to the
	// receiver. 0 means one, and more only while a send is slow.
	MaxConcurrent int
	// Fields are the settings, in the order of the form.
	Fields []setting.Field
	// Check finds problems that concern several fields. Nil: there are none to find.
	Check func(set setting.Values) []setting.Problem
	// Recipients returns the recipients with separate results. Nil: the kind has a
	// single destination.
	Recipients func(set setting.Values) []string
	// Send makes one attempt. An error is a *SendError. Callers outside this
	// package use [Sender.Send], which validates the settings first.
	Send func(ctx context.Context, out *Sender, set setting.Values, n message.Notification) (Receipt, error)
	// Preview returns the request that Send would make, with all secrets masked. It
	// accepts incomplete settings. Nil: the kind has no preview.
	Preview func(userAgent string, set setting.Values, n message.Notification) RequestPreview
	// ResendEvery is the interval at which open incidents are sent again, because the
	// receiver forgets them. 0: it does not.
	ResendEvery time.Duration
	// Resend sends open incidents again, with few requests. An error is a *SendError.
	Resend func(ctx context.Context, out *Sender, set setting.Values, all []message.Notification, now time.Time) (Receipt, error)
}

// Kinds returns every kind of channel, in the order of the gallery. The caller
// may modify the slice.
func Kinds() []Kind { return slices.Clone(allKinds()) }

// ResentKinds returns the kinds whose open incidents are sent again.
func ResentKinds() []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool { return k.ResendEvery == 0 })
}

// KindOf returns the kind with the given name.
func KindOf(name string) (Kind, bool) {
	k, known := kindsByName()[name]
	return k, known
}

// allKinds returns every kind of channel.
var allKinds = sync.OnceValue(func() []Kind {
	all := []Kind{emailKind(), webhookKind(), execKind()}
	for _, s := range provider.All() {
		all = append(all, serviceKind(s))
	}
	return all
})

// kindsByName returns the kinds by name.
var kindsByName = sync.OnceValue(func() map[string]Kind {
	all := map[string]Kind{}
	for _, k := range allKinds() {
		all[k.Name] = k
	}
	return all
})

// Field returns the field with the given name.
func (k Kind) Field(name string) (setting.Field, bool) {
	i := slices.IndexFunc(k.Fields, func(f setting.Field) bool { return f.Name == name })
	if i < 0 {
		return setting.Field{}, false
	}
	return k.Fields[i], true
}

// Prepare returns the settings of a new channel with generated values, such as
// the secret of a webhook. Existing values stay.
func (k Kind) Prepare(set setting.Values) setting.Values {
	out := maps.Clone(set)
	if out == nil {
		out = setting.Values{}
	}
	for _, f := range k.Fields {
		if f.Generate != nil && setting.IsEmpty(out[f.Name]) {
			out[f.Name] = f.Generate()
		}
	}
	return out
}
