package prose

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// SampleKinds lists what Population can return.
var SampleKinds = []string{"comments", "sentences", "errors", "logs", "ui", "files", "names", "testfiles", "testnames"}

// Item is a text or a name for a reviewer.
type Item struct {
	Path  string
	Line  int
	Value string
}

// Population returns all items of a kind below root, sorted by path and line.
// Tests count only as comments, testfiles and testnames.
func Population(root, kind string) ([]Item, error) {
	switch kind {
	case "files", "names", "testfiles", "testnames":
		return declarations(root, kind)
	case "comments", "sentences", "errors", "logs", "ui":
	default:
		return nil, errors.New("unknown kind " + kind + ": use one of " + strings.Join(SampleKinds, ", "))
	}
	texts, err := Texts(root)
	if err != nil {
		return nil, err
	}
	var all []Item
	for _, text := range texts {
		for _, value := range sampleItems(text, kind) {
			all = append(all, Item{Path: text.Path, Line: text.Line, Value: strings.Join(strings.Fields(value), " ")})
		}
	}
	return all, nil
}

// Draw returns n items at equal distances, or all if there are fewer. shift moves
// the items by a part of the distance, from -0.5 to 0.5, for another sample of the
// same size.
func Draw(all []Item, n int, shift float64) []Item {
	if n >= len(all) {
		return all
	}
	var drawn []Item
	for i := range n {
		at := int((float64(i) + 0.5 + shift) * float64(len(all)) / float64(n))
		drawn = append(drawn, all[min(max(at, 0), len(all)-1)])
	}
	return drawn
}

// makesError and writesLog find the functions that get a sentence as an argument.
var (
	makesError = regexp.MustCompile(`^(Errorf|New|Wrong|Fault|Invalid|fault|invalid|wrong|problem|Problem)f?$`)
	writesLog  = regexp.MustCompile(`^(Debug|Info|Warn|Error|Log)(Context)?$`)
)

// sampleItems returns the items of one kind in a text.
func sampleItems(text Text, kind string) []string {
	test := strings.HasSuffix(text.Path, "_test.go") || strings.HasPrefix(text.Path, "e2e/")
	isSentence := strings.Contains(text.Value, " ")
	switch {
	case kind == "comments" && text.Kind == Comment && isSentence,
		kind == "errors" && text.Kind == Literal && !test && isSentence && makesError.MatchString(text.Call),
		kind == "logs" && text.Kind == Literal && !test && isSentence && writesLog.MatchString(text.Call):
		return []string{text.Value}
	case kind == "sentences" && text.Kind == Document:
		return sentences(text.Value)
	case kind == "ui" && text.Kind == Template:
		return templateWords(text.Value)
	case kind == "ui" && text.Kind == Literal && !test && isSentence && strings.HasPrefix(text.Path, "internal/web/view/"):
		return []string{text.Value}
	}
	return nil
}

// endOfSentence finds the end of a sentence, or of a cell of a table.
var endOfSentence = regexp.MustCompile(`[.:!?][)*]* +|\s\|\s?|^\||\|$`)

// sentences splits a block of a document. Headings and short cells are left out.
func sentences(block string) []string {
	if strings.HasPrefix(block, "#") || strings.HasPrefix(block, "![") {
		return nil
	}
	all := endOfSentence.Split(strings.Join(strings.Fields(block), " "), -1)
	return slices.DeleteFunc(all, func(s string) bool { return len(strings.Fields(strings.ReplaceAll(s, "`code`,", ""))) < 4 })
}

// shownText finds the texts of elements and of attributes that people read.
var shownText = regexp.MustCompile(`(?:aria-label|title|placeholder|alt|label)="([^"]+)"|>\s*([^<>{}()=]*[A-Za-z][^<>{}=]*?)\s*[<{]`)

// templateCode finds matches of shownText that are Go code of the template.
var templateCode = regexp.MustCompile(`^(@|//|if |for |switch |case |default:)|:=|\|\| |&& `)

// templateWords returns the words that a template shows.
func templateWords(template string) []string {
	var all []string
	for _, m := range shownText.FindAllStringSubmatch(template, -1) {
		if value := strings.TrimSpace(m[1] + m[2]); strings.Contains(value, " ") && !templateCode.MatchString(value) {
			all = append(all, value)
		}
	}
	return all
}

// declarations returns the files of the product or of the tests, or the names that
// they declare.
func declarations(root, kind string) ([]Item, error) {
	files, err := Files(root, ".go")
	if err != nil {
		return nil, err
	}
	kind, ofTests := strings.CutPrefix(kind, "test")
	var all []Item
	for _, path := range slices.Sorted(maps.Keys(files)) {
		isTest := strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "e2e/")
		if isTest != ofTests || strings.HasSuffix(path, "_templ.go") {
			continue
		}
		if kind == "files" {
			all = append(all, Item{Path: path, Line: 1, Value: path})
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, files[path], parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, id := range declared(file) {
			all = append(all, Item{Path: path, Line: set.Position(id.at.Pos()).Line, Value: file.Name.Name + "." + id.receiver + id.at.Name})
		}
	}
	return all, nil
}

// declaredName is a name at the top level of a file.
type declaredName struct {
	at       *ast.Ident
	receiver string // of a method, with a dot
}

// declared returns the names at the top level of a file.
func declared(file *ast.File) []declaredName {
	var all []declaredName
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			all = append(all, declaredName{at: d.Name, receiver: receiver(d)})
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					all = append(all, declaredName{at: spec.Name})
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						all = append(all, declaredName{at: id})
					}
				}
			}
		}
	}
	return all
}

// receiver returns the type of a method with a dot, or nothing for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if index, ok := of.(*ast.IndexExpr); ok {
		of = index.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name + "."
	}
	return ""
}
