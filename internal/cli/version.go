package cli

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// versionCmd prints what bug reports begin with.
type versionCmd struct{}

// Run prints the version and what it was built from.
func (versionCmd) Run(std Streams) error {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return printLine(std, "overdue (unknown build)")
	}
	return printLine(std, buildText(build))
}

// buildText reads the version control stamp that the Go command leaves in a
// binary: "overdue v1.2.0 (5f1d3c0a77b2, 2026-11-23T10:00:00Z, changed, go1.26)".
func buildText(build *debug.BuildInfo) string {
	stamp := map[string]string{}
	for _, s := range build.Settings {
		stamp[s.Key] = s.Value
	}
	about := []string{}
	if revision := stamp["vcs.revision"]; revision != "" {
		about = append(about, revision[:min(12, len(revision))], stamp["vcs.time"])
	}
	if stamp["vcs.modified"] == "true" {
		about = append(about, "changed")
	}
	about = append(about, build.GoVersion)
	return fmt.Sprintf("overdue %s (%s)", versionOf(build), strings.Join(about, ", "))
}

// versionOf names a build outside version control the way Go does.
func versionOf(build *debug.BuildInfo) string {
	if build.Main.Version == "" {
		return "(devel)"
	}
	return build.Main.Version
}

// userAgent names this program in the server's logs.
func userAgent() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "overdue"
	}
	return "overdue/" + strings.Trim(versionOf(build), "()")
}
