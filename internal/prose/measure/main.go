// Command measure prints the sizes of the product: Go files that are neither tests, generated
// nor below e2e/ or findings/. Run it from the root of the repository:
//
//	go run ./internal/prose/measure
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

func main() {
	out, err := exec.Command("git", "ls-files", "*.go").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure: git ls-files:", err)
		os.Exit(1)
	}
	var files, functions, folders []int
	inFolder := map[string]int{}
	lines, code, comments := 0, 0, 0
	for _, name := range strings.Fields(string(out)) {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") || strings.HasPrefix(name, "e2e/") || strings.HasPrefix(name, "findings/") {
			continue
		}
		content, err := os.ReadFile(name)
		set := token.NewFileSet()
		var file *ast.File
		if err == nil {
			file, err = parser.ParseFile(set, name, content, parser.ParseComments)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "measure:", err)
			os.Exit(1)
		}
		n := strings.Count(string(content), "\n")
		files, lines = append(files, n), lines+n
		inFolder[path.Dir(name)]++
		size := func(node ast.Node) int { return set.Position(node.End()).Line - set.Position(node.Pos()).Line + 1 }
		for _, group := range file.Comments {
			comments += size(group)
		}
		code += n - strings.Count(string(content), "\n\n")
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				functions = append(functions, size(f))
			}
		}
	}
	for _, n := range inFolder {
		folders = append(folders, n)
	}
	fmt.Printf("product files / lines: %d / %d\n", len(files), lines)
	fmt.Printf("lines of a file, p50 / p90 / p95 / max: %s\n", quantiles(files))
	fmt.Printf("lines of a function, p50 / p90 / p95 / max: %s\n", quantiles(functions))
	fmt.Printf("files in a folder, p50 / p90 / p95 / max: %s\n", quantiles(folders))
	fmt.Printf("comment lines : code lines: %.2f\n", float64(comments)/float64(code-comments))
}

// quantiles returns p50, p90, p95 and the maximum.
func quantiles(all []int) string {
	slices.Sort(all)
	at := func(q float64) int { return all[int(q*float64(len(all)-1))] }
	return fmt.Sprintf("%d / %d / %d / %d", at(0.5), at(0.9), at(0.95), at(1))
}
