package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"overdue/internal/cli/manpage"
	"overdue/internal/cli/settings"
)

// exitCodes are the exit codes of all commands, for the manual pages.
var exitCodes = [][2]string{
	{"0", "The command succeeded."},
	{"1", "The command failed. Standard error says why."},
	{"2", "Usage error: a flag, argument or setting is invalid."},
}

// manCmd prints manual pages.
type manCmd struct {
	Command []string `arg:"" optional:"" commands:"" help:"Command whose page is printed. Default: the page of overdue itself."`
	Dir     string   `placeholder:"DIR" help:"Write the pages of all commands to this directory."`
}

// Help is the long part of --help.
func (manCmd) Help() string {
	return `Examples:

    overdue man heartbeats create | man -l -
    overdue man --dir /usr/local/share/man/man1`
}

// Run prints a page, or writes all pages to a directory.
func (c *manCmd) Run(std Streams, parser *kong.Context) error {
	options := manpage.Options{Version: currentBuild().Version, Date: currentBuild().date(), ExitStatus: exitCodes, Describe: settings.Help}
	if c.Dir == "" {
		node, err := findCommand(parser.Model.Node, c.Command)
		if err != nil {
			return err
		}
		return printLine(std, strings.TrimSuffix(manpage.PageOf(node, options).Text, "\n"))
	}
	for _, page := range manpage.All(parser.Model, options) {
		if err := os.WriteFile(filepath.Join(c.Dir, page.File()), []byte(page.Text), 0o644); err != nil {
			return fmt.Errorf("manual page: %w", err)
		}
	}
	return nil
}

// findCommand returns the command that words name.
func findCommand(node *kong.Node, words []string) (*kong.Node, error) {
	for _, word := range words {
		var found *kong.Node
		for _, child := range node.Children {
			if child.Name == word && !child.Hidden {
				found = child
			}
		}
		if found == nil {
			return nil, usageError("%s has no command %s", node.FullPath(), word)
		}
		node = found
	}
	return node, nil
}

// helpCmd prints the help of a command, as --help does.
type helpCmd struct {
	Command []string `arg:"" optional:"" commands:"" help:"Command. Default: the help of overdue itself."`
}

// Help is the long part of --help.
func (helpCmd) Help() string {
	return `Examples:

    overdue help heartbeats create`
}

// Run prints the help.
func (c *helpCmd) Run(std Streams, parser *kong.Context, server backend) error {
	if _, err := findCommand(parser.Model.Node, c.Command); err != nil {
		return err
	}
	return execute(append(c.Command, "--help"), std, server)
}
