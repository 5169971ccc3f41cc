package internal

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// namedPath finds a path in inline code.
var namedPath = regexp.MustCompile("`((?:[\\w.-]+/)+[\\w.-]*)`")

func TestContributing_EveryFileOfTheListsExists(t *testing.T) {
	_, lists, found := strings.Cut(readFile(t, "CONTRIBUTING.md"), "\n## How to add")
	if !found {
		t.Fatal("CONTRIBUTING.md has no section How to add")
	}
	sections := strings.Split(lists, "\n### ")[1:]
	if len(sections) < 5 {
		t.Errorf("found %d lists; want at least 5", len(sections))
	}
	for _, section := range sections {
		title, list, _ := strings.Cut(section, "\n")
		named := namedPath.FindAllStringSubmatch(list, -1)
		if len(named) < 2 {
			t.Errorf("%s: found %d files; want at least 2", title, len(named))
		}
		for _, m := range named {
			path := m[1]
			if _, err := os.Stat("../" + path); err != nil {
				t.Errorf("%s: there is no %s", title, path)
			}
		}
	}
}

func TestContributing_EveryTargetOfTheMakefileIsKnown(t *testing.T) {
	makefile := readFile(t, "Makefile")
	for _, m := range regexp.MustCompile("`make ([a-z0-9]+)").FindAllStringSubmatch(readFile(t, "CONTRIBUTING.md")+readFile(t, "README.md"), -1) {
		if !regexp.MustCompile(`(?m)^` + m[1] + `:.*## `).MatchString(makefile) {
			t.Errorf("the Makefile has no target %s with a description", m[1])
		}
	}
}
