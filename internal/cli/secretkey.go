package cli

import (
	"context"
	"fmt"

	"overdue/internal/app"
)

// secretKeyCmd groups what is done with the key that seals secrets.
type secretKeyCmd struct {
	Create secretKeyCreateCmd `cmd:"" help:"Write a new key to a file."`
	Rotate secretKeyRotateCmd `cmd:"" help:"Seal everything in the database with a new key, while no server runs."`
}

// secretKeyCreateCmd writes a key.
type secretKeyCreateCmd struct {
	File string `arg:"" help:"File to write; it must not exist yet. Only its owner may read it."`
}

// Help is the long part of --help.
func (secretKeyCreateCmd) Help() string {
	return `A server on PostgreSQL needs a key that all servers share. With SQLite the first start makes one.

Example:

    overdue secret-key create /etc/overdue/secret-key`
}

// Run writes the key and prints its id.
func (c *secretKeyCreateCmd) Run(std Streams, in insides) error {
	id, err := in.createSecretKey(c.File)
	if err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	return say(std, "key "+id+" written to "+c.File)
}

// secretKeyRotateCmd changes the key.
type secretKeyRotateCmd struct {
	StoreFlags
	KeyFlags

	NewSecretKeyFile string `placeholder:"FILE" help:"File with the new key. Without it one is made, and takes the place of the key file."`
	Discard          bool   `help:"Remove the secrets that the present key does not open, such as when it is lost. Their channels must be set up again."`
}

// Help is the long part of --help.
func (secretKeyRotateCmd) Help() string {
	return `Stop every server first: they hold the old key. If the command is interrupted, run it again: until it has finished, the database is sealed with one of the two keys, and both files exist.

Example:

    systemctl stop overdue
    overdue secret-key rotate
    systemctl start overdue`
}

// Run changes the key.
func (c *secretKeyRotateCmd) Run(ctx context.Context, std Streams, in insides) error {
	now, err := c.secretKey()
	if err != nil {
		return usage("%w", err)
	}
	change := app.KeyChange{Now: now, NewFile: c.NewSecretKeyFile, Discard: c.Discard}
	if err := in.changeSecretKey(ctx, c.StoreFlags, change, std); err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	return nil
}
