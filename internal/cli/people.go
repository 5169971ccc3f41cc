package cli

import (
	"context"
	"fmt"
)

// personCmd groups what the operator can do for people.
type personCmd struct {
	ResetLink personResetLinkCmd `cmd:"" help:"Print a link that sets a new password, once."`
	SignOut   personSignOutCmd   `cmd:"" help:"End all sessions of a person."`
}

// personResetLinkCmd makes one link.
type personResetLinkCmd struct {
	StoreFlags

	PublicURL string `name:"public-url" placeholder:"URL" setting:"file" help:"Address that people use, which the link begins with. Without it only the path is printed, and a line on standard error says so."`
	Email     string `arg:"" help:"Email address of the person."`
}

// Help is the long part of --help.
func (personResetLinkCmd) Help() string {
	return `Works on the database directly, also while the server runs. The link works for an hour, and takes the place of any before. Whoever has it can sign in as that person.

Example:

    overdue person reset-link ada@example.org --public-url https://overdue.example.org`
}

// Validate checks what the types do not say. The parser calls it.
func (c *personResetLinkCmd) Validate() error { return validatePublicURL(c.PublicURL) }

// Run prints the link and nothing else. Which address people use is known to the
// running server only; without one, a line on standard error says what is missing.
func (c *personResetLinkCmd) Run(ctx context.Context, std Streams, in backend) error {
	link, err := in.resetLink(ctx, c.StoreFlags, c.PublicURL, c.Email)
	if err != nil {
		return fmt.Errorf("reset link: %w", err)
	}
	if err := printLine(std, link); err != nil {
		return err
	}
	if c.PublicURL == "" {
		warn(std, "this is the path only: put the address of the server before it, such as http://localhost:8080, or give --public-url")
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
	return `Works directly on the database, also while the server runs. Open pages stop updating within five seconds. The person can sign in again with their password; to prevent that, remove them from their projects, or set a new password with overdue person reset-link.

Example:

    overdue person sign-out ada@example.org`
}

// Run ends the sessions and prints how many there were.
func (c *personSignOutCmd) Run(ctx context.Context, std Streams, in backend) error {
	n, err := in.signOut(ctx, c.StoreFlags, c.Email)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return printLine(std, fmt.Sprintf("%d sessions of %s ended", n, c.Email))
}
