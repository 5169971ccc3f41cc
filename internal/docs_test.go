package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"overdue/internal/prose"
)

// testNames finds the names of tests in prose and in code.
var testNames = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w+`)

// repositoryFiles returns the content of all files with one of the extensions, by
// path below the root of the repository.
func repositoryFiles(t *testing.T, extensions ...string) map[string]string {
	t.Helper()
	all, err := prose.Files("..", extensions...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDocs_EveryTestThatTheyNameExists reads all documents and the comments of
// scripts, including decisions and findings.
func TestDocs_EveryTestThatTheyNameExists(t *testing.T) {
	var exists []string
	for path, text := range repositoryFiles(t, ".go") {
		for line := range strings.Lines(text) {
			for _, name := range testNames.FindAllString(line, -1) {
				if strings.HasSuffix(path, "_test.go") && strings.Contains(line, "func "+name+"(") {
					exists = append(exists, name)
				}
			}
		}
	}
	named := 0
	for path, text := range repositoryFiles(t, ".md", ".sh") {
		for line := range strings.Lines(text) {
			for _, name := range testNames.FindAllString(line, -1) {
				named++
				prefix := strings.Contains(line, "-run") || strings.Contains(line, "-fuzz") // these run all tests with the prefix
				if !slices.ContainsFunc(exists, func(test string) bool { return test == name || prefix && strings.HasPrefix(test, name) }) {
					t.Errorf("%s: there is no test %s", path, name)
				}
			}
		}
	}
	if named < 100 {
		t.Fatalf("found only %d names of tests in documents", named)
	}
}

// goTest finds commands that run some tests of packages. In a table, | is escaped.
var goTest = regexp.MustCompile(`go test ([^` + "`" + `\n]*)-run '?([^'\s` + "`" + `]+)`)

func TestDocs_CommandsRunAtLeastOneTest(t *testing.T) {
	tests := map[string][]string{} // by folder
	for path, text := range repositoryFiles(t, ".go") {
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(text, -1) {
			tests["./"+filepath.ToSlash(filepath.Dir(path))] = append(tests["./"+filepath.ToSlash(filepath.Dir(path))], m[1])
		}
	}
	commands := 0
	for path, text := range repositoryFiles(t, ".md") {
		for _, m := range goTest.FindAllStringSubmatch(text, -1) {
			pattern, err := regexp.Compile(strings.ReplaceAll(m[2], `\|`, "|"))
			if err != nil {
				t.Errorf("%s: %s: %v", path, m[0], err)
				continue
			}
			for _, folder := range strings.Fields(m[1]) {
				if strings.HasPrefix(folder, "./") && !slices.ContainsFunc(tests[folder], pattern.MatchString) {
					t.Errorf("%s: %s runs no test in %s", path, m[0], folder)
				}
			}
			commands++
		}
	}
	if commands < 20 {
		t.Fatalf("found only %d commands", commands)
	}
}

// namedFile finds a path or a file name in inline code.
var namedFile = regexp.MustCompile("`((?:\\.\\./)*(?:[\\w.-]+/)*[\\w-]+\\.(?:go|templ|txtar|sh))`")

func TestDocs_EveryFileThatTheyNameExists(t *testing.T) {
	var files []string
	for path := range repositoryFiles(t, ".go", ".templ", ".txtar", ".sh") {
		files = append(files, "/"+path)
	}
	named := 0
	for path, text := range repositoryFiles(t, ".md") {
		if strings.HasPrefix(path, "docs/manual/") {
			continue // names files of its readers
		}
		for _, m := range namedFile.FindAllStringSubmatch(text, -1) {
			named++
			if !slices.ContainsFunc(files, func(file string) bool { return strings.HasSuffix(file, "/"+m[1]) }) {
				t.Errorf("%s: there is no file %s", path, m[1])
			}
		}
	}
	if named < 10 {
		t.Fatalf("found only %d names of files in documents", named)
	}
}

// goPackage has the names that a package declares at its top level, and the methods and
// fields of its types as "Type.Member".
type goPackage map[string]bool

// goPackages returns the packages of the repository by name.
func goPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	all := map[string]goPackage{}
	for path, text := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p := all[file.Name.Name]
		if p == nil {
			p = goPackage{}
			all[file.Name.Name] = p
		}
		for _, d := range file.Decls {
			p.declare(d)
		}
	}
	return all
}

// declare adds the names of a declaration.
func (p goPackage) declare(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			receiver := d.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			if id, ok := receiver.(*ast.Ident); ok {
				name = id.Name + "." + name
			}
		}
		p[name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					p[id.Name] = true
				}
			case *ast.TypeSpec:
				p[spec.Name.Name] = true
				p.declareFields(spec)
			}
		}
	}
}

// declareFields adds the fields of a struct.
func (p goPackage) declareFields(spec *ast.TypeSpec) {
	of, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range of.Fields.List {
		for _, id := range field.Names {
			p[spec.Name.Name+"."+id.Name] = true
		}
	}
}

// qualifiedName finds names such as store.DB and store.Tx.Save.
var qualifiedName = regexp.MustCompile(`\b([a-z]+)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)

func TestDocs_EveryGoNameThatTheyNameExists(t *testing.T) {
	packages := goPackages(t)
	named := 0
	for path, text := range repositoryFiles(t, ".md") {
		for _, m := range qualifiedName.FindAllStringSubmatch(text, -1) {
			p := packages[m[1]]
			if p == nil || strings.HasPrefix(path, "docs/manual/") {
				continue
			}
			named++
			if !p[m[2]] || m[3] != "" && !p[m[2]+"."+m[3]] {
				t.Errorf("%s: there is no %s", path, m[0])
			}
		}
	}
	if named < 20 {
		t.Fatalf("found only %d Go names in documents", named)
	}
}

// logMessage finds log messages in the manual: in code at the beginning of a row,
// and in quotation marks.
var logMessage = regexp.MustCompile("(?m)^\\| (`[a-z][^|]*`) \\||\"([a-z]+(?: [a-z-]+)+)\"")

func TestDocs_EveryLogMessageOfTheManualExists(t *testing.T) {
	var source strings.Builder
	for path, text := range repositoryFiles(t, ".go") {
		if !strings.HasSuffix(path, "_test.go") {
			source.WriteString(text)
		}
	}
	found := 0
	documents := repositoryFiles(t, ".md")
	for _, path := range []string{"docs/manual/operations.md", "docs/manual/self-hosting.md", "docs/manual/delivery.md"} {
		for _, section := range strings.Split(documents[path], "\n\n") {
			if strings.Contains(section, "| Reason |") || !strings.Contains(section, "essage |") && !strings.Contains(section, "log") {
				continue
			}
			for _, m := range logMessage.FindAllStringSubmatch(section, -1) {
				for _, message := range strings.Split(strings.ReplaceAll(m[1]+m[2], "`", ""), ", ") {
					found++
					if !strings.Contains(source.String(), `"`+message+`"`) && !strings.Contains(source.String(), `"`+message+`:`) {
						t.Errorf("%s: the program does not log %q", path, message)
					}
				}
			}
		}
	}
	if found < 15 {
		t.Fatalf("found only %d log messages", found)
	}
}

// relativeLink finds links to other files and to headings.
var relativeLink = regexp.MustCompile(`\]\(([^):\s]*)\)`)

func TestDocs_EveryLinkLeadsToAFileAndAHeading(t *testing.T) {
	documents := repositoryFiles(t, ".md")
	headings := map[string][]string{}
	for path, text := range documents {
		for line := range strings.Lines(text) {
			if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
				headings[path] = append(headings[path], anchor(title))
			}
		}
	}
	links := 0
	for path, text := range documents {
		for _, m := range relativeLink.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "/") {
				continue // a path of the server
			}
			links++
			file, heading, within := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(path), file))
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: the link %s leads to no file", path, m[1])
			} else if within && !slices.Contains(headings[target], heading) {
				t.Errorf("%s: the link %s leads to no heading", path, m[1])
			}
		}
	}
	if links < 100 {
		t.Fatalf("found only %d links", links)
	}
}

// anchor returns the anchor of a heading.
func anchor(title string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127:
			return r
		}
		return -1
	}, strings.ToLower(strings.TrimSpace(title)))
	return kept
}
