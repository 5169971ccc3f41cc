package cli

import (
	"context"
	"fmt"

	"overdue/internal/app"
)

// secretKeyCmd groups the commands for the key that encrypts secrets.
type secretKeyCmd struct {
	Create secretKeyCreateCmd `cmd:"" help:"Write a new key to a file."`
	Rotate secretKeyRotateCmd `cmd:"" help:"Encrypt all secrets in the database with a new key. Stop every server first."`
}

// secretKeyCreateCmd writes a key.
type secretKeyCreateCmd struct {
	File string `arg:"" help:"File to write. It must not exist. Only its owner can read it."`
}

// Help is the long part of --help.
func (secretKeyCreateCmd) Help() string {
	return `With PostgreSQL, all servers need the same key. With SQLite, the first start creates a key.

Example:

    overdue secret-key create /etc/overdue/secret-key`
}

// Run writes the key and prints its id.
func (c *secretKeyCreateCmd) Run(std Streams, in backend) error {
	id, err := in.createSecretKey(c.File)
	if err != nil {
		return fmt.Errorf("secret key: %w", err)
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
	return `Stop every server first, because running servers use the old key. If the command is interrupted, run it again. Until it has finished, the database is encrypted with one of the two keys, and both files exist.

Example:

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
