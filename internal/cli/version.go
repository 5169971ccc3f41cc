package cli

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// versionFlag prints the version and ends the program, before anything else of
// the command line is looked at.
type versionFlag bool

// BeforeReset is called by the parser when it finds the flag.
func (versionFlag) BeforeReset(parser *kong.Kong, std Streams) error {
	err := printLine(std, currentBuild().String())
	parser.Exit(0)
	return err
}

// versionCmd prints the version.
type versionCmd struct {
	JSON bool `name:"json" help:"Print the version as JSON."`
}

// Help is the long part of --help.
func (versionCmd) Help() string {
	return `Examples:

    overdue version
    overdue version --json`
}

// Run prints the version and what it was built from.
func (c *versionCmd) Run(std Streams) error {
	if c.JSON {
		return printJSON(std, currentBuild())
	}
	return printLine(std, currentBuild().String())
}

// releaseVersion is the version of a release, such as "v1.2.0". The linker sets it (tools/dist.sh).
// If it is empty, the version is the one that the Go command derives, which does not support
// a major version above 1 here.
var releaseVersion string

// build describes what a program was built from.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"` // of the revision
	Modified bool   `json:"modified"`       // the working tree had uncommitted changes
	Go       string `json:"go"`
}

// currentBuild describes this program.
func currentBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{Version: cmp.Or(releaseVersion, "(unknown build)")}
	}
	return newBuild(info, releaseVersion)
}

// newBuild reads the version control stamp that the Go command leaves in a binary.
// The version of a release takes precedence over the one of the Go command.
func newBuild(info *debug.BuildInfo, release string) build {
	stamp := map[string]string{}
	for _, s := range info.Settings {
		stamp[s.Key] = s.Value
	}
	b := build{
		Version: cmp.Or(release, info.Main.Version), Revision: stamp["vcs.revision"], Time: stamp["vcs.time"],
		Modified: stamp["vcs.modified"] == "true", Go: info.GoVersion,
	}
	if b.Version == "" {
		b.Version = "(devel)" // as Go names a build outside version control
	}
	return b
}

// date returns the day of the revision, or "" if it is unknown.
func (b build) date() string {
	day, _, _ := strings.Cut(b.Time, "T")
	return day
}

// String returns the build in one line:
// "overdue v1.2.0 (5f1d3c0a77b2, 2026-11-23T10:00:00Z, modified, go1.26)".
func (b build) String() string {
	var about []string
	if b.Revision != "" {
		about = append(about, b.Revision[:min(12, len(b.Revision))], b.Time)
	}
	if b.Modified {
		about = append(about, "modified")
	}
	if b.Go != "" {
		about = append(about, b.Go)
	}
	text := "overdue " + b.Version
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	return text
}

// userAgent names this program in the server's logs.
func userAgent() string {
	return fmt.Sprintf("overdue/%s", strings.Trim(currentBuild().Version, "()"))
}
