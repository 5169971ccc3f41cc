package internal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// testNames finds the names of tests in prose and in code.
var testNames = regexp.MustCompile(`\bTest[A-Z]\w+`)

// TestDocs_EveryTestThatTheyNameExists: evidence that names a test which was
// renamed or deleted proves nothing.
func TestDocs_EveryTestThatTheyNameExists(t *testing.T) {
	var exists []string
	named := map[string][]string{} // documents by the test that they name
	began := map[string]bool{}     // names in commands, which run all tests that begin so
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		isTest, isDocument := strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".md")
		if !isTest && !isDocument {
			return nil
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			for _, name := range testNames.FindAllString(line, -1) {
				switch {
				case isDocument:
					named[name] = append(named[name], path)
					began[name] = strings.Contains(line, "-run")
				case strings.Contains(line, "func "+name+"("):
					exists = append(exists, name)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(named) == 0 {
		t.Fatal("no document names a test, so this proves nothing")
	}
	for name, documents := range named {
		if !slices.ContainsFunc(exists, func(test string) bool { return test == name || began[name] && strings.HasPrefix(test, name) }) {
			t.Errorf("%s: there is no test %s", strings.Join(documents, ", "), name)
		}
	}
}
