package manpage_test

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"overdue/internal/cli/manpage"
)

// listCmd has an example, a required flag and text that roff would interpret.
type listCmd struct {
	Name   string   `required:"" placeholder:"NAME" help:"A name with a \\ in it."`
	All    bool     `short:"a" negatable:"" help:"Everything."`
	Things []string `arg:"" name:"thing" optional:"" help:"Which."`
}

func (listCmd) Help() string {
	return "First paragraph.\n\n.5 is a number.\n\nExamples:\n\n    overdue things list --name 'x'"
}

type grammar struct {
	Things struct {
		List listCmd  `cmd:"" help:"List things."`
		Old  struct{} `cmd:"" hidden:""`
	} `cmd:"" help:"Manage things."`
}

func pages(t *testing.T) []manpage.Page {
	t.Helper()
	parser, err := kong.New(&grammar{}, kong.Name("overdue"), kong.Description("A monitor.\n\nMore about it."), kong.NoDefaultHelp())
	if err != nil {
		t.Fatal(err)
	}
	return manpage.All(parser.Model, manpage.Options{
		Version: "v1", ExitStatus: [][2]string{{"0", "Done."}}, Describe: func(v *kong.Value) string { return v.Help },
	})
}

func TestAll_HasAPageForEachVisibleCommand(t *testing.T) {
	var files []string
	for _, p := range pages(t) {
		files = append(files, p.File())
	}
	if diff := cmp.Diff([]string{"overdue.1", "overdue-things.1", "overdue-things-list.1"}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestAll_PageHasEverySection(t *testing.T) {
	want := strings.TrimPrefix(`
.TH "OVERDUE\-THINGS\-LIST" "1" "" "Overdue v1" "Overdue Manual"
.SH "NAME"
overdue\-things\-list \- List things
.SH "SYNOPSIS"
\fBoverdue things list\fR [\fIOPTION\fR]... \fB\-\-name\fR \fINAME\fR [\fITHING\fR...]
.SH "DESCRIPTION"
First paragraph.
.PP
\&.5 is a number.
.SH "ARGUMENTS"
.TP
[\fITHING\fR...]
Which.
.SH "OPTIONS"
.TP
\fB\-\-name\fR \fINAME\fR
A name with a \e in it.
.TP
\fB\-a\fR, \fB\-\-all\fR, \fB\-\-no\-all\fR
Everything.
.SH "EXIT STATUS"
.TP
\fB0\fR
Done.
.SH "EXAMPLES"
.RS "4"
.EX
overdue things list \-\-name 'x'
.EE
.RE
.SH "SEE ALSO"
.BR overdue\-things (1)
`, "\n")
	if diff := cmp.Diff(want, pages(t)[2].Text); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}
