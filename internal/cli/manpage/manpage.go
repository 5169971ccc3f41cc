// Package manpage writes manual pages in the format of man(7) from the model of
// the command line, so that a page and --help have the same text.
//
// Each command has a page: overdue(1), overdue-heartbeats(1),
// overdue-heartbeats-list(1).
package manpage

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Page is the manual page of one command.
type Page struct {
	Name string // such as overdue-heartbeats-list
	Text string
}

// File returns the name of the file that holds the page.
func (p Page) File() string { return p.Name + ".1" }

// Options are the texts that the model does not contain.
type Options struct {
	Version string
	Date    string // of the version, such as 2026-11-30
	// ExitStatus describes the exit codes: the code and its meaning.
	ExitStatus [][2]string
	// Describe returns the help of a flag or argument.
	Describe func(*kong.Value) string
}

// All returns the pages of the application and of all its commands.
func All(app *kong.Application, o Options) []Page {
	var pages []Page
	var add func(node *kong.Node)
	add = func(node *kong.Node) {
		pages = append(pages, PageOf(node, o))
		for _, child := range visible(node.Children) {
			add(child)
		}
	}
	add(app.Node)
	return pages
}

// PageOf returns the page of one command.
func PageOf(node *kong.Node, o Options) Page {
	w := &writer{}
	w.macro("TH", strings.ToUpper(pageName(node)), "1", o.Date, "Overdue "+o.Version, "Overdue Manual")
	w.macro("SH", "NAME")
	summary, description, _ := strings.Cut(node.Help, "\n\n")
	w.line(escape(pageName(node)) + ` \- ` + escape(strings.TrimSuffix(summary, ".")))
	w.synopsis(node)
	detail, examples := splitExamples(node.Detail)
	w.description(summary, description, detail)
	w.commands(node)
	w.values("ARGUMENTS", arguments(node), o)
	w.values("OPTIONS", flags(node), o)
	w.exitStatus(o)
	w.examples(examples)
	w.seeAlso(node)
	return Page{Name: pageName(node), Text: w.String()}
}

// pageName returns the name of a command's page.
func pageName(node *kong.Node) string { return strings.Join(names(node), "-") }

// names returns the words that call a command.
func names(node *kong.Node) []string {
	if node.Parent == nil {
		return []string{node.Name}
	}
	return append(names(node.Parent), node.Name)
}

// visible returns the nodes that are not hidden.
func visible(all []*kong.Node) []*kong.Node {
	var found []*kong.Node
	for _, node := range all {
		if !node.Hidden {
			found = append(found, node)
		}
	}
	return found
}

// splitExamples separates the examples at the end of a help text.
func splitExamples(detail string) (text, examples string) {
	for _, title := range []string{"Examples:\n\n", "Example:\n\n"} {
		if before, after, found := strings.Cut(detail, title); found {
			return strings.TrimSpace(before), after
		}
	}
	return detail, ""
}

// writer collects the text of a page.
type writer struct{ strings.Builder }

// line writes a line that is already escaped. A line that begins with a dot or a
// quote would be a request.
func (w *writer) line(text string) {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	w.WriteString(text + "\n")
}

// macro writes a macro with arguments that are not escaped yet.
func (w *writer) macro(name string, arguments ...string) {
	w.WriteString("." + name)
	for _, a := range arguments {
		w.WriteString(` "` + strings.ReplaceAll(escape(a), `"`, `\(dq`) + `"`)
	}
	w.WriteString("\n")
}

// escape escapes what roff would interpret: backslashes, and hyphens that people
// copy, which must not become typographic ones.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
}

// paragraphs writes text with empty lines between its paragraphs. Indented lines
// are written as they are.
func (w *writer) paragraphs(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			w.macro("PP")
		}
		if strings.HasPrefix(paragraph, "    ") {
			w.verbatim(paragraph)
			continue
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			w.line(escape(strings.TrimSpace(line)))
		}
	}
}

// verbatim writes lines of code.
func (w *writer) verbatim(text string) {
	w.macro("RS", "4")
	w.macro("EX")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		w.line(escape(strings.TrimPrefix(line, "    ")))
	}
	w.macro("EE")
	w.macro("RE")
}

func (w *writer) synopsis(node *kong.Node) {
	w.macro("SH", "SYNOPSIS")
	text := `\fB` + escape(strings.Join(names(node), " ")) + `\fR`
	if len(visible(node.Children)) > 0 {
		text += ` \fICOMMAND\fR`
	}
	var required []string
	for _, f := range flags(node) {
		if f.Required {
			required = append(required, flagTerm(f.Flag))
		}
	}
	if len(required) < len(flags(node)) {
		text += ` [\fIOPTION\fR]...`
	}
	for _, r := range required {
		text += " " + r
	}
	for _, a := range node.Positional {
		text += " " + argumentTerm(a)
	}
	w.line(text)
}

func (w *writer) description(summary, description, detail string) {
	w.macro("SH", "DESCRIPTION")
	if detail == "" && description == "" {
		w.paragraphs(summary)
		return
	}
	if description != "" {
		w.paragraphs(description)
	}
	if detail != "" {
		if description != "" {
			w.macro("PP")
		}
		w.paragraphs(detail)
	}
}

func (w *writer) commands(node *kong.Node) {
	if len(visible(node.Children)) == 0 {
		return
	}
	w.macro("SH", "COMMANDS")
	for _, child := range visible(node.Children) {
		w.macro("TP")
		w.line(`\fB` + escape(strings.Join(names(child), " ")) + `\fR`)
		w.line(escape(child.Help))
	}
}

// values writes a section of flags or arguments.
func (w *writer) values(title string, all []*kong.Value, o Options) {
	if len(all) == 0 {
		return
	}
	w.macro("SH", title)
	for _, v := range all {
		w.macro("TP")
		if v.Flag != nil {
			w.line(flagTerm(v.Flag))
		} else {
			w.line(argumentTerm(v))
		}
		w.line(escape(o.Describe(v)))
	}
}

// arguments returns the positional arguments of a command.
func arguments(node *kong.Node) []*kong.Value { return node.Positional }

// flags returns the flags of a command and of its ancestors.
func flags(node *kong.Node) []*kong.Value {
	var all []*kong.Value
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			all = append(all, flag.Value)
		}
	}
	return all
}

// flagTerm returns a flag as people write it, with its value.
func flagTerm(f *kong.Flag) string {
	term := `\fB` + escape("--"+f.Name) + `\fR`
	if f.Tag.Negatable != "" {
		term += `, \fB` + escape("--no-"+f.Name) + `\fR`
	}
	if f.Short != 0 {
		term = `\fB` + escape("-"+string(f.Short)) + `\fR, ` + term
	}
	if !f.IsBool() {
		term += ` \fI` + escape(f.FormatPlaceHolder()) + `\fR`
	}
	return term
}

// argumentTerm returns a positional argument, in brackets if it is optional.
func argumentTerm(v *kong.Value) string {
	term := `\fI` + escape(strings.ToUpper(v.Name)) + `\fR`
	if v.IsCumulative() {
		term += "..."
	}
	if !v.Required {
		term = "[" + term + "]"
	}
	return term
}

func (w *writer) exitStatus(o Options) {
	w.macro("SH", "EXIT STATUS")
	for _, status := range o.ExitStatus {
		w.macro("TP")
		w.line(`\fB` + escape(status[0]) + `\fR`)
		w.line(escape(status[1]))
	}
}

func (w *writer) examples(text string) {
	if text == "" {
		return
	}
	w.macro("SH", "EXAMPLES")
	w.verbatim(text)
}

// seeAlso names the page of the group and of the sibling commands.
func (w *writer) seeAlso(node *kong.Node) {
	var related []*kong.Node
	if node.Parent != nil {
		related = append(related, node.Parent)
		for _, sibling := range visible(node.Parent.Children) {
			if sibling != node {
				related = append(related, sibling)
			}
		}
	} else {
		related = visible(node.Children)
	}
	w.macro("SH", "SEE ALSO")
	for i, r := range related {
		comma := ","
		if i == len(related)-1 {
			comma = ""
		}
		w.WriteString(fmt.Sprintf(".BR %s (1)%s\n", escape(pageName(r)), comma))
	}
}
