package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"overdue/internal/seal"
	"overdue/internal/store"
)

// KeyRotation holds the options of a key rotation.
type KeyRotation struct {
	Current SecretKey
	NewFile string // file with the new key; empty: a new key replaces the old file
	Discard bool   // values that the old key cannot decrypt are removed
}

// CreateSecretKey writes a new key to a file. The file must not exist.
func CreateSecretKey(file string) (id string, err error) {
	key, err := createKey(file)
	if err != nil {
		return "", err
	}
	return key.ID(), nil
}

// RotateSecretKey encrypts every secret in the database with a new key. No server
// may use the database. It can be interrupted at any time and run again: the
// database is sealed with one of the two keys, and both files exist until it is
// done.
func RotateSecretKey(ctx context.Context, database string, c KeyRotation, out io.Writer) (err error) {
	db, older, err := store.OpenExisting(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if older {
		return errors.New("the database schema is older than this program; start the server of this version first")
	}
	if err := db.CheckNotMoved(ctx); err != nil {
		return err
	}
	if err := db.ClaimWithoutServer(ctx, time.Now().UTC()); err != nil {
		return err
	}
	from, to, err := c.keys(ctx, db, database, out)
	if err != nil || to == nil {
		return err
	}
	changed, discarded, err := db.ChangeSecretKey(ctx, from, to, c.Discard)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "values encrypted with the key %s: %d\n", to.ID(), changed)
	if discarded > 0 {
		fmt.Fprintf(out, "values removed because the old key cannot decrypt them: %d; `overdue check` lists the channels to set up again\n", discarded)
	}
	if c.NewFile != "" {
		fmt.Fprintf(out, "configure the new key on every server before it starts: --secret-key-file %s\n", c.NewFile)
		return nil
	}
	return c.finish(database, out)
}

// finish renames the new key file to its final name.
func (c KeyRotation) finish(database string, out io.Writer) error {
	path, _ := c.Current.file(database)
	kept, err := finishRotation(path)
	if err != nil {
		return err
	}
	if kept != "" {
		fmt.Fprintf(out, "the old key was kept as %s: older backups need it\n", kept)
	}
	fmt.Fprintf(out, "the new key is in %s: back it up separately from the database", path)
	if _, made := c.Current.file(database); !made {
		fmt.Fprint(out, ", and copy it to every server before it starts")
	}
	fmt.Fprintln(out)
	return nil
}

// keys returns the old and the new key. If the new key is nil, nothing is left to
// do.
func (c KeyRotation) keys(ctx context.Context, db *store.DB, database string, out io.Writer) (from, to *seal.Key, err error) {
	id, sealed, err := db.SecretKeyID(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !sealed {
		return nil, nil, errors.New("the database is not encrypted yet; the next start of the server encrypts it")
	}
	from, next, err := c.Current.find(ctx, db, database)
	if next {
		fmt.Fprintln(out, "an earlier rotation was interrupted; finishing it")
		return nil, nil, c.finish(database, out)
	}
	to, errNew := c.newKey(database)
	switch {
	case errNew != nil:
		return nil, nil, errNew
	case c.NewFile != "" && to.ID() == id:
		fmt.Fprintf(out, "the database is already encrypted with the key %s; configure it on every server: --secret-key-file %s\n", id, c.NewFile)
		return nil, nil, nil
	case err != nil && !c.Discard:
		return nil, nil, err
	}
	return from, to, nil
}

// newKey reads or creates the new key. It reuses the key of an interrupted
// rotation.
func (c KeyRotation) newKey(database string) (*seal.Key, error) {
	if c.NewFile != "" {
		key, err := readKey(c.NewFile)
		if err == nil && key == nil {
			err = fmt.Errorf("there is no file %s: create it with `overdue secret-key create %s`", c.NewFile, c.NewFile)
		}
		return key, err
	}
	path, _ := c.Current.file(database)
	if path == "" {
		return nil, errors.New("the key is not in a file: create a new one with `overdue secret-key create FILE`, and name it with --new-secret-key-file")
	}
	key, err := readKey(path + newKeySuffix)
	if err == nil && key == nil {
		key, err = createKey(path + newKeySuffix)
	}
	return key, err
}
