package cli

import (
	"context"
	"fmt"

	"overdue/internal/app"
)

// backupCmd copies the database. A copy with cp while the server runs would lack the
// write-ahead log.
type backupCmd struct {
	StoreFlags

	File string `arg:"" help:"File to write. It must not exist."`
}

// Help is the long part of --help.
func (backupCmd) Help() string {
	return `Writes a complete and consistent copy of a SQLite database, also while the server runs. The secret key is in a separate file: back it up as well. For PostgreSQL, use pg_dump.

Examples:

    overdue backup /var/backups/overdue-$(date +%F).db
    overdue backup /var/backups/overdue.db --database /var/lib/overdue/overdue.db`
}

// Run copies the database.
func (c *backupCmd) Run(ctx context.Context, in backend) error {
	if err := in.backup(ctx, c.StoreFlags, c.File); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// restoreCmd replaces the database with a backup. A copy with cp would leave the
// write-ahead logs of the old database next to the new file.
type restoreCmd struct {
	StoreFlags

	File string `arg:"" help:"Backup to restore, written by overdue backup."`
}

// Help is the long part of --help.
func (restoreCmd) Help() string {
	return `Stop the server first. The command verifies the backup and does not change it. The previous database is kept under another name next to the restored one. For PostgreSQL, use pg_restore.

Examples:

    overdue restore /var/backups/overdue-2026-11-29.db --database /var/lib/overdue/overdue.db`
}

// Run restores the backup and prints the result.
func (c *restoreCmd) Run(ctx context.Context, std Streams, in backend) error {
	if err := in.restore(ctx, c.StoreFlags, c.File, std); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// secretKeyCmd groups the commands for the key that encrypts secrets.
type secretKeyCmd struct {
	Create secretKeyCreateCmd `cmd:"" help:"Write a new key to a file."`
	Rotate secretKeyRotateCmd `cmd:"" help:"Encrypt all secrets in the database with a new key. Stop every server first."`
}

// secretKeyCreateCmd creates a key.
type secretKeyCreateCmd struct {
	File string `arg:"" help:"File to write. It must not exist. Only its owner can read it."`
	JSON bool   `name:"json" help:"Print the id of the key as JSON."`
}

// Help is the long part of --help.
func (secretKeyCreateCmd) Help() string {
	return `With PostgreSQL, all servers need the same key. With SQLite, the first start creates a key.

Examples:

    overdue secret-key create /etc/overdue/secret-key`
}

// Run writes the key and prints its id.
func (c *secretKeyCreateCmd) Run(std Streams, in backend) error {
	id, err := in.createSecretKey(c.File)
	if err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	if c.JSON {
		return printJSON(std, map[string]string{"id": id, "file": c.File})
	}
	return printLine(std, "key "+id+" written to "+c.File)
}

// secretKeyRotateCmd rotates the key.
type secretKeyRotateCmd struct {
	StoreFlags
	KeyFlags

	NewSecretKeyFile string `placeholder:"FILE" help:"File with the new key. Default: a new key replaces the key file."`
	Discard          bool   `help:"Remove the secrets that the current key cannot decrypt, for example because it is lost. Set up their channels again afterwards."`
}

// Help is the long part of --help.
func (secretKeyRotateCmd) Help() string {
	return `Running servers use the old key, so the command rejects a database that is in use. If the command is interrupted, run it again. Until it has finished, the database is encrypted with one of the two keys, and both files exist.

Examples:

    systemctl stop overdue
    overdue secret-key rotate
    systemctl start overdue`
}

// Run rotates the key.
func (c *secretKeyRotateCmd) Run(ctx context.Context, std Streams, in backend) error {
	now, err := c.secretKey()
	if err != nil {
		return usageError("%w", err)
	}
	change := app.KeyRotation{Current: now, NewFile: c.NewSecretKeyFile, Discard: c.Discard}
	if err := in.changeSecretKey(ctx, c.StoreFlags, change, std); err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	return nil
}
