package manual_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/docs/manual"
	"overdue/internal/api"
	"overdue/internal/cli"
	"overdue/internal/metrics"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
)

// readPage returns the text of one page.
func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := fs.ReadFile(manual.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// helpOf holds the help texts by command: each takes a while to create.
var helpOf = map[string]string{}

// commandHelp returns the help of a command.
func commandHelp(t *testing.T, command ...string) string {
	t.Helper()
	name := strings.Join(command, " ")
	if help, known := helpOf[name]; known {
		return help
	}
	var out bytes.Buffer
	if code := cli.Main(append(command, "--help"), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}); code != 0 {
		t.Fatalf("overdue %s --help ended with %d: %s", name, code, out.String())
	}
	helpOf[name] = out.String()
	return helpOf[name]
}

// commands returns all commands of the program.
func commands(t *testing.T) [][]string {
	t.Helper()
	_, list, _ := strings.Cut(commandHelp(t), "Commands:\n")
	var all [][]string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+(?: [a-z-]+)?)  +[A-Z]`).FindAllStringSubmatch(list, -1) {
		all = append(all, strings.Fields(m[1]))
	}
	if len(all) < 12 {
		t.Fatalf("found only the commands %v", all)
	}
	return all
}

// flagPattern finds the flags of a help text, where they are introduced.
var flagPattern = regexp.MustCompile(`(?m)^ +(?:-\w, )?--(\[no-\])?([a-z-]+)`)

// helpFlags returns the flags of a command. A flag that can be negated counts once, as
// it is written without "no-".
func helpFlags(t *testing.T, command ...string) []string {
	t.Helper()
	var flags []string
	for _, m := range flagPattern.FindAllStringSubmatch(commandHelp(t, command...), -1) {
		flags = append(flags, "--"+m[2])
	}
	return flags
}

// variablePattern matches environment variables.
var variablePattern = regexp.MustCompile(`OVERDUE_[A-Z_]+`)

func TestManual_DocumentsEveryCommandAndFlag(t *testing.T) {
	text := readPage(t, "command-line.md")
	settings := readPage(t, "configuration.md")
	for _, command := range commands(t) {
		if !strings.Contains(text, "overdue "+strings.Join(command, " ")) {
			t.Errorf("the manual does not document overdue %v", command)
		}
		where := text
		switch command[0] {
		case "serve":
			_, section, _ := strings.Cut(text, "\n## overdue serve\n")
			section, _, _ = strings.Cut(section, "\n## ")
			where = section + settings
		case "check", "health":
			where += settings
		}
		for _, flag := range helpFlags(t, command...) {
			name := strings.TrimPrefix(flag, "--")
			if flag != "--help" && flag != "--version" && !strings.Contains(where, "`"+flag) && !strings.Contains(where, "`--no-"+name) {
				t.Errorf("the manual does not document overdue %s %s", strings.Join(command, " "), flag)
			}
		}
	}
}

func TestManual_DocumentsExactlyTheEnvironmentVariables(t *testing.T) {
	var known []string
	for _, command := range commands(t) {
		known = append(known, variablePattern.FindAllString(commandHelp(t, command...), -1)...)
	}
	text := readPage(t, "configuration.md")
	for _, name := range known {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the manual does not document %s", name)
		}
	}
	names, err := fs.Glob(manual.Files(), "*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range names {
		for _, name := range variablePattern.FindAllString(readPage(t, file), -1) {
			if !slices.Contains(known, strings.TrimSuffix(name, "_")) && name != "OVERDUE_" {
				t.Errorf("%s documents %s, which does not exist", file, name)
			}
		}
	}
}

func TestManual_NamesNoUnknownFlag(t *testing.T) {
	known := []string{}
	for _, command := range commands(t) {
		for _, flag := range helpFlags(t, command...) {
			known = append(known, flag, "--no-"+strings.TrimPrefix(flag, "--"))
		}
	}
	for _, file := range []string{"configuration.md", "command-line.md", "operations.md", "delivery.md"} {
		for _, m := range regexp.MustCompile("`(--[a-z-]+)").FindAllStringSubmatch(readPage(t, file), -1) {
			if !slices.Contains(known, m[1]) {
				t.Errorf("%s documents %s, which no command has", file, m[1])
			}
		}
	}
}

func TestManual_DocumentsEveryPingURL(t *testing.T) {
	answer := httptest.NewRecorder()
	api.New(api.Options{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, api.Prefix+"/openapi.json", nil))
	var document struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	text, forms := readPage(t, "pinging.md"), 0
	for path, operations := range document.Paths {
		if !strings.HasPrefix(path, "/hb/") {
			continue
		}
		forms++
		if !strings.Contains(text, "`"+api.Prefix+path+"`") {
			t.Errorf("the manual does not document %s", path)
		}
		for status := range operations["post"].Responses {
			if !strings.Contains(text, "`"+status+"`") {
				t.Errorf("the manual does not document the answer %s", status)
			}
		}
	}
	if forms != 5 {
		t.Errorf("the OpenAPI document has %d ping URLs; want 5", forms)
	}
}

func TestManual_DocumentsExactlyTheMetrics(t *testing.T) {
	none := func() float64 { return 0 }
	m := metrics.New(none, none)
	m.Ping("success", 200)
	m.Delivery("webhook", "sent", 0)
	m.Rejected("panic")
	m.RegisterCanary(func() time.Duration { return 0 })
	m.RegisterOutbox(func() metrics.Outbox { return metrics.Outbox{Channels: map[string]metrics.ChannelOutbox{"id": {}}} })
	m.RegisterNodes(func() metrics.Nodes { return metrics.Nodes{} })
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	told, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (overdue_\w+)`).FindAllStringSubmatch(string(told), -1) {
		known = append(known, m[1])
	}
	var written []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(overdue_\\w+)").FindAllStringSubmatch(readPage(t, "operations.md"), -1) {
		written = append(written, m[1])
	}
	slices.Sort(known)
	slices.Sort(written)
	if len(known) < 9 || !slices.Equal(known, written) {
		t.Errorf("the manual documents %v; the program has %v", written, known)
	}
	readme := documents(t)["README.md"]
	for _, name := range known {
		if !strings.Contains(readme, "`"+name) {
			t.Errorf("README does not list %s", name)
		}
	}
}

func TestManual_DocumentsEveryChannelKind(t *testing.T) {
	text := readPage(t, "channels.md")
	for _, k := range notify.Kinds() {
		if !strings.Contains(text, "\n## "+k.Label+"\n") && !strings.Contains(text, "\n| `"+k.Name+"` | "+k.Label+" |") {
			t.Errorf("the manual does not document the kind %s", k.Name)
		}
	}
	delivery := readPage(t, "delivery.md")
	for _, event := range []string{
		message.EventOpened, message.EventReminder, message.EventAcknowledged, message.EventResolved, message.EventLate, message.EventChannelFailing,
		message.EventChannelRecovered, message.EventTest,
	} {
		if !strings.Contains(delivery, "`"+event+"`") {
			t.Errorf("the manual does not document the event %s", event)
		}
	}
}
