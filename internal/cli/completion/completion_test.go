package completion_test

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"overdue/internal/cli/completion"
)

// grammar is a command line with everything that is completed.
type grammar struct {
	Version bool `short:"v" help:"Print the version."`
	Things  struct {
		List struct {
			Status string `enum:",up,down" default:"" help:"Only these."`
			JSON   bool   `name:"json" help:"Print JSON."`
			Config string `placeholder:"FILE"`
			Notify bool   `negatable:"" help:"Notify."`
		} `cmd:"" help:"List things."`
		Show struct {
			Slug string `arg:""`
		} `cmd:"" help:"Show one thing."`
	} `cmd:"" help:"Manage things."`
	Run struct {
		Target  string   `arg:"" name:"slug"`
		Wait    string   `help:"How long to wait."`
		Command []string `arg:"" passthrough:"partial"`
	} `cmd:"" help:"Run a job."`
	Help struct {
		Command []string `arg:"" optional:"" commands:""`
	} `cmd:"" help:"Show help."`
	Secret struct{} `cmd:"" hidden:""`
}

// complete returns the lines for words, the last of which is being typed.
func complete(t *testing.T, words ...string) string {
	t.Helper()
	parser, err := kong.New(&grammar{}, kong.Name("overdue"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	source := func(_ *kong.Node, value *kong.Value) ([]completion.Candidate, bool) {
		if value.Name == "slug" {
			return []completion.Candidate{{Value: "backup", Help: "Backup"}, {Value: "sync"}}, true
		}
		return nil, value.Name != "config"
	}
	if err := completion.Write(&out, parser.Model, words, source); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWrite_CompletesTheLastWord(t *testing.T) {
	for name, test := range map[string]struct {
		words []string
		want  string
	}{
		"commands":                        {[]string{""}, "things\tManage things.\nrun\tRun a job.\nhelp\tShow help.\n"},
		"no words at all":                 {nil, "things\tManage things.\nrun\tRun a job.\nhelp\tShow help.\n"},
		"commands after help":             {[]string{"help", "t"}, "things\tManage things.\n"},
		"subcommands after help":          {[]string{"help", "things", ""}, "list\tList things.\nshow\tShow one thing.\n"},
		"nothing below a last command":    {[]string{"help", "things", "list", ""}, ""},
		"nothing below an unknown one":    {[]string{"help", "nothing", ""}, ""},
		"a prefix of a command":           {[]string{"th"}, "things\tManage things.\n"},
		"subcommands":                     {[]string{"things", ""}, "list\tList things.\nshow\tShow one thing.\n"},
		"flags":                           {[]string{"things", "list", "--st"}, "--status\tOnly these.\n"},
		"flags of all levels":             {[]string{"things", "list", "--v"}, "--version\tPrint the version.\n"},
		"a negated flag":                  {[]string{"things", "list", "--no-"}, "--no-notify\tThe opposite of --notify.\n"},
		"values of a flag":                {[]string{"things", "list", "--status", ""}, "up\ndown\n"},
		"values after an equals sign":     {[]string{"things", "list", "--status=d"}, "--status=down\n"},
		"the words of bash for the same":  {[]string{"things", "list", "--status", "=", "d"}, "down\n"},
		"bash with nothing after it":      {[]string{"things", "list", "--status", "="}, "up\ndown\n"},
		"a word after a flag with value":  {[]string{"things", "--version", "sh"}, "show\tShow one thing.\n"},
		"a flag with a file":              {[]string{"things", "list", "--config", ""}, ":files\n"},
		"arguments":                       {[]string{"things", "show", "b"}, "backup\tBackup\n"},
		"no argument after the last":      {[]string{"things", "show", "backup", ""}, ""},
		"an argument after --":            {[]string{"things", "show", "--", "s"}, "sync\n"},
		"the command of run":              {[]string{"run", "backup", "--", "tar", ""}, ":files\n"},
		"the command of run, without --":  {[]string{"run", "backup", "tar", "--wa"}, ":files\n"},
		"a value, then an argument":       {[]string{"run", "--wait", "3s", "s"}, "sync\n"},
		"nothing for an unknown word":     {[]string{"nothing", "x"}, ""},
		"hidden commands are not offered": {[]string{"sec"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, complete(t, test.words...)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", test.words, diff)
			}
		})
	}
}

func TestScript_ExistsForEachShell(t *testing.T) {
	for _, shell := range completion.Shells {
		script, err := completion.Script(shell)
		if err != nil || !strings.Contains(script, completion.Command+" -- ") {
			t.Errorf("%s: %v; want a script that runs %s, got:\n%s", shell, err, completion.Command, script)
		}
	}
	if _, err := completion.Script("tcsh"); err == nil {
		t.Error("tcsh: no error; there is no script for it")
	}
}
