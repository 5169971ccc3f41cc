package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"overdue/internal/manage"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// editConflict is a submitted form that edits an outdated version.
type editConflict struct {
	title              string             // of what is edited
	formPath, backPath string             // where the form goes, and where it came from
	version            string             // there is now
	fields             []ui.Option        // Value is the field, Label what people call it
	saved              url.Values         // as saved now, as the form would show it
	submitted          url.Values         // as it was sent
	lastChange         manage.AuditAuthor // who changed it last
	secrets            []string           // fields of yours that are not shown
	hidden             []ui.Option        // further hidden fields; Label is the name
	display            func(field string, values []string) string
}

// isStale reports whether an edit failed because its version is outdated.
func isStale(err error) bool {
	_, is := errors.AsType[*manage.StaleEdit](err)
	return is
}

// encodeOriginalValues is what a form shows, for its hidden field.
func encodeOriginalValues(values url.Values) string {
	text, _ := json.Marshal(values) // texts always marshal
	return string(text)
}

// originalValues is what the form showed when it was opened. It is nil when it does not
// say.
func (req *request) originalValues() url.Values {
	var values url.Values
	if json.Unmarshal([]byte(req.formValue(ui.OriginalValuesField)), &values) != nil {
		return nil
	}
	return values
}

// TakePrefix begins the name of the field that says whose value of another is taken.
const TakePrefix = "take."

// applyChoices puts the other person's value in the place of one's own, in the fields
// for which they chose so.
func (req *request) applyChoices() {
	opened := req.originalValues()
	for name, values := range req.r.PostForm {
		field, is := strings.CutPrefix(name, TakePrefix)
		if !is || len(values) == 0 || values[0] != "theirs" {
			continue
		}
		delete(req.r.PostForm, field)
		if kept := opened[field]; len(kept) > 0 {
			req.r.PostForm[field] = kept
		}
	}
}

// sameValues reports whether two forms say the same of a field: browsers write line
// breaks their own way.
func sameValues(a, b []string) bool {
	plain := func(values []string) []string {
		var all []string
		for _, value := range values {
			if value = strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n")); value != "" {
				all = append(all, value)
			}
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(plain(a), plain(b))
}

// isConflict reports whether anything that the form shows was changed by someone
// else, or could have been.
func (req *request) isConflict(e editConflict) bool {
	opened := req.originalValues()
	return opened == nil || len(e.secrets) > 0 || slices.ContainsFunc(e.fields, func(f ui.Option) bool {
		return !sameValues(opened[f.Value], e.saved[f.Value])
	})
}

// renderConflict shows who changed what, and asks which values to save.
func (req *request) renderConflict(e editConflict) error {
	p := layout.EditConflictPage{
		Shell: req.shell(""), Title: e.title, Action: e.formPath, CancelPath: e.backPath, ChangedBy: e.lastChange.Actor, ChangedAt: e.lastChange.At,
		Fields: append(e.hidden, ui.Option{Value: e.version, Label: ui.VersionField}, ui.Option{Value: encodeOriginalValues(e.saved), Label: ui.OriginalValuesField}),
	}
	opened := req.originalValues()
	for _, f := range e.fields {
		was, theirs, yours := opened[f.Value], e.saved[f.Value], e.submitted[f.Value]
		secret := slices.Contains(e.secrets, f.Value)
		line := layout.FieldConflict{
			Field: f.Value, Label: f.Label, Original: e.displayValue(f.Value, was), Saved: e.displayValue(f.Value, theirs), Submitted: e.displayValue(f.Value, yours),
		}
		saved := yours
		switch {
		case secret:
			line.Original, line.Saved, line.Submitted = "Not shown", "Not shown, may have changed", "Typed, not shown"
			line.Choose, saved = true, nil
		case sameValues(theirs, yours) && (opened == nil || sameValues(was, theirs)):
			line.Label = "" // nobody changed it
		case sameValues(theirs, yours):
			line.Result = "Both of you entered the same value."
		case opened != nil && sameValues(was, yours):
			line.Result, saved = "Only they changed it: their value is kept.", theirs
		case opened != nil && sameValues(was, theirs):
			line.Result = "Only you changed it: your value is kept."
		default:
			line.Choose = true
		}
		for _, value := range saved {
			p.Fields = append(p.Fields, ui.Option{Value: value, Label: f.Value})
		}
		if line.Label != "" {
			p.Conflicts = append(p.Conflicts, line)
		}
	}
	return req.renderStatus(http.StatusConflict, layout.EditConflict(p))
}

// displayValue is what a field holds, for people.
func (e editConflict) displayValue(field string, values []string) string {
	if e.display != nil {
		if text := e.display(field, values); text != "" {
			return text
		}
	}
	if len(values) == 1 && values[0] == "on" {
		return "Yes"
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" }), ", ")
}
