package manual_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"overdue/internal/api"
	"overdue/internal/prose"
)

// documents returns all Markdown files of the repository by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all, err := prose.Files("../..", ".md")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// flagsOf returns the flags of each command, by its words.
func flagsOf(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, command := range commands(t) {
		all[strings.Join(command, " ")] = helpFlags(t, command...)
	}
	return all
}

// overdueCommand finds a call of the program, up to the end of the code or the
// command that it runs.
var overdueCommand = regexp.MustCompile("(?:^|[\\s`/])overdue ([a-z-]+(?: [a-z-]+)?)((?: [^`\n]*)?)")

// flagName matches the names of flags.
var flagName = regexp.MustCompile(`(?:^|[\s\[|(])(--[a-z][a-z-]*)`)

func TestDocuments_CallCommandsWithFlagsThatExist(t *testing.T) {
	flags, called := flagsOf(t), 0
	for path, text := range documents(t) {
		for _, m := range overdueCommand.FindAllStringSubmatch(text, -1) {
			name, arguments := m[1], m[2]
			if flags[name] == nil {
				first, rest, _ := strings.Cut(name, " ")
				name, arguments = first, " "+rest+arguments
			}
			if flags[name] == nil {
				continue // the name of the product in a sentence
			}
			arguments, _, _ = strings.Cut(arguments, " -- ")
			arguments, _, _ = strings.Cut(arguments, " #")
			for _, f := range flagName.FindAllStringSubmatch(arguments, -1) {
				called++
				if f[1] != "--help" && !slices.Contains(flags[name], f[1]) {
					t.Errorf("%s: overdue %s has no flag %s", path, name, f[1])
				}
			}
		}
	}
	if called < 20 {
		t.Fatalf("found only %d flags", called)
	}
}

// foreignFlags are flags of other programs that documents name alone.
var foreignFlags = []string{"--retry", "--retry-connrefused", "--retry-all-errors", "--retry-max-time", "--root"}

func TestDocuments_NameFlagsThatExist(t *testing.T) {
	known := slices.Clone(foreignFlags)
	for _, flags := range flagsOf(t) {
		known = append(known, flags...)
	}
	for path, text := range documents(t) {
		for _, m := range regexp.MustCompile("`(--[a-z][a-z-]*)[^`]*`").FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known, m[1]) && !slices.Contains(known, strings.Replace(m[1], "--no-", "--", 1)) {
				t.Errorf("%s: no command has the flag %s", path, m[1])
			}
		}
	}
}

func TestDocuments_NameSettingsThatExist(t *testing.T) {
	var known []string
	for _, command := range commands(t) {
		known = append(known, variablePattern.FindAllString(commandHelp(t, command...), -1)...)
	}
	for path, text := range documents(t) {
		for _, name := range variablePattern.FindAllString(text, -1) {
			if !slices.Contains(known, strings.TrimSuffix(name, "_")) && name != "OVERDUE_" {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
	}
}

// apiPath finds paths of the API. $B is the base address in the README.
var apiPath = regexp.MustCompile(`(?:/api/v1|\$B)((?:/[A-Za-z0-9{}_.$-]+)*)`)

// parameter finds the segments of a path that stand for a value.
var parameter = regexp.MustCompile(`/(?:\{[a-z-]+\}|[A-Z][A-Z-]*|\$\w+|[0-9]+|[0-9a-f]{8}-[0-9a-f-]*)(/|$)`)

// withoutValues replaces each value in a path with *.
func withoutValues(path string) string {
	for parameter.MatchString(path) {
		path = parameter.ReplaceAllString(path, "/*$1")
	}
	return path
}

func TestDocuments_NameEndpointsThatExist(t *testing.T) {
	answer := httptest.NewRecorder()
	api.New(api.Options{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, api.Prefix+"/openapi.json", nil))
	var description struct{ Paths map[string]any }
	if err := json.Unmarshal(answer.Body.Bytes(), &description); err != nil {
		t.Fatal(err)
	}
	known := []string{"", "/openapi.json", "/hb"}
	for path := range description.Paths {
		known = append(known, withoutValues(path))
	}
	named := 0
	for path, text := range documents(t) {
		for _, m := range apiPath.FindAllStringSubmatch(text, -1) {
			named++
			got := withoutValues(strings.TrimRight(m[1], "."))
			if !slices.ContainsFunc(known, func(want string) bool { return matchesPath(want, got) }) {
				t.Errorf("%s: the API has no path %s", path, m[0])
			}
		}
	}
	if named < 50 {
		t.Fatalf("found only %d paths", named)
	}
}

// matchesPath reports whether got is the path want, in which * stands for any segment.
func matchesPath(want, got string) bool {
	w, g := strings.Split(want, "/"), strings.Split(got, "/")
	return slices.EqualFunc(w, g, func(a, b string) bool { return a == "*" || a == b })
}

// TestDocuments_NameMetricsThatExist compares with the table of the manual, which
// lists exactly the metrics of the program.
func TestDocuments_NameMetricsThatExist(t *testing.T) {
	table := regexp.MustCompile("(?m)^\\| `(overdue_\\w+)").FindAllStringSubmatch(readPage(t, "operations.md"), -1)
	for path, text := range documents(t) {
		for _, name := range regexp.MustCompile(`\boverdue_[a-z_]+`).FindAllString(text, -1) {
			if !slices.ContainsFunc(table, func(m []string) bool { return m[1] == name }) {
				t.Errorf("%s: there is no metric %s", path, name)
			}
		}
	}
}
