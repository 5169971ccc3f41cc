package ui

import "context"

// HeldFormField is the hidden field with a form that the server keeps for later,
// encrypted.
const HeldFormField = "held_form"

// FormOrigin identifies the page that a form was rendered for. Every form of a
// signed-in person carries it: the form then acts on what its page showed, even
// if another tab has opened another project since.
type FormOrigin struct {
	Project string // key of the project that the page showed
	Person  string // id of the person who was signed in
	Page    string // address of the page that the form is on
}

// Names of the hidden fields of a form origin.
const (
	OriginProjectField = "project"
	OriginPersonField  = "person"
	OriginPageField    = "from"
)

// originKey is the context key of the origin.
type originKey struct{}

// WithOrigin returns a context. Forms that are rendered with it carry o.
func WithOrigin(ctx context.Context, o FormOrigin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// WithOriginProbe returns a context without an origin. used is set when a form is rendered
// with it: then the result is not for several people.
func WithOriginProbe(ctx context.Context, used *bool) context.Context {
	return context.WithValue(ctx, originKey{}, used)
}

// formOrigin returns the hidden fields of a form. Their values are empty if the
// context has no origin.
func formOrigin(ctx context.Context) []Option {
	o, _ := ctx.Value(originKey{}).(FormOrigin)
	if used, isProbe := ctx.Value(originKey{}).(*bool); isProbe {
		*used = true
	}
	return []Option{{o.Project, OriginProjectField}, {o.Person, OriginPersonField}, {o.Page, OriginPageField}}
}

// Names of the hidden fields of a form that edits something: the version that it
// shows, and the values that it showed.
const (
	VersionField        = "version"
	OriginalValuesField = "shown"
)
