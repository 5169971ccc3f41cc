package manage

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
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

// QuietPeriod says how long something is quiet: for a duration from now, until a time (RFC 3339), or
// neither.
type QuietPeriod struct {
	For, Until  *string
	InputFaults monitor.Faults // found while the input was decoded
}

// minQuiet is the minimum duration of a mute or a snooze.
const minQuiet = time.Minute

// End returns the end of the period, or the zero time if it has none.
func (q QuietPeriod) End(now time.Time) (end time.Time, err error) {
	v := &validator{}
	for _, found := range q.InputFaults {
		v.add(found)
	}
	switch {
	case q.For != nil && q.Until != nil:
		v.reject("until", "Send for or until, not both.")
	case q.For != nil:
		end = now.Add(v.duration("for", *q.For, minQuiet))
	case q.Until != nil:
		if end, err = time.Parse(time.RFC3339, *q.Until); err != nil {
			v.reject("until", "Enter a time with its zone, such as 2026-03-14T08:00:00Z.")
			break
		}
		end = end.UTC().Truncate(monitor.Precision)
		if end.Before(now.Add(minQuiet)) || end.After(now.Add(maxDuration)) {
			v.reject("until", "The time must be at least %s and at most %s from now.", schedule.FormatDuration(minQuiet), schedule.FormatDuration(maxDuration))
		}
	}
	return end, v.err()
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
