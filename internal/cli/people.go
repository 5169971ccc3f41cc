package cli

import (
	"context"
	"fmt"
)

// personCmd groups the commands for people. They open the database directly.
type personCmd struct {
	ResetLink personResetLinkCmd `cmd:"" help:"Print a link that sets a new password, once."`
	SignOut   personSignOutCmd   `cmd:"" help:"End all sessions of a person."`
}

// personResetLinkCmd creates a link.
type personResetLinkCmd struct {
	StoreFlags

	PublicURL string `name:"public-url" placeholder:"URL" setting:"file" help:"Address of the server, with which the link begins. Without it, only the path is printed."`
	Email     string `arg:"" help:"Email address of the person."`
}

// Help is the long part of --help.
func (personResetLinkCmd) Help() string {
	return `Opens the database directly, also while the server runs. The link works once, for one hour, and replaces an earlier one. Anyone who has the link can sign in as that person.

Examples:

    overdue person reset-link ada@example.org --public-url https://overdue.example.org`
}

// Validate checks what the types do not say. The parser calls it.
func (c *personResetLinkCmd) Validate() error { return validatePublicURL(c.PublicURL) }

// Run prints the link and nothing else. Without --public-url, a line on standard error
// says what to add: only the running server knows its address.
func (c *personResetLinkCmd) Run(ctx context.Context, std Streams, in backend) error {
	link, err := in.resetLink(ctx, c.StoreFlags, c.PublicURL, c.Email)
	if err != nil {
		return fmt.Errorf("reset link: %w", err)
	}
	if err := printLine(std, link); err != nil {
		return err
	}
	if c.PublicURL == "" {
		warn(std, "this is only the path: add the address of the server before it, such as http://localhost:8080, or set --public-url")
	}
	return nil
}

// personSignOutCmd ends the sessions of one person.
type personSignOutCmd struct {
	StoreFlags

	Email string `arg:"" help:"Email address of the person."`
}

// Help is the long part of --help.
func (personSignOutCmd) Help() string {
	return `Opens the database directly, also while the server runs. Open pages stop updating within five seconds. The person can sign in again with their password; to prevent that, remove the person from their projects, or set a new password with overdue person reset-link.

Examples:

    overdue person sign-out ada@example.org`
}

// Run ends the sessions and prints their number.
func (c *personSignOutCmd) Run(ctx context.Context, std Streams, in backend) error {
	n, err := in.signOut(ctx, c.StoreFlags, c.Email)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return printLine(std, fmt.Sprintf("%s of %s ended", countText(n, "session"), c.Email))
}
