package cli

import (
	"os/exec"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"overdue/client"
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

// addMissingTarget adds an empty ping URL to the arguments of "overdue run" if it was
// forgotten. Otherwise the parser would take the first word of the command for it, and the
// job would not run.
//
// The ping URL is missing if "--" comes first, or if the first word is a program and
// neither a ping URL nor an id, and no "--" follows it.
func addMissingTarget(app *kong.Application, args []string) []string {
	start := slices.IndexFunc(args, func(word string) bool { return !strings.HasPrefix(word, "-") })
	if start < 0 || args[start] != "run" {
		return args
	}
	i := skipFlags(app, args, start+1)
	switch {
	case i == len(args), args[i] != "--" && strings.HasPrefix(args[i], "-"): // an unknown flag
		return args
	case args[i] == "--":
		return slices.Insert(slices.Clone(args), i, "")
	}
	word := args[i]
	if _, err := client.PingURL("http://localhost", word); err == nil || strings.Contains(word, "://") {
		return args
	}
	if next := skipFlags(app, args, i+1); next < len(args) && args[next] == "--" {
		return args // an invalid ping URL
	}
	if _, err := exec.LookPath(word); err != nil {
		return args
	}
	return slices.Insert(slices.Clone(args), i, "", "--")
}

// skipFlags returns the index of the first word from i on that is not a flag of "run" or
// the value of one.
func skipFlags(app *kong.Application, args []string, i int) int {
	for ; i < len(args) && args[i] != "--"; i++ {
		name, _, assigned := strings.Cut(args[i], "=")
		flag := runFlag(app, name)
		if flag == nil {
			break
		}
		if !assigned && !flag.IsBool() {
			i++
		}
	}
	return min(i, len(args))
}

// runFlag returns the flag of "run" that a word such as --wait names, or nil.
func runFlag(app *kong.Application, word string) *kong.Flag {
	for _, child := range app.Children {
		if child.Name != "run" {
			continue
		}
		for _, group := range child.AllFlags(false) {
			for _, flag := range group {
				if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
					return flag
				}
			}
		}
	}
	return nil
}
