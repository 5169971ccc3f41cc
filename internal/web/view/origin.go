package view

import "context"

// FormOrigin is what a form was drawn for. Every form of a signed-in person
// carries it, so that pressing its button acts on what the page showed, whatever
// other tabs have done to the session meanwhile.
type FormOrigin struct {
	Project string // key of the project that the page showed
	Person  string // id of whoever was signed in
	Page    string // address of the page that the form is on
}

// The hidden fields of an origin.
const (
	OriginProjectField = "project"
	OriginPersonField  = "person"
	OriginPageField    = "from"
)

// originKey is where a context keeps the origin.
type originKey struct{}

// WithOrigin returns a context in which the forms that are drawn carry o.
func WithOrigin(ctx context.Context, o FormOrigin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// originFields are the hidden fields of a form.
func originFields(ctx context.Context) []Option {
	o, _ := ctx.Value(originKey{}).(FormOrigin) // without one there are no fields
	return []Option{{o.Project, OriginProjectField}, {o.Person, OriginPersonField}, {o.Page, OriginPageField}}
}

// The hidden fields of a form that shows what is saved and then replaces it: of
// which version it is, and what it showed.
const (
	VersionField        = "version"
	OriginalValuesField = "shown"
)
