package manage

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
)

// validator gathers what is wrong with a request, so that all of it can be mended
// at once. About each field only the first fault is kept: what follows from it
// would only confuse.
type validator struct{ faults monitor.Faults }

// add keeps a fault.
func (f *validator) add(fault *monitor.Fault) {
	if fault.Field != "" {
		for _, known := range f.faults {
			if known.Field == fault.Field {
				return
			}
		}
	}
	f.faults = append(f.faults, fault)
}

// reject keeps a fault about a field.
func (f *validator) reject(field, format string, args ...any) {
	f.add(monitor.Faultf(monitor.Invalid, field, format, args...))
}

// err is nil when nothing is wrong.
func (f *validator) err() error {
	if len(f.faults) == 0 {
		return nil
	}
	return f.faults
}

// singleLine returns a text of one line in the form that is stored, without blanks
// around it, and without the characters that [safetext] rejects.
func (f *validator) singleLine(field, label, text string, longest int) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		f.reject(field, "Write a %s of 1 to %d characters.", label, longest)
	case utf8.RuneCountInString(text) > longest:
		f.reject(field, "The %s is longer than %d characters: shorten it.", label, longest)
	default:
		if bad, found := safetext.FirstUnsafe(text); found {
			f.reject(field, "The %s contains the character %U, which breaks the line or changes the text direction: write it in one line without this character.", label, bad)
		}
	}
	return text
}

// isPrintable reports whether a text is sound UTF-8 without control characters,
// other than those allowed.
func isPrintable(text, allowed string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r)
	})
}

// isSearchable reports whether a text from a path or a query can be looked for. The
// databases refuse others with an error, and they occur in no row.
func isSearchable(text string) bool { return isPrintable(text, "\t\r\n") }

// notFound is the fault for a thing that does not exist.
func notFound(what string) error {
	return monitor.Faultf(monitor.NotFound, "", "There is no such %s.", what)
}

// missingToFieldFault turns "no such thing" into a fault of the field that named it:
// what was asked for exists, what it was to be filtered by does not.
func missingToFieldFault(err error, field string) error {
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return monitor.Faultf(monitor.Invalid, field, "%s", fault.Message)
	}
	return err
}
