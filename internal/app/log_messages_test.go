package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// loggedMessages returns the messages of warnings and errors in the packages of the
// server, with their positions.
func loggedMessages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pkg := range []string{"app", "auth", "canary", "deliver", "httpd", "ingest", "loop", "notify", "process", "watch"} {
		files, err := filepath.Glob("../" + pkg + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files of %s: %v", pkg, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if message, found := loggedMessage(n); found {
					all[message] = set.Position(n.Pos()).String()
				}
				return true
			})
		}
	}
	return all
}

// loggedMessage returns the message of a call that logs a warning or an error.
func loggedMessage(n ast.Node) (message string, found bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	if x, ok := method.X.(*ast.Ident); ok && x.Name == "http" { // http.Error is no log
		return "", false
	}
	switch method.Sel.Name {
	case "Warn", "Error", "WarnContext", "ErrorContext", "addLogRecord":
		for _, arg := range call.Args {
			if text, ok := arg.(*ast.BasicLit); ok && text.Kind == token.STRING {
				message, err := strconv.Unquote(text.Value)
				return message, err == nil
			}
		}
	}
	return "", false
}

func TestLogMessages_TheManualListsEveryWarningAndError(t *testing.T) {
	manual, err := os.ReadFile("../../docs/manual/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(manual), "### Log messages\n")
	if !found {
		t.Fatal("operations.md has no section Log messages")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (warn|error|info) \\|").FindAllStringSubmatch(section, -1) {
		listed[row[1]] = row[2] != "info"
	}
	logged := loggedMessages(t)
	for message, position := range logged {
		if _, found := listed[message]; !found {
			t.Errorf("%s: the manual does not list the message %q", position, message)
		}
	}
	for message, alerting := range listed {
		if _, found := logged[message]; alerting && !found {
			t.Errorf("the manual lists %q, which nothing logs", message)
		}
	}
}
