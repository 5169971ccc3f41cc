package manage

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
)

// faults gathers what is wrong with a request, so that all of it can be mended
// at once. About each field only the first fault is kept: what follows from it
// would only confuse.
type faults struct{ list monitor.Faults }

// add keeps a fault.
func (f *faults) add(fault *monitor.Fault) {
	if fault.Field != "" {
		for _, known := range f.list {
			if known.Field == fault.Field {
				return
			}
		}
	}
	f.list = append(f.list, fault)
}

// wrong keeps a fault about a field.
func (f *faults) wrong(field, format string, args ...any) {
	f.add(monitor.Wrong(monitor.Invalid, field, format, args...))
}

// err is nil when nothing is wrong.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.list
}

// line returns a text of one line in the form that is stored, without blanks
// around it, and without the characters that [safetext] rejects.
func (f *faults) line(field, label, text string, longest int) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		f.wrong(field, "Write a %s of 1 to %d characters.", label, longest)
	case utf8.RuneCountInString(text) > longest:
		f.wrong(field, "The %s is longer than %d characters: shorten it.", label, longest)
	default:
		if bad, found := safetext.FirstUnsafe(text); found {
			f.wrong(field, "The %s contains the character %U, which breaks the line or changes the text direction: write it in one line without this character.", label, bad)
		}
	}
	return text
}

// printable reports whether a text is sound UTF-8 without control characters,
// other than those allowed.
func printable(text, allowed string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r)
	})
}

// askable reports whether a text from a path or a query can be looked for. The
// databases refuse others with an error, and they occur in no row.
func askable(text string) bool { return printable(text, "\t\r\n") }

// absent is the fault for a thing that does not exist.
func absent(what string) error {
	return monitor.Wrong(monitor.Missing, "", "There is no such %s.", what)
}

// aboutField turns "no such thing" into a fault of the field that named it:
// what was asked for exists, what it was to be filtered by does not.
func aboutField(err error, field string) error {
	if fault, ok := errors.AsType[*monitor.Fault](err); ok && fault.Kind == monitor.Missing {
		return monitor.Wrong(monitor.Invalid, field, "%s", fault.Text)
	}
	return err
}
