package internal

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// recipe returns the commands of a target of the Makefile.
func recipe(t *testing.T, makefile, target string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + target + `:.*\n((?:\t.*\n)+)`).FindStringSubmatch(makefile)
	if m == nil {
		t.Fatalf("the Makefile has no target %s", target)
	}
	return m[1]
}

// readFile returns the content of a file below the module's root.
func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMake_OnlyQuickLeavesOutADatabaseOrATest(t *testing.T) {
	makefile := readFile(t, "Makefile")
	for _, target := range []string{"test", "e2e"} {
		commands := recipe(t, makefile, target)
		if !strings.Contains(commands, "$(POSTGRES) $(GO) test $(RACE)") {
			t.Errorf("make %s does not run with PostgreSQL and the race detector: %s", target, commands)
		}
	}
	quick := recipe(t, makefile, "quick")
	if !strings.Contains(quick, "TEST_DATABASES=sqlite") {
		t.Errorf("make quick does not select SQLite: %s", quick)
	}
	rest := strings.Replace(makefile, quick, "", 1) + readFile(t, ".ci/run")
	for _, word := range []string{"TEST_DATABASES", "-skip", "-short"} {
		if strings.Contains(rest, word) {
			t.Errorf("the Makefile or .ci/run uses %s outside of make quick", word)
		}
	}
	if !strings.Contains(readFile(t, ".ci/run"), "\nmake test\n") {
		t.Error(".ci/run does not run make test")
	}
}
