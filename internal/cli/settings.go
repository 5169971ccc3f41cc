package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// variablePrefix begins the name of every environment variable that is ours.
const variablePrefix = "OVERDUE_"

// Flags carry two tags of ours. setting:"file" may come from the environment
// and the file, setting:"env" only from the environment; a flag without it only
// from the command line. secret:"" adds the variable that ends in _FILE.
const (
	settingTag      = "setting"
	secretTag       = "secret"
	settingFromFile = "file"
)

// variableName is the environment variable of a flag: --smtp-url is OVERDUE_SMTP_URL.
func variableName(name string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// helpWithVariables adds the environment variables to the help of a flag.
func helpWithVariables(v *kong.Value) string {
	if !v.Tag.Has(settingTag) {
		return v.Help
	}
	names := "$" + variableName(v.Name)
	if v.Tag.Has(secretTag) {
		names += ", $" + variableName(v.Name) + "_FILE"
	}
	return v.Help + " (" + names + ")"
}

// settingsResolver finds the values of flags that the command line left open.
//
// It is one resolver, not one per source: a parser that knows environment tags
// and a file lets the file win, which is the wrong way round.
type settingsResolver struct {
	environment map[string]string // ours only, empty ones left out
	file        map[string]fileValue
	path        string // of the file, for messages
}

// fileValue is one value in the file, with the line to blame.
type fileValue struct {
	value string
	line  int
}

// Validate has nothing left to do: unknown names were refused before anything
// was resolved.
func (s *settingsResolver) Validate(*kong.Application) error { return nil }

// Resolve returns the value for a flag as text, or nil if no source has one.
func (s *settingsResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	var none any
	if !flag.Tag.Has(settingTag) {
		return none, nil
	}
	value, source, err := s.lookup(flag)
	if err != nil || source == "" {
		return none, err
	}
	// Tried here first, because the parser's own message would name the flag,
	// which the operator never typed.
	trial := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: value})
	if err := flag.Parse(trial, reflect.New(flag.Target.Type()).Elem()); err != nil {
		return none, fmt.Errorf("%s: %w", source, err)
	}
	return value, nil
}

// lookup looks through the sources in their order. source is empty if none has
// the value.
func (s *settingsResolver) lookup(flag *kong.Flag) (value, source string, err error) {
	name := variableName(flag.Name)
	value, given := s.environment[name]
	path, pointed := s.environment[name+"_FILE"]
	switch {
	case given && pointed && flag.Tag.Has(secretTag):
		return "", "", fmt.Errorf("%s and %s_FILE: give one of the two", name, name)
	case given:
		return value, name, nil
	case pointed && flag.Tag.Has(secretTag):
		text, err := os.ReadFile(path)
		if err != nil {
			return "", "", fmt.Errorf("%s_FILE: %w", name, err)
		}
		return strings.TrimRight(string(text), "\r\n"), name + "_FILE", nil
	}
	if e, ok := s.file[flag.Name]; ok && flag.Tag.Get(settingTag) == settingFromFile {
		return e.value, fmt.Sprintf("%s:%d: %s", s.path, e.line, flag.Name), nil
	}
	return "", "", nil
}

// BeforeResolve collects the settings of the environment and the file. The
// parser calls it once, when it knows which command is meant.
func (g *commandLine) BeforeResolve(ctx *kong.Context, std Streams) error {
	s := &settingsResolver{environment: overdueVariables(os.Environ())}
	if err := s.rejectUnknownVariables(ctx.Model); err != nil {
		if selected := ctx.Selected(); selected == nil || selected.Name != "run" {
			return err
		}
		warn(std, "%v", err) // never a reason not to run the job
	}
	if s.path = s.configPath(ctx); s.path != "" {
		var err error
		if s.file, err = readConfig(s.path, flagNames(ctx.Model, isFileSetting)); err != nil {
			return err
		}
	}
	for _, sentence := range s.exposedSecrets(ctx) {
		warn(std, "%s", sentence)
	}
	ctx.AddResolver(s)
	return nil
}

// overdueVariables keeps the variables that belong to Overdue. An empty variable counts as
// not given: that is what "${SMTP_URL:-}" in a compose file means by it.
func overdueVariables(environ []string) map[string]string {
	found := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, variablePrefix) && value != "" {
			found[name] = value
		}
	}
	return found
}

// configPath is the path that --config names, or its variable; empty if none
// does or the command takes no file.
func (s *settingsResolver) configPath(ctx *kong.Context) string {
	takes := slices.ContainsFunc(ctx.Flags(), func(f *kong.Flag) bool { return f.Name == "config" })
	if !takes {
		return ""
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			return ctx.Value(p).String()
		}
	}
	return s.environment[variableName("config")]
}

// rejectUnknownVariables names the first variable that no flag of any command knows.
func (s *settingsResolver) rejectUnknownVariables(app *kong.Application) error {
	known := []string{}
	for _, name := range flagNames(app, isSetting) {
		known = append(known, variableName(name))
	}
	for _, name := range flagNames(app, isSecret) {
		known = append(known, variableName(name)+"_FILE")
	}
	given := []string{}
	for name := range s.environment {
		given = append(given, name)
	}
	slices.Sort(given)
	for _, name := range given {
		if !slices.Contains(known, name) {
			return fmt.Errorf("environment variable %s: unknown%s", name, didYouMean(name, known))
		}
	}
	return nil
}

// The three kinds of flags that have a name outside the command line.
func isSetting(f *kong.Flag) bool     { return f.Tag.Has(settingTag) }
func isFileSetting(f *kong.Flag) bool { return f.Tag.Get(settingTag) == settingFromFile }
func isSecret(f *kong.Flag) bool      { return f.Tag.Has(settingTag) && f.Tag.Has(secretTag) }

// flagNames lists the flags of all commands that pass the test, each once, sorted.
// All commands, because one environment often serves several of them.
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
