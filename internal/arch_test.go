// Package internal tests the rules for the structure of the code: imports, names
// and sizes of files, and forbidden calls.
package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// allowed lists the packages of the project that each package may import. A new
// package needs an entry, and a sentence in docs/architecture.md.
var allowed = map[string][]string{
	".":                                     {"internal/cli"},
	"client":                                {},
	"docs/manual":                           {},
	"internal/api":                          {"client", "internal/auth", "internal/httpd", "internal/manage", "internal/monitor", "internal/notify", "internal/notify/setting", "internal/safetext", "internal/wire"},
	"internal/app":                          {"client", "internal/api", "internal/auth", "internal/canary", "internal/deliver", "internal/httpd", "internal/ingest", "internal/loop", "internal/manage", "internal/metrics", "internal/monitor", "internal/notify", "internal/notify/setting", "internal/pingurl", "internal/process", "internal/seal", "internal/store", "internal/watch", "internal/web", "internal/web/live", "internal/web/view/paths"},
	"internal/auth":                         {"internal/monitor", "internal/ratelimit", "internal/safetext", "internal/schedule", "internal/store"},
	"internal/auth/authtest":                {"internal/auth", "internal/store"},
	"internal/canary":                       {"internal/metrics", "internal/monitor", "internal/store"},
	"internal/cli":                          {"client", "internal/app", "internal/cli/completion", "internal/cli/manpage", "internal/cli/settings", "internal/cli/table", "internal/discover", "internal/discover/crontab", "internal/manage", "internal/notify", "internal/notify/setting", "internal/runjob", "internal/safetext", "internal/schedule", "internal/wire"},
	"internal/cli/completion":               {},
	"internal/cli/manpage":                  {},
	"internal/cli/settings":                 {},
	"internal/cli/table":                    {},
	"internal/deliver":                      {"client", "internal/metrics", "internal/monitor", "internal/notify", "internal/notify/message", "internal/notify/setting", "internal/pingid", "internal/safetext", "internal/store", "internal/wire"},
	"internal/demo":                         {"internal/manage", "internal/monitor", "internal/store"},
	"internal/discover":                     {"internal/discover/crontab", "internal/discover/systemd", "internal/schedule", "internal/snippet"},
	"internal/discover/crontab":             {"internal/schedule"},
	"internal/discover/systemd":             {"internal/schedule"},
	"internal/httpd":                        {"internal/monitor", "internal/pingid", "internal/pingurl", "internal/ratelimit"},
	"internal/ingest":                       {"internal/loop", "internal/metrics", "internal/monitor", "internal/pingurl", "internal/ratelimit", "internal/safetext", "internal/store"},
	"internal/loop":                         {},
	"internal/manage":                       {"client", "internal/auth", "internal/loop", "internal/monitor", "internal/notify", "internal/notify/setting", "internal/ratelimit", "internal/safetext", "internal/schedule", "internal/store", "internal/wire"},
	"internal/metrics":                      {},
	"internal/monitor":                      {"internal/schedule"},
	"internal/notify":                       {"client", "internal/notify/message", "internal/notify/provider", "internal/notify/setting", "internal/safetext"},
	"internal/notify/message":               {"client", "internal/safetext"},
	"internal/notify/message/messagetest":   {"client", "internal/notify/message"},
	"internal/notify/provider":              {"internal/notify/message", "internal/notify/setting"},
	"internal/notify/provider/providertest": {"internal/notify/setting"},
	"internal/notify/setting":               {},
	"internal/pingid":                       {},
	"internal/pingurl":                      {},
	"internal/process":                      {},
	"internal/prose":                        {},
	"internal/prose/sample":                 {"internal/prose"},
	"internal/prose/measure":                {},
	"internal/ratelimit":                    {},
	"internal/runjob":                       {"client"},
	"internal/safetext":                     {},
	"internal/schedule":                     {"internal/schedule/wallclock"},
	"internal/schedule/wallclock":           {},
	"internal/seal":                         {},
	"internal/snippet":                      {},
	"internal/store":                        {"internal/monitor", "internal/seal", "internal/store/calendars", "internal/store/circuit", "internal/store/consistency", "internal/store/dbclock", "internal/store/dialect", "internal/store/filelock", "internal/store/listindex", "internal/store/migrations", "internal/store/pingblock", "internal/store/postgres", "internal/store/sqlite", "internal/store/staterow", "internal/store/transfer", "internal/store/urgency", "internal/store/writebehind", "internal/wal"},
	"internal/store/calendars":              {"internal/monitor"},
	"internal/store/circuit":                {"internal/store/dialect"},
	"internal/store/consistency":            {},
	"internal/store/dbclock":                {},
	"internal/store/dialect":                {},
	"internal/store/filelock":               {},
	"internal/store/listindex":              {"internal/monitor"},
	"internal/store/migrations":             {"internal/store/dialect", "internal/store/filelock"},
	"internal/store/pingblock":              {"internal/monitor"},
	"internal/store/postgres":               {"internal/store/dialect"},
	"internal/store/sqlite":                 {"internal/store/dialect", "internal/store/filelock", "internal/wal"},
	"internal/store/staterow":               {"internal/monitor"},
	"internal/store/storetest":              {"internal/monitor", "internal/store", "internal/store/dbclock"},
	"internal/store/storetest/bulkload":     {"internal/monitor", "internal/store/dialect", "internal/store/migrations", "internal/store/sqlite"},
	"internal/store/storetest/withpostgres": {"internal/store/storetest"},
	"internal/store/transfer":               {"internal/store/dialect", "internal/store/sqlite"},
	"internal/store/urgency":                {"internal/monitor"},
	"internal/store/writebehind":            {"internal/monitor", "internal/store/dialect", "internal/store/pingblock", "internal/store/staterow", "internal/wal"},
	"internal/wal":                          {},
	"internal/watch":                        {"internal/loop", "internal/metrics", "internal/monitor", "internal/store"},
	"internal/web":                          {"internal/auth", "internal/httpd", "internal/manage", "internal/monitor", "internal/notify", "internal/notify/message", "internal/notify/setting", "internal/pingurl", "internal/schedule", "internal/web/bulk", "internal/web/docsite", "internal/web/forms", "internal/web/live", "internal/web/present", "internal/web/static", "internal/web/view/accountview", "internal/web/view/channelview", "internal/web/view/docsview", "internal/web/view/groupview", "internal/web/view/heartbeatview", "internal/web/view/incidentview", "internal/web/view/layout", "internal/web/view/paths", "internal/web/view/policyview", "internal/web/view/serverview", "internal/web/view/ui"},
	"internal/web/bulk":                     {"internal/auth", "internal/manage", "internal/monitor", "internal/web/view/ui"},
	"internal/web/docsite":                  {"docs/manual", "internal/ratelimit", "internal/web/view/docsview", "internal/web/view/paths"},
	"internal/web/forms":                    {"internal/notify", "internal/notify/setting", "internal/web/view/ui"},
	"internal/web/live":                     {"internal/httpd", "internal/monitor", "internal/web/view/heartbeatview", "internal/web/view/layout", "internal/web/view/ui"},
	"internal/web/present":                  {"internal/httpd", "internal/manage", "internal/monitor", "internal/notify", "internal/notify/message", "internal/notify/provider", "internal/snippet", "internal/web/view/accountview", "internal/web/view/channelview", "internal/web/view/heartbeatview", "internal/web/view/incidentview", "internal/web/view/paths", "internal/web/view/policyview", "internal/web/view/ui", "internal/wire"},
	"internal/web/static":                   {},
	"internal/web/view":                     {},
	"internal/web/view/accountview":         {"internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/policyview":          {"internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/channelview":         {"internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/docsview":            {"internal/snippet", "internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/groupview":           {"internal/web/view/incidentview", "internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/heartbeatview":       {"internal/snippet", "internal/web/static", "internal/web/view/incidentview", "internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/incidentview":        {"internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/layout":              {"internal/web/static", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/paths":               {},
	"internal/web/view/serverview":          {"internal/web/view/layout", "internal/web/view/paths", "internal/web/view/ui"},
	"internal/web/view/ui":                  {"internal/safetext", "internal/snippet", "internal/web/static"},
	"internal/wire":                         {"client", "internal/monitor", "internal/pingid", "internal/pingurl", "internal/schedule", "internal/store"},
	"e2e/faults":                            {"client", "e2e/binary", "internal/store/storetest"},
	"e2e/bench":                             {"client", "e2e/bench/load", "e2e/bench/report", "internal/monitor", "internal/store", "internal/store/storetest", "internal/store/storetest/bulkload"},
	"e2e/bench/load":                        {},
	"e2e/bench/report":                      {"e2e/bench/load"},
	"e2e/binary":                            {},
	"e2e/browser":                           {},
	"e2e/channels/alertmanager":             {"client", "e2e/binary"},
	"e2e/channels/matrix":                   {"internal/notify", "internal/notify/message", "internal/notify/message/messagetest", "internal/notify/setting"},
	"e2e/cron":                              {},
	"e2e/demo":                              {"internal/app", "internal/demo", "internal/store"},
	"e2e/migrate":                           {"client", "e2e/binary", "internal/monitor", "internal/store", "internal/store/storetest"},
	"e2e/upgrade":                           {"client", "e2e/binary", "internal/store/storetest"},
	"tools/image":                           {},
	"tools/manifest":                        {},
}

// confinedImports lists the only packages that may import a library. All packages except
// the pure ones may import the other libraries.
var confinedImports = map[string][]string{
	"database/sql": {
		"internal/store", "internal/store/dialect", "internal/store/migrations", "internal/store/postgres", "internal/store/sqlite", "internal/store/staterow", "internal/store/storetest", "internal/store/storetest/bulkload", "internal/store/transfer",
	},
	"modernc.org/sqlite":                  {"internal/store/dialect", "internal/store/sqlite"},
	"github.com/jackc/pgx/v5":             {"internal/store/dialect", "internal/store/postgres", "internal/store/storetest", "internal/store/storetest/bulkload"},
	"github.com/pressly/goose/v3":         {"internal/store/migrations"},
	"github.com/danielgtaylor/huma/v2":    {"internal/api"},
	"github.com/alecthomas/kong":          {"internal/cli", "internal/cli/completion", "internal/cli/manpage", "internal/cli/settings"},
	"github.com/prometheus/client_golang": {"internal/metrics"},
	"github.com/wneessen/go-mail":         {"internal/notify"},
	"github.com/a-h/templ":                {"internal/web", "internal/web/docsite", "internal/web/live", "internal/web/view/accountview", "internal/web/view/channelview", "internal/web/view/docsview", "internal/web/view/groupview", "internal/web/view/heartbeatview", "internal/web/view/incidentview", "internal/web/view/layout", "internal/web/view/policyview", "internal/web/view/serverview", "internal/web/view/ui"},
	"github.com/alexedwards/scs/v2":       {"internal/auth"},
	"github.com/alexedwards/argon2id":     {"internal/auth", "internal/auth/authtest"},
	"github.com/trustelem/zxcvbn":         {"internal/auth"},
	"github.com/klauspost/compress":       {"internal/web"},
	"github.com/yuin/goldmark":            {"internal/web/docsite"},
	"code.dny.dev/ssrf":                   {"internal/notify"},
	"net/smtp":                            {"internal/notify"},
	"github.com/mattn/go-runewidth":       {"internal/cli/table"},

	"github.com/KimMachineGun/automemlimit": {"internal/app"},
	"github.com/coreos/go-systemd/v22":      {"internal/process"},
}

// purePackages, and the packages below them, have no side effects. They get the
// time as an argument.
var purePackages = []string{"internal/monitor", "internal/schedule"}

// notPure matches imports that purePackages cannot have.
var notPure = regexp.MustCompile(`^(context|os|net|net/.*|database/.*|log.*|encoding/json|io.*|sync.*|math/rand.*)$|\.`)

// source is a parsed Go file of the project.
type source struct {
	path      string // below the module's root
	pkg       string // its directory
	test      bool
	generated bool
	lines     int
	file      *ast.File
	set       *token.FileSet
}

// parsedSources are all Go files of the module. The tests share them.
var parsedSources = sync.OnceValues(parseSources)

// sources returns all Go files of the module.
func sources(t *testing.T) []source {
	t.Helper()
	all, err := parsedSources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("found only %d Go files; the rules would prove nothing", len(all))
	}
	return all
}

// parseSources parses all Go files of the module.
func parseSources() (all []source, err error) {
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (strings.HasPrefix(name, ".") || name == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		path = strings.TrimPrefix(filepath.ToSlash(path), "../")
		all = append(all, source{
			path: path, pkg: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
			generated: ast.IsGenerated(file), lines: strings.Count(string(text), "\n"), file: file, set: set,
		})
		return nil
	})
	return all, err
}

// imports returns the paths that a file imports.
func (s source) imports() []string {
	var all []string
	for _, i := range s.file.Imports {
		all = append(all, strings.Trim(i.Path.Value, `"`))
	}
	return all
}

func TestArchitecture_PackagesImportOnlyAllowedPackages(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		may, known := allowed[s.pkg]
		if !known {
			t.Errorf("%s: package %s has no entry in allowed", s.path, s.pkg)
			continue
		}
		for _, path := range s.imports() {
			if ours, isOurs := strings.CutPrefix(path, "overdue/"); isOurs && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s, which is not allowed for package %s", s.path, ours, s.pkg)
			}
		}
	}
}

func TestArchitecture_LibrariesAreImportedOnlyByTheirPackages(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, path := range s.imports() {
			for library, where := range confinedImports {
				if (path == library || strings.HasPrefix(path, library+"/")) && !slices.Contains(where, s.pkg) {
					t.Errorf("%s imports %s; only %v may import it", s.path, path, where)
				}
			}
		}
	}
}

func TestArchitecture_ThePureCoreHasNoSideEffects(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !isPure(s.pkg) {
			continue
		}
		for _, path := range s.imports() {
			if notPure.MatchString(path) && !strings.HasPrefix(path, "overdue/") {
				t.Errorf("%s imports %s; pure packages get values as arguments", s.path, path)
			}
		}
		for _, call := range s.calls("time") {
			if slices.Contains([]string{"Now", "Since", "Until"}, call) {
				t.Errorf("%s reads the clock with time.%s", s.path, call)
			}
		}
	}
}

// isPure reports whether a package is pure, or below a pure one.
func isPure(pkg string) bool {
	return slices.ContainsFunc(purePackages, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
}

// calls returns the functions of a package that a file uses.
func (s source) calls(pkg string) []string {
	var all []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == pkg && id.Obj == nil {
				all = append(all, sel.Sel.Name)
			}
		}
		return true
	})
	return all
}

// mayWait matches files that may wait for another process in real time.
var mayWait = regexp.MustCompile(`^(e2e/|internal/store/storetest/postgres\.go$)`)

// runsInVirtualTime reports whether a test file runs in virtual time.
func (s source) runsInVirtualTime() bool {
	imports := s.imports()
	return s.test && (slices.Contains(imports, "testing/synctest") || slices.Contains(imports, "overdue/internal/store/storetest"))
}

func TestArchitecture_NoCodeSleepsOnTheRealClock(t *testing.T) {
	for _, s := range sources(t) {
		if mayWait.MatchString(s.path) || s.pkg == "internal" {
			continue
		}
		for _, call := range s.calls("time") {
			switch {
			case slices.Contains([]string{"Tick", "AfterFunc"}, call) && !s.test:
				t.Errorf("%s uses time.%s; use a loop.Loop instead", s.path, call)
			case call == "Sleep" && !s.runsInVirtualTime():
				t.Errorf("%s sleeps; only tests in virtual time may sleep", s.path)
			}
		}
	}
}

func TestArchitecture_NoTestIsSkipped(t *testing.T) {
	skip := regexp.MustCompile(`^Skip(f|Now)?$`)
	for _, s := range sources(t) {
		for _, receiver := range []string{"t", "b", "f", "tb"} {
			for _, call := range s.calls(receiver) {
				if s.test && s.pkg != "internal" && skip.MatchString(call) {
					t.Errorf("%s skips a test; if a program is missing, fail and say what to install", s.path)
				}
			}
		}
	}
}

// maxFiles is the maximum number of files in a folder, without tests and generated files.
const maxFiles = 25

// moreFiles are the folders that can have more files, because people look for these by name.
var moreFiles = map[string]int{
	"internal/notify/provider": 40, // one file per service; they share the layout of texts
	"internal/store":           34, // methods of Tx, which cannot be in another package
	"internal/cli":             34, // one file per command
	"internal/monitor":         32, // methods of Heartbeat, which cannot be in another package
	"internal/manage":          32, // methods of Service, which cannot be in another package
	"internal/web":             32, // handlers of Site, which cannot be in another package
}

func TestArchitecture_NoFolderHasTooManyFiles(t *testing.T) {
	files := map[string]int{}
	for _, s := range sources(t) {
		if !s.test && !s.generated {
			files[filepath.Dir(s.path)]++
		}
	}
	for folder, n := range files {
		limit := max(maxFiles, moreFiles[folder])
		if n > limit {
			t.Errorf("%s has %d files; the maximum is %d: split it by noun", folder, n, limit)
		}
	}
}

func TestArchitecture_FilesAreSmallAndHaveSpecificNames(t *testing.T) {
	vague := []string{"helpers", "helper", "types", "misc", "utils", "util", "common", "models"}
	for _, s := range sources(t) {
		most := 600
		if s.test {
			most = 800
		}
		if s.lines > most && !s.generated {
			t.Errorf("%s has %d lines; the maximum is %d: split it", s.path, s.lines, most)
		}
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(s.path), ".go"), "_test")
		if slices.Contains(vague, name) || slices.Contains(vague, filepath.Base(s.pkg)) || filepath.Base(s.pkg) == "pkg" || filepath.Base(s.pkg) == "service" {
			t.Errorf("%s: the name is not specific; name the file after the noun in it", s.path)
		}
	}
}

func TestArchitecture_EveryPackageHasADocComment(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		said[s.pkg] = said[s.pkg] || (s.file.Doc != nil && len(s.file.Doc.Text()) > 40)
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s has no doc comment that describes its purpose", pkg)
		}
	}
}

// avoidedTerms matches synonyms of the terms in docs/glossary.md.
var avoidedTerms = regexp.MustCompile(`(?i)checkin|dead.?man|watchdog|notifier|alarm|downtime|beat`)

// vagueWords matches parts of names that are not specific.
var vagueWords = regexp.MustCompile(`(Manager|Helper|Impl|Util|Utils)$|^(Get|Do|Process)([A-Z]|$)`)

// interfaceMethods are methods whose names an interface of a library prescribes.
var interfaceMethods = []string{"GetStatus", "GetHeaders", "CheckIntegrity"}

func TestArchitecture_ExportedNamesUseTheTermsOfTheGlossary(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated || s.test {
			continue
		}
		for name := range s.declared() {
			other := strings.NewReplacer("Heartbeat", "", "heartbeat", "").Replace(name)
			if !slices.Contains(interfaceMethods, name) && (avoidedTerms.MatchString(other) || vagueWords.MatchString(name)) {
				t.Errorf("%s declares %s; use a specific term of docs/glossary.md", s.path, name)
			}
		}
	}
}

// declared returns the exported names that a file declares.
func (s source) declared() map[string]bool {
	all := map[string]bool{}
	add := func(id *ast.Ident) {
		if id.IsExported() {
			all[id.Name] = true
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						add(id)
					}
				}
			}
		}
	}
	return all
}

func TestArchitecture_EveryDirectDependencyHasAReason(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, line := range strings.Split(string(mod), "\n") {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 2 && strings.Contains(fields[0], ".") && strings.HasPrefix(fields[1], "v") {
			direct = append(direct, fields[0])
		}
	}
	if len(direct) < 10 {
		t.Fatalf("read only %d direct dependencies from go.mod", len(direct))
	}
	for _, path := range direct {
		if !strings.Contains(string(reasons), "`"+path+"`") {
			t.Errorf("docs/dependencies.md has no row for %s", path)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(string(reasons), -1) {
		if !slices.Contains(direct, m[1]) {
			t.Errorf("docs/dependencies.md has a row for %s, which go.mod does not require", m[1])
		}
	}
}

// documentedPackage finds the packages in the first column of the table of packages.
var documentedPackage = regexp.MustCompile("`([a-z0-9/.]+)`")

func TestArchitecture_TheDocumentListsEveryPackage(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| package | the only place that … |")
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for line := range strings.Lines(table) {
		columns := strings.Split(line, " | ")
		for _, m := range documentedPackage.FindAllStringSubmatch(columns[0], -1) {
			listed[m[1]] = true
		}
	}
	for pkg := range allowed {
		if !listed[pkg] {
			t.Errorf("docs/architecture.md does not list package %s", pkg)
		}
	}
	for pkg := range listed {
		if _, exists := allowed[pkg]; !exists && !strings.HasPrefix(pkg, "e2e/") && pkg != "tools/image" && pkg != "main.go" {
			t.Errorf("docs/architecture.md lists %s, which is not in allowed", pkg)
		}
	}
}
