package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/web/view/paths"
)

// ResetLink creates a password reset link directly in the database. Without
// base, it returns only the path.
func ResetLink(ctx context.Context, database, base, email string) (link string, err error) {
	db, err := openCurrent(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	token, _, made, err := auth.NewPeople(db, false, auth.PasswordCost).CreateResetLink(ctx, email, auth.Operator(monitor.Project{}, operatorName()), time.Now().UTC())
	if err != nil {
		return "", err
	}
	if !made {
		return "", errNoAccount(email)
	}
	return strings.TrimRight(base, "/") + paths.PasswordResetLink(token), nil
}

// SignOut ends all sessions of a person directly in the database, and returns
// their number.
func SignOut(ctx context.Context, database, email string) (n int, err error) {
	db, err := openCurrent(ctx, database)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n, found, err := auth.NewPeople(db, false, auth.PasswordCost).SignOutEverywhere(ctx, email, auth.Operator(monitor.Project{}, operatorName()), time.Now().UTC())
	if err == nil && !found {
		err = errNoAccount(email)
	}
	return n, err
}

// errNoAccount returns the error of a command for an address without an account.
func errNoAccount(email string) error {
	return fmt.Errorf("no account with the email address %q; the Team page lists the addresses", email)
}

// openCurrent opens a database that a running server may use. It fails if the
// schema is older than the program.
func openCurrent(ctx context.Context, database string) (*store.DB, error) {
	db, older, err := store.OpenExisting(ctx, database)
	if err != nil {
		return nil, err
	}
	if older {
		return nil, errors.Join(errors.New("the database schema is older than this program; start the server of this version first"), db.Close())
	}
	if err := db.CheckNotMoved(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// operatorName returns the name of the operating system's user that runs a
// command, for the audit log, or "" if it is unknown.
func operatorName() string {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if by := os.Getenv("SUDO_USER"); by != "" && by != name {
		name += " (sudo by " + by + ")"
	}
	return name
}

// selectProject returns the named project, or the only one.
func selectProject(tx *store.Tx, name string) (monitor.Project, error) {
	if name != "" {
		return tx.ProjectBySlugOrName(name)
	}
	all, err := tx.Projects()
	if err != nil {
		return monitor.Project{}, err
	}
	if len(all) != 1 {
		return monitor.Project{}, monitor.Faultf(monitor.Invalid, "project", "There are %d projects: set --project.", len(all))
	}
	return all[0], nil
}

// Backup writes a consistent copy of the database to a new file.
func Backup(ctx context.Context, database, file string) (err error) {
	if err := store.CheckBackup(database, file); err != nil {
		return err
	}
	db, _, err := store.OpenExisting(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	damage, _, err := db.WALDamage(ctx)
	if err != nil {
		return err
	}
	if err := db.Backup(ctx, file); err != nil || damage == "" {
		return err
	}
	return fmt.Errorf("%s was written, but can lack pings: the write-ahead log is damaged: %s. Restart the server, which stores all that it has, and create another backup", file, damage)
}

// Restore replaces a SQLite database with a copy of a backup and reports the
// result on out.
func Restore(ctx context.Context, database, file string, out io.Writer) error {
	done, err := store.Restore(ctx, database, file, time.Now())
	if err != nil {
		return err
	}
	holds := fmt.Sprintf("heartbeats: %d", done.Heartbeats)
	switch {
	case done.NeedsMigration:
		holds = "schema: older, the next start of the server brings it up to date"
	case !done.LastPing.IsZero():
		holds += ", last ping: " + done.LastPing.Format(time.RFC3339)
	}
	lines := []string{fmt.Sprintf("restored   %s from %s (%s)", done.Database, file, holds)}
	if done.PreviousFile != "" {
		lines = append(lines, fmt.Sprintf("kept       the previous database as %s; delete it, and the files whose names begin with it, when you no longer need them", done.PreviousFile))
	}
	if done.Damage != "" {
		lines = append(lines, "damaged    the write-ahead log next to "+file+": "+done.Damage+"; these pings are missing")
	}
	lines = append(lines, "next       if the key file or the configuration has changed since the backup, restore it too; then start the server")
	_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
