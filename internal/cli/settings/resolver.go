// Package settings finds the values of settings: in the environment, in files that
// contain a secret, and in the configuration file. It is the only place that reads
// them.
//
// Two tags of a flag say where its value can come from. setting:"file" allows the
// environment and the configuration file, setting:"env" only the environment; a flag
// without the tag can only be set on the command line. secret:"" adds the variable
// that ends in _FILE.
package settings

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix begins the name of every environment variable of Overdue.
const envPrefix = "OVERDUE_"

const (
	settingTag = "setting"
	secretTag  = "secret"
	fromFile   = "file"
)

// Variable returns the environment variable of a flag: OVERDUE_SMTP_URL for smtp-url.
func Variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Help returns the help of a flag with the names of its environment variables.
func Help(v *kong.Value) string {
	if !v.Tag.Has(settingTag) {
		return v.Help
	}
	names := "$" + Variable(v.Name)
	if v.Tag.Has(secretTag) {
		names += ", $" + Variable(v.Name) + "_FILE"
	}
	return v.Help + " (" + names + ")"
}

// Resolver returns the values of flags that are not on the command line.
//
// It is one resolver for all sources: with separate ones, the parser would prefer
// the configuration file to the environment.
type Resolver struct {
	environment map[string]string // variables of Overdue that are not empty
	file        map[string]fileValue
	path        string // of the configuration file; empty: none
	flags       []string
}

// fileValue is one value in the configuration file.
type fileValue struct {
	value string
	line  int
}

// NewResolver reads the environment and the configuration file that ctx names. An
// unknown variable is an error. With unknownAllowed, it is a warning: a typo must not
// stop a job. warn also receives the secrets that other users can read.
func NewResolver(ctx *kong.Context, unknownAllowed bool, warn func(format string, args ...any)) (*Resolver, error) {
	r := &Resolver{environment: overdueVariables(os.Environ())}
	if err := r.rejectUnknownVariables(ctx.Model); err != nil {
		if !unknownAllowed {
			return nil, err
		}
		warn("%v", err)
	}
	if r.path = r.configPath(ctx); r.path != "" {
		var err error
		if r.file, err = readConfig(r.path, flagNames(ctx.Model, isFileSetting)); err != nil {
			return nil, err
		}
	}
	for _, p := range ctx.Path {
		if p.Flag != nil {
			r.flags = append(r.flags, "--"+p.Flag.Name)
		}
	}
	for _, sentence := range r.exposedSecrets(ctx) {
		warn("%s", sentence)
	}
	return r, nil
}

// Sources says in one line where settings were found, without their values.
func (r *Resolver) Sources() string {
	var found []string
	if len(r.flags) > 0 {
		found = append(found, "flags "+strings.Join(r.flags, ", "))
	}
	if len(r.environment) > 0 {
		found = append(found, "variables "+strings.Join(sortedKeys(r.environment), ", "))
	}
	if r.path != "" {
		found = append(found, r.path+" with "+strings.Join(sortedKeys(r.file), ", "))
	}
	if len(found) == 0 {
		return "only defaults: no flag, variable or configuration file was found"
	}
	return "found: " + strings.Join(found, "; ")
}

// Validate implements [kong.Resolver]. NewResolver has rejected unknown names.
func (r *Resolver) Validate(*kong.Application) error { return nil }

// Resolve implements [kong.Resolver]. It returns nil if no source has a value.
func (r *Resolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	var none any
	if !flag.Tag.Has(settingTag) {
		return none, nil
	}
	value, source, err := r.lookup(flag)
	if err != nil || source == "" {
		return none, err
	}
	// Parse it here first: the error of the parser would name the flag, not the source.
	trial := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: value})
	if err := flag.Parse(trial, reflect.New(flag.Target.Type()).Elem()); err != nil {
		return none, fmt.Errorf("%s: %w", source, err)
	}
	return value, nil
}

// lookup returns the value of the first source that has one. source is empty if none
// does.
func (r *Resolver) lookup(flag *kong.Flag) (value, source string, err error) {
	name := Variable(flag.Name)
	value, inVariable := r.environment[name]
	path, inFile := r.environment[name+"_FILE"]
	switch {
	case inVariable && inFile && flag.Tag.Has(secretTag):
		return "", "", fmt.Errorf("%s and %s_FILE exclude each other: set only one of them", name, name)
	case inVariable:
		return value, name, nil
	case inFile && flag.Tag.Has(secretTag):
		text, err := os.ReadFile(path)
		if err != nil {
			return "", "", fmt.Errorf("%s_FILE: %w", name, err)
		}
		return strings.TrimRight(string(text), "\r\n"), name + "_FILE", nil
	}
	if e, ok := r.file[flag.Name]; ok && flag.Tag.Get(settingTag) == fromFile {
		return e.value, fmt.Sprintf("%s:%d: %s", r.path, e.line, flag.Name), nil
	}
	return "", "", nil
}

// overdueVariables returns the variables of Overdue. An empty variable counts as not
// set, because "${SMTP_URL:-}" in a compose file means that.
func overdueVariables(environ []string) map[string]string {
	found := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, envPrefix) && value != "" {
			found[name] = value
		}
	}
	return found
}

// configPath returns the path in --config or its variable. It is empty if there is
// none, or if the command has no --config.
func (r *Resolver) configPath(ctx *kong.Context) string {
	if !slices.ContainsFunc(ctx.Flags(), func(f *kong.Flag) bool { return f.Name == "config" }) {
		return ""
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			return ctx.Value(p).String()
		}
	}
	return r.environment[Variable("config")]
}

// rejectUnknownVariables returns an error for the first variable that belongs to no
// flag of any command.
func (r *Resolver) rejectUnknownVariables(app *kong.Application) error {
	known := []string{}
	for _, name := range flagNames(app, IsSetting) {
		known = append(known, Variable(name))
	}
	for _, name := range flagNames(app, isSecret) {
		known = append(known, Variable(name)+"_FILE")
	}
	for _, name := range sortedKeys(r.environment) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("environment variable %s: unknown%s", name, didYouMean(name, known))
		}
	}
	return nil
}

// IsSetting reports whether the environment can set a flag.
func IsSetting(f *kong.Flag) bool { return f.Tag.Has(settingTag) }

func isFileSetting(f *kong.Flag) bool { return f.Tag.Get(settingTag) == fromFile }
func isSecret(f *kong.Flag) bool      { return f.Tag.Has(settingTag) && f.Tag.Has(secretTag) }

// flagNames returns the names of the flags of all commands that pass the test, sorted.
// It covers all commands, because one environment often serves several of them.
func flagNames(app *kong.Application, test func(*kong.Flag) bool) []string {
	found := []string{}
	for _, leaf := range app.Leaves(false) {
		for _, group := range leaf.AllFlags(false) {
			for _, flag := range group {
				if test(flag) {
					found = append(found, flag.Name)
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
