package internal

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// recipe returns the commands of a target of the Makefile.
func recipe(t *testing.T, makefile, target string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + target + `:.*\n((?:(?:\t|ifdef |else|endif).*\n)+)`).FindStringSubmatch(makefile)
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
		if !strings.Contains(commands, "$(POSTGRES) $(MAKE) --no-print-directory test-outside") {
			t.Errorf("make %s does not run the tests from outside with PostgreSQL: %s", target, commands)
		}
	}
	if commands := recipe(t, makefile, "test"); !strings.Contains(commands, "test-outside test-inside") {
		t.Errorf("make test does not run all packages: %s", commands)
	}
	if commands := recipe(t, makefile, "test-inside"); !strings.Contains(commands, "test-engine test-packages") {
		t.Errorf("make test-inside does not run all packages: %s", commands)
	}
	if commands := recipe(t, makefile, "test-packages"); !strings.Contains(commands, "$(GO) test $(RACE)") {
		t.Errorf("make test-packages does not use the race detector: %s", commands)
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

// variable returns the value of a variable of the Makefile.
func variable(t *testing.T, makefile, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` +:= (.*)$`).FindStringSubmatch(makefile)
	if m == nil {
		t.Fatalf("the Makefile has no variable %s", name)
	}
	return m[1]
}

func TestMake_TestRunsEveryPackageOnce(t *testing.T) {
	makefile := readFile(t, "Makefile")
	unraced := strings.Fields(variable(t, makefile, "OUTSIDE") + " " + variable(t, makefile, "PURE") + " " + variable(t, makefile, "ENGINE"))
	excluded := regexp.MustCompile(`grep -vE '(.*)'`).FindStringSubmatch(variable(t, makefile, "RACED"))
	if excluded == nil {
		t.Fatal("RACED names no packages without the race detector")
	}
	notRaced := regexp.MustCompile(strings.ReplaceAll(excluded[1], "$$", "$"))
	for dir := range packagesWithTests(t) {
		runs := 0
		for _, pattern := range unraced {
			below, all := strings.CutSuffix(pattern, "/...")
			if name := "./" + dir; pattern == name || pattern == dir || all && (name == below || strings.HasPrefix(name, below+"/")) {
				runs++
			}
		}
		if !notRaced.MatchString(strings.TrimSuffix("overdue/"+dir, "/.")) {
			runs++
		}
		if want := map[bool]int{true: 0, false: 1}[dir == "internal/prose"]; runs != want { // make check runs it
			t.Errorf("make test runs %s %d times; want %d", dir, runs, want)
		}
	}
}

// packagesWithTests returns the folders with test files, from the module's root.
func packagesWithTests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := fs.WalkDir(os.DirFS(".."), ".", func(file string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(file, "_test.go") {
			found[path.Dir(file)] = true
		}
		return err
	})
	if err != nil || len(found) < 30 {
		t.Fatalf("found %d packages, %v", len(found), err)
	}
	return found
}
