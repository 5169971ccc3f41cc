package prose

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// goTexts returns the comments and string literals of a Go file, except
// directives and import paths.
func goTexts(content string) ([]Text, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || ast.IsGenerated(file) {
		return nil, err
	}
	var all []Text
	for _, group := range file.Comments {
		var lines []string
		for _, c := range group.List {
			lines = append(lines, commentLines(c.Text)...)
		}
		all = append(all, Text{Kind: Comment, Line: set.Position(group.Pos()).Line, Value: strings.Join(lines, "\n")})
	}
	calls := map[*ast.BasicLit]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			for _, argument := range n.Args {
				if l, ok := argument.(*ast.BasicLit); ok {
					calls[l] = calledName(n.Fun)
				}
			}
		case *ast.BasicLit:
			if value, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && isProse(value) {
				all = append(all, Text{Kind: Literal, Line: set.Position(n.Pos()).Line, Value: value, Call: calls[n]})
			}
		}
		return true
	})
	return all, nil
}

// sqlStatement finds literals that are SQL.
var sqlStatement = regexp.MustCompile(`(?i)^\s*(select|insert|update|delete|with|create|alter|drop|truncate)\s`)

// isProse reports whether a literal can contain prose: it has several words and
// is not SQL.
func isProse(value string) bool {
	return strings.ContainsAny(strings.TrimSpace(value), " \n") && !sqlStatement.MatchString(value)
}

// calledName returns the name of a called function without its package or receiver.
func calledName(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// commentLines returns the lines of a comment without markers. A directive is
// an empty line.
func commentLines(comment string) []string {
	if strings.HasPrefix(comment, "//go:") || strings.HasPrefix(comment, "//nolint") {
		return []string{""}
	}
	comment = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(comment, "//"), "/*"), "*/")
	return strings.Split(strings.TrimPrefix(comment, " "), "\n")
}

// lineComments returns the runs of lines that begin with one of the markers,
// and the comments at the end of lines for the first marker.
func lineComments(content string, markers ...string) []Text {
	var all []Text
	var run []string
	lines := strings.Split(content, "\n")
	for i, line := range append(lines, "") {
		text, found := "", false
		for _, m := range markers {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), m); ok && !found {
				text, found = rest, true
			}
		}
		if found && !strings.HasPrefix(text, "!") {
			run = append(run, text)
			continue
		}
		if run != nil {
			all = append(all, Text{Kind: Comment, Line: i + 1 - len(run), Value: strings.Join(run, "\n")})
			run = nil
		}
		if _, trailing, ok := strings.Cut(line, " "+markers[0]+" "); ok {
			all = append(all, Text{Kind: Comment, Line: i + 1, Value: trailing})
		}
	}
	return all
}

// inlineCode finds code in prose and the targets of links, which are not prose.
var inlineCode = regexp.MustCompile("`[^`\n]*`|\\]\\([^)\\s]*\\)")

// startsBlock finds lines that begin a new block of a document.
var startsBlock = regexp.MustCompile(`^\s*(#|\||[-*] |\d+\. |>|!\[)`)

// documentTexts returns the blocks of a Markdown document without code.
func documentTexts(content string) ([]Text, error) {
	var all []Text
	var block []string
	first, fenced := 0, false
	end := func() {
		if block != nil {
			all = append(all, Text{Kind: Document, Line: first, Value: strings.Join(block, "\n")})
		}
		block = nil
	}
	for i, line := range strings.Split(content, "\n") {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		code := fenced || fence || block == nil && strings.HasPrefix(line, "    ")
		if fence {
			fenced = !fenced
		}
		if code || strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if startsBlock.MatchString(line) {
			end()
		}
		if block == nil {
			first = i + 1
		}
		block = append(block, inlineCode.ReplaceAllStringFunc(line, func(code string) string {
			if strings.HasPrefix(code, "]") {
				return "]"
			}
			return "`code`"
		}))
	}
	end()
	return all, nil
}
