package manual_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commandPages are the documents with a table of commands and one of settings.
func commandPages(t *testing.T) map[string]string {
	t.Helper()
	readme := documents(t)["README.md"]
	return map[string]string{
		"README.md":        readme,
		"docs/manual/*.md": readPage(t, "command-line.md") + readPage(t, "configuration.md"),
	}
}

// rowsOf returns the rows of all tables whose first cell contains a text.
func rowsOf(text, first string) []string {
	var rows []string
	for line := range strings.Lines(text) {
		if cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), " | "); strings.HasPrefix(line, "|") && strings.Contains(cell, first) {
			rows = append(rows, line)
		}
	}
	return rows
}

func TestDocuments_ListEveryCommandInTheirTables(t *testing.T) {
	for path, text := range commandPages(t) {
		for _, command := range commands(t) {
			// The page of a table that says how to get help need not repeat it.
			if command[0] != "help" && len(rowsOf(text, "overdue "+command[0])) == 0 {
				t.Errorf("%s: no table lists overdue %s", path, command[0])
			}
		}
	}
}

func TestDocuments_NameTheCommandsOfTheSettingsOfClients(t *testing.T) {
	for path, text := range commandPages(t) {
		for _, flag := range []string{"--url", "--api-key"} {
			rows := slices.DeleteFunc(rowsOf(text, "`"+flag+"`"), func(row string) bool { return !strings.Contains(row, "`OVERDUE_") || !strings.Contains(row, "for `") })
			if len(rows) != 1 {
				t.Fatalf("%s: %d rows of %s", path, len(rows), flag)
			}
			for command, flags := range flagsOf(t) {
				first, _, _ := strings.Cut(command, " ")
				if slices.Contains(flags, flag) && !strings.Contains(rows[0], "`"+first+"`") {
					t.Errorf("%s: the row of %s does not name %s", path, flag, first)
				}
			}
		}
	}
}

// tableFlag finds the first flag of a row.
var tableFlag = regexp.MustCompile("^\\| `(--[a-z-]+)")

func TestManual_ListsAFlagOnceInATable(t *testing.T) {
	listed := map[string]bool{}
	for line := range strings.Lines(readPage(t, "command-line.md")) {
		if !strings.HasPrefix(line, "|") {
			clear(listed) // the next table
		}
		if m := tableFlag.FindStringSubmatch(line); m != nil {
			if listed[m[1]] {
				t.Errorf("a table lists %s twice", m[1])
			}
			listed[m[1]] = true
		}
	}
}
