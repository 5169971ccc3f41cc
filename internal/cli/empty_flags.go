package cli

import (
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"overdue/internal/cli/settings"
)

// emptyTag marks a flag whose value can be empty: the text of a ping, or a setting that an
// empty value clears.
const emptyTag = "empty"

// rejectEmptyFlags returns an error for a flag that was given with an empty value, as by
// --tag "$UNSET". Commands treat an empty value as a flag that was not given, so they would
// ignore it. For a setting of the environment, that is the meaning of an empty flag.
func rejectEmptyFlags(parsed *kong.Context) error {
	for _, p := range parsed.Path {
		flag := p.Flag
		if flag == nil || flag.Tag.Has(emptyTag) || settings.IsSetting(flag) || !hasEmptyValue(parsed.Value(p)) {
			continue
		}
		advice := "write --" + flag.Name + " " + flag.PlaceHolder
		if flag.Tag.Has(durationTag) {
			advice = "write a duration, such as 15m"
		}
		if flag.Tag.Has(unsetTag) && slices.ContainsFunc(parsed.Flags(), func(f *kong.Flag) bool { return f.Name == "unset" }) {
			advice += ", or reset it with --unset " + flag.Name
		}
		return usageError("--%s must not be empty: %s", flag.Name, advice)
	}
	return nil
}

// hasEmptyValue reports whether a value is an empty text, or a list without items or with
// an empty one.
func hasEmptyValue(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Pointer:
		return !value.IsNil() && hasEmptyValue(value.Elem())
	case reflect.String:
		return value.Len() == 0
	case reflect.Slice:
		for i := range value.Len() {
			if hasEmptyValue(value.Index(i)) {
				return true
			}
		}
		return value.Len() == 0
	}
	return false
}

// valueOf returns the value of a flag, or the zero value if the flag was not given.
func valueOf[T any](flag *T) T {
	var value T
	if flag != nil {
		value = *flag
	}
	return value
}
