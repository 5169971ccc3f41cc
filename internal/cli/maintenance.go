package cli

import (
	"context"
	"fmt"
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
