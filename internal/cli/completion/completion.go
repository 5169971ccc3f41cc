// Package completion completes command lines in bash, zsh and fish.
//
// The scripts of the shells only ask the program: they run
//
//	overdue __complete -- WORD…
//
// with the words up to the cursor, the last of which may be empty. The answer has
// one candidate a line, with a description after a tab. A line ":files" means
// that the shell also offers the names of files. So the program and its
// completion cannot differ, and names on the server can be completed too.
package completion

import (
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Command is the hidden command that the scripts run.
const Command = "__complete"

// commandsTag marks an argument that consists of the names of commands, as of "help".
const commandsTag = "commands"

// filesLine asks the shell to offer names of files.
const filesLine = ":files"

//go:embed scripts
var scripts embed.FS

// Shells are the shells that have a script.
var Shells = []string{"bash", "fish", "zsh"}

// Script returns the completion script of a shell.
func Script(shell string) (string, error) {
	if !slices.Contains(Shells, shell) {
		return "", fmt.Errorf("shell %q: must be one of %s", shell, strings.Join(Shells, ", "))
	}
	text, err := scripts.ReadFile("scripts/overdue." + shell)
	return string(text), err
}

// Candidate is a word that the shell offers.
type Candidate struct{ Value, Help string }

// Source returns the candidates for the value of a flag or an argument of a
// command, and whether it knows the value at all.
type Source func(command *kong.Node, value *kong.Value) ([]Candidate, bool)

// Write writes the candidates for the last of the words.
func Write(out io.Writer, app *kong.Application, words []string, source Source) error {
	var text strings.Builder
	found, files := complete(app, words, source)
	for _, c := range found {
		line := c.Value
		if help, _, _ := strings.Cut(c.Help, "\n"); help != "" {
			line += "\t" + help
		}
		text.WriteString(line + "\n")
	}
	if files {
		text.WriteString(filesLine + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// complete returns the candidates for the last of the words, and whether the
// shell should offer files.
func complete(app *kong.Application, words []string, source Source) ([]Candidate, bool) {
	l := &line{node: app.Node}
	words = joinAssignments(words)
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		if l.read(word); l.passthrough {
			return nil, true
		}
	}
	name, value, assigned := strings.Cut(last, "=")
	switch {
	case l.flag != nil:
		return values(l.node, l.flag, last, "", source)
	case assigned && l.findFlag(name) != nil:
		return values(l.node, l.findFlag(name).Value, value, name+"=", source)
	case strings.HasPrefix(last, "-") && !l.onlyArguments:
		return l.flags(last), false
	}
	return l.next(last, source)
}

// joinAssignments repairs the words of bash, which splits --flag=value into three.
func joinAssignments(words []string) []string {
	var joined []string
	for i, word := range words {
		afterFlag := len(joined) > 0 && strings.HasPrefix(joined[len(joined)-1], "--")
		switch {
		case word == "=" && afterFlag && i == len(words)-1:
			joined = append(joined, "") // the cursor is right after the =
		case word == "=" && afterFlag:
		default:
			joined = append(joined, word)
		}
	}
	return joined
}

// line is a command line that is being read.
type line struct {
	node          *kong.Node
	flag          *kong.Value // whose value the next word is
	arguments     []string    // positional arguments read so far
	onlyArguments bool        // after --
	passthrough   bool        // the rest is another command
}

// read reads a complete word.
func (l *line) read(word string) {
	switch {
	case l.flag != nil:
		l.flag = nil
		return
	case word == "--" && !l.onlyArguments:
		l.onlyArguments = true
		l.passthrough = l.nextArgument() != nil && l.nextArgument().Passthrough
		return
	case strings.HasPrefix(word, "-") && !l.onlyArguments:
		name, _, assigned := strings.Cut(word, "=")
		if flag := l.findFlag(name); flag != nil && !assigned && !flag.IsBool() {
			l.flag = flag.Value
		}
		return
	}
	for _, child := range l.node.Children {
		if child.Name == word && len(l.arguments) == 0 {
			l.node = child
			return
		}
	}
	l.passthrough = l.nextArgument() != nil && l.nextArgument().Passthrough
	l.arguments = append(l.arguments, word)
}

// nextArgument returns the positional argument that comes next, or nil.
func (l *line) nextArgument() *kong.Value {
	all := l.node.Positional
	switch {
	case len(l.arguments) < len(all):
		return all[len(l.arguments)]
	case len(all) > 0 && all[len(all)-1].IsCumulative():
		return all[len(all)-1]
	}
	return nil
}

// findFlag returns the flag that a word such as --json or -h names, or nil.
func (l *line) findFlag(word string) *kong.Flag {
	for _, group := range l.node.AllFlags(true) {
		for _, flag := range group {
			if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
				return flag
			}
		}
	}
	return nil
}

// flags returns the flags that begin with a prefix.
func (l *line) flags(prefix string) []Candidate {
	var all []Candidate
	for _, group := range l.node.AllFlags(true) {
		for _, flag := range group {
			all = append(all, Candidate{"--" + flag.Name, flag.Help})
			if flag.Tag.Negatable != "" {
				all = append(all, Candidate{"--no-" + flag.Name, "The opposite of --" + flag.Name + "."})
			}
		}
	}
	return startingWith(all, prefix, "")
}

// next returns the candidates for a word that is not a flag: a command or an argument.
func (l *line) next(prefix string, source Source) ([]Candidate, bool) {
	if len(l.node.Children) > 0 {
		return startingWith(commands(l.node), prefix, ""), false
	}
	argument := l.nextArgument()
	if argument != nil && argument.Tag.Has(commandsTag) {
		return startingWith(commands(l.namedCommand()), prefix, ""), false
	}
	if argument != nil {
		return values(l.node, argument, prefix, "", source)
	}
	return nil, false
}

// commands returns the commands below a node.
func commands(node *kong.Node) []Candidate {
	var all []Candidate
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, Candidate{child.Name, child.Help})
		}
	}
	return all
}

// namedCommand returns the command that the arguments name, as after "help". It has no
// commands below it if the arguments name none.
func (l *line) namedCommand() *kong.Node {
	node := l.node
	for node.Parent != nil {
		node = node.Parent
	}
	for _, word := range l.arguments {
		i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word && !child.Hidden })
		if i < 0 {
			return &kong.Node{}
		}
		node = node.Children[i]
	}
	return node
}

// values returns the candidates for a value. Without a source, files are offered.
func values(node *kong.Node, value *kong.Value, prefix, before string, source Source) ([]Candidate, bool) {
	if value.Enum != "" {
		var all []Candidate
		for _, word := range value.EnumSlice() {
			all = append(all, Candidate{Value: word})
		}
		return startingWith(all, prefix, before), false
	}
	all, known := source(node, value)
	return startingWith(all, prefix, before), !known
}

// startingWith returns the candidates that begin with prefix, with the text before
// added to each.
func startingWith(all []Candidate, prefix, before string) []Candidate {
	var found []Candidate
	for _, c := range all {
		if c.Value != "" && strings.HasPrefix(c.Value, prefix) {
			found = append(found, Candidate{before + c.Value, c.Help})
		}
	}
	return found
}
