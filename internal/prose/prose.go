// Package prose reads the texts of the repository: comments, string literals,
// templates and documents. It finds phrases that the project does not use, and
// draws samples for reviewers.
package prose

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind describes where a text comes from.
type Kind int

// The kinds of texts.
const (
	Comment  Kind = iota // a comment group of Go, or the comments of a script or style sheet
	Literal              // a string literal of Go
	Template             // a whole .templ file
	Document             // a paragraph, list item, heading or table row of Markdown
)

// Text is a piece of text of the repository.
type Text struct {
	Kind  Kind
	Path  string // below the root of the repository
	Line  int    // of its first line, from 1
	Value string // without comment markers; line breaks as in the file
	Call  string // for a literal: the function that gets it as an argument, such as "Errorf"
}

// Files returns the content of the files below root with one of the endings, which
// are extensions or whole names, by path. It skips folders whose name begins with
// a dot.
func Files(root string, endings ...string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains(endings, filepath.Ext(path)) && !slices.Contains(endings, d.Name()):
			return nil
		}
		below, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		all[filepath.ToSlash(below)] = string(content)
		return err
	})
	return all, err
}

// Texts returns the texts below root, sorted by path and line. It reads neither
// generated files nor test data.
func Texts(root string) ([]Text, error) {
	files, err := Files(root, ".go", ".templ", ".md", ".sh", ".js", ".css", "Makefile")
	if err != nil {
		return nil, err
	}
	var all []Text
	for path, content := range files {
		read := readerFor(path)
		if read == nil || strings.HasSuffix(path, "_templ.go") || strings.Contains("/"+path, "/testdata/") {
			continue
		}
		texts, err := read(content)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			text.Path = path
			all = append(all, text)
		}
	}
	slices.SortStableFunc(all, func(a, b Text) int {
		if byPath := strings.Compare(a.Path, b.Path); byPath != 0 {
			return byPath
		}
		return a.Line - b.Line
	})
	return all, nil
}

// readerFor returns the function that splits a file into texts, or nil if the file
// contains none.
func readerFor(path string) func(content string) ([]Text, error) {
	switch filepath.Ext(path) {
	case ".go":
		return goTexts
	case ".templ":
		return func(content string) ([]Text, error) {
			return []Text{{Kind: Template, Line: 1, Value: content}}, nil
		}
	case ".md":
		return documentTexts
	case ".sh":
		return func(content string) ([]Text, error) { return lineComments(content, "#"), nil }
	case ".js", ".css":
		return func(content string) ([]Text, error) { return lineComments(content, "//", "/*", "*"), nil }
	}
	if filepath.Base(path) == "Makefile" {
		return func(content string) ([]Text, error) { return lineComments(content, "#"), nil }
	}
	return nil
}
