package manage

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
)

// validator collects the faults of an input, so that people can correct all of them at
// once. It keeps only the first fault of each field: the others usually follow from it.
type validator struct{ faults monitor.Faults }

// add keeps a fault.
func (v *validator) add(fault *monitor.Fault) {
	if fault.Field != "" {
		for _, known := range v.faults {
			if known.Field == fault.Field {
				return
			}
		}
	}
	v.faults = append(v.faults, fault)
}

// reject adds a fault of a field.
func (v *validator) reject(field, format string, args ...any) {
	v.add(monitor.Faultf(monitor.Invalid, field, format, args...))
}

// err returns the faults, or nil if there are none.
func (v *validator) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	return v.faults
}

// singleLine validates a text of one line. It returns the text without surrounding blanks,
// as it is stored. Characters that [safetext] considers unsafe are rejected.
func (v *validator) singleLine(field, label, text string, longest int) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		v.reject(field, "Enter a %s of 1 to %d characters.", label, longest)
	case utf8.RuneCountInString(text) > longest:
		v.reject(field, "The %s is longer than %d characters: shorten it.", label, longest)
	default:
		if bad, found := safetext.FirstUnsafe(text); found {
			v.reject(field, "The %s contains the character %U, which breaks the line or changes the text direction: write it in one line without this character.", label, bad)
		}
	}
	return text
}

// isPrintable reports whether a text is valid UTF-8 without control characters other than
// the allowed ones.
func isPrintable(text, allowed string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r)
	})
}

// isSearchable reports whether a text from a path or a query can be passed to the database.
// Other texts occur in no row, and the databases reject them with an error.
func isSearchable(text string) bool { return isPrintable(text, "\t\r\n") }

// notFound returns the fault for an object that does not exist.
func notFound(what string) error {
	return monitor.Faultf(monitor.NotFound, "", "There is no such %s.", what)
}

// missingToFieldFault turns a NotFound fault into a fault of the field that contained the
// id: the requested list exists, the object to filter by does not.
func missingToFieldFault(err error, field string) error {
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.NotFound {
		return monitor.Faultf(monitor.Invalid, field, "%s", fault.Message)
	}
	return err
}
