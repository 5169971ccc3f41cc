package cli

import (
	"context"
	"fmt"
)

// apiKeyCmd groups what is done with API keys. Keys are listed and revoked in
// the pages; making the first one must work without any.
type apiKeyCmd struct {
	Create apiKeyCreateCmd `cmd:"" help:"Make an API key and print it, once."`
}

// apiKeyCreateCmd makes one key.
type apiKeyCreateCmd struct {
	StoreFlags

	Name     string `required:"" placeholder:"NAME" help:"What the key is for."`
	Project  string `placeholder:"NAME" help:"Project that it belongs to. Default: the only one."`
	ReadOnly bool   `help:"The key may look but not change, and never sees ping URLs."`
}

// Help is the long part of --help.
func (apiKeyCreateCmd) Help() string {
	return `Works on the database directly, also while the server runs.

Example:

    overdue api-key create --name deploy > /run/secrets/overdue-key`
}

// Run prints the new key and nothing else, so that it can go into a file.
func (c *apiKeyCreateCmd) Run(ctx context.Context, std Streams, in backend) error {
	key, err := in.createAPIKey(ctx, c.StoreFlags, KeyRequest{Name: c.Name, Project: c.Project, ReadOnly: c.ReadOnly})
	if err != nil {
		return fmt.Errorf("api key: %w", err)
	}
	return printLine(std, key)
}

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

// backupCmd copies the database. Copying the file with cp while the server runs
// would miss what is still in the write-ahead log.
type backupCmd struct {
	StoreFlags

	File string `arg:"" help:"File to write; it must not exist yet."`
}

// Run copies the database.
func (c *backupCmd) Run(ctx context.Context, in backend) error {
	if err := in.backup(ctx, c.StoreFlags, c.File); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// restoreCmd replaces the database with a backup. A copy with cp would leave the
// write-ahead log and the journal of the old database next to the new file.
type restoreCmd struct {
	StoreFlags

	File string `arg:"" help:"Backup to restore, written by overdue backup."`
}

// Help is the long part of --help.
func (restoreCmd) Help() string {
	return `Stop the server first. The command verifies the backup and does not change it. The previous database is kept under another name next to the restored one. For PostgreSQL, use pg_restore.

Example:

    overdue restore /var/backups/overdue-2026-11-29.db --database /var/lib/overdue/overdue.db`
}

// Run restores the backup and prints the result.
func (c *restoreCmd) Run(ctx context.Context, std Streams, in backend) error {
	if err := in.restore(ctx, c.StoreFlags, c.File, std); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// checkCmd takes every flag of the server, because it is the server's settings
// that it checks.
type checkCmd struct{ ServerFlags }

// Run checks the settings and the database; a finding is exit code 1.
func (c *checkCmd) Run(ctx context.Context, std Streams, in backend) error {
	if err := in.check(ctx, c.ServerFlags, std); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

// printLine writes a line of the answer. An answer that could not be written is a
// failure: the disk below "> key.txt" may be full.
func printLine(std Streams, line string) error {
	if _, err := fmt.Fprintln(std.Out, line); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
