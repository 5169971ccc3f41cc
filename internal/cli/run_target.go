package cli

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"overdue/client"
)

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
