package cli

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"overdue/internal/cli/settings"
)

func TestRejectEmptyFlags_NoCommandIgnoresAFlag(t *testing.T) {
	parser, err := newParser(Streams{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, leaf := range parser.Model.Leaves(true) {
		for _, flag := range leaf.Flags {
			text := flag.Target.Kind() == reflect.String || flag.Target.Type() == reflect.TypeFor[*string]() || flag.Target.Type() == reflect.TypeFor[[]string]()
			if !text || settings.IsSetting(flag) || flag.Tag.Has(emptyTag) {
				continue
			}
			tried++
			args := append(commandWords(leaf), "--"+flag.Name+"=")
			for _, a := range leaf.Positional {
				word := "x"
				switch {
				case a.Enum != "":
					word = a.EnumSlice()[0]
				case a.Target.Kind() == reflect.Int64:
					word = "1"
				}
				args = append(args, word)
			}
			for _, f := range leaf.Flags {
				if f.Required && f != flag {
					args = append(args, "--"+f.Name+"=x")
				}
			}
			if got := runOverdue(backend{}, args...); got.code != 2 || !strings.Contains(got.err, "--"+flag.Name) || got.out != "" {
				t.Errorf("%q: %+v; want a usage error that names the flag", args, got)
			}
		}
	}
	if tried < 30 {
		t.Errorf("tried %d flags; want all", tried)
	}
}

// commandWords returns the words that call a command.
func commandWords(node *kong.Node) []string {
	if node.Parent == nil {
		return nil
	}
	return append(commandWords(node.Parent), node.Name)
}

func TestRejectEmptyFlags_AllowsTextsAndSettings(t *testing.T) {
	monitor := newFakeMonitor(t, nil)
	for _, args := range [][]string{
		{"ping", anID, "--rid", "", "--body", ""},
		{"run", anID, "--success-codes", "", "--", "true"},
	} {
		if got := runOverdue(backend{}, args...); got != (commandResult{}) {
			t.Errorf("%q: %+v", args, got)
		}
	}
	if got := monitor.paths(); !slices.Equal(got, []string{"", "/start", "/0"}) {
		t.Errorf("pings %q", got)
	}
	t.Setenv("OVERDUE_URL", "http://127.0.0.1:1")
	if got := runOverdue(backend{}, "heartbeats", "list", "--url", ""); got.code != 2 || !strings.Contains(got.err, "no server address") {
		t.Errorf("an empty setting: %+v; want it to override the environment", got)
	}
}

func TestEnums_HaveNoEmptyValue(t *testing.T) {
	parser, err := newParser(Streams{}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		for _, flag := range leaf.Flags {
			if flag.Enum != "" && slices.Contains(flag.EnumSlice(), "") {
				t.Errorf("%s --%s: the error of another value would list an empty one", leaf.FullPath(), flag.Name)
			}
		}
	}
	got := runOverdue(backend{}, "incidents", "list", "--state", "foo")
	if want := `overdue: --state must be one of "open","acknowledged","resolved","all" but got "foo"`; got.code != 2 || !strings.HasPrefix(got.err, want) {
		t.Errorf("%+v; want %q", got, want)
	}
}
