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
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
	"overdue/internal/web/view/paths"
)

// CreateAPIKey creates an API key directly in the database, even while a server
// uses it, and returns the key. The project is optional if there is only one.
func CreateAPIKey(ctx context.Context, database, project, name string, readOnly bool) (key string, err error) {
	db, err := openCurrent(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := ensureProject(ctx, db); err != nil {
		return "", err
	}
	var p monitor.Project
	err = db.View(ctx, func(tx *store.Tx) error {
		p, err = selectProject(tx, project)
		return err
	})
	if err != nil {
		return "", err
	}
	_, key, err = manage.New(manage.Options{DB: db}).CreateKey(ctx, auth.Operator(p, operatorName()), name, readOnly)
	return key, err
}

// ResetLink creates a password reset link directly in the database. Without
// base, it returns only the path.
func ResetLink(ctx context.Context, database, base, email string) (link string, err error) {
	db, err := openCurrent(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	token, _, made, err := auth.NewPeople(db, false).CreateResetLink(ctx, email, auth.Operator(monitor.Project{}, operatorName()), time.Now().UTC())
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
	n, found, err := auth.NewPeople(db, false).SignOutEverywhere(ctx, email, auth.Operator(monitor.Project{}, operatorName()), time.Now().UTC())
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
	db, _, err := store.OpenExisting(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Backup(ctx, file)
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
	lines = append(lines, "next       if the key file or the configuration has changed since the backup, restore it too; then start the server")
	_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

// Check checks the settings and the database, reports the results on out, and
// returns an error if a check fails.
func Check(ctx context.Context, o Options, out io.Writer) error {
	var wrong []error
	report := func(what string, err error) {
		line := "ok"
		if err != nil {
			line = "failed: " + err.Error()
			wrong = append(wrong, fmt.Errorf("%s: %w", what, err))
		}
		fmt.Fprintf(out, "%-10s %s\n", what, line)
	}
	_, err := o.newSender(nil)
	if err == nil && o.SMTPURL == "" {
		fmt.Fprintf(out, "%-10s %s\n", "mail", "not configured; email channels need --smtp-url")
	} else {
		report("mail", err)
	}
	fmt.Fprintf(out, "%-10s %s\n", "database", store.DescribeAddress(o.Database))
	db, older, err := store.OpenExisting(ctx, o.Database)
	report("opens", err)
	if err != nil {
		return errors.New("cannot open the database")
	}
	if older {
		fmt.Fprintf(out, "%-10s %s\n", "schema", "older than this program; the next start of the server brings it up to date")
		return db.Close()
	}
	report("integrity", db.CheckIntegrity(ctx))
	open, err := o.SecretKey.check(ctx, db, o.Database)
	report("secret key", err)
	failing, err := failingChannels(ctx, db, time.Now().UTC())
	if err == nil && open {
		err = checkChannels(ctx, db)
	}
	if failing != "" {
		fmt.Fprintf(out, "%-10s %s\n", "channels", failing)
		wrong = append(wrong, errChannelFailing)
	}
	if err != nil || failing == "" && open {
		report("channels", err)
	}
	report("closes", db.Close())
	if len(wrong) > 0 {
		return fmt.Errorf("%d checks failed", len(wrong))
	}
	return nil
}

// checkChannels returns the channels with settings that this version rejects.
func checkChannels(ctx context.Context, db *store.DB) error {
	var wrong []error
	err := db.View(ctx, func(tx *store.Tx) error {
		wrong = nil
		return eachProject(tx, func(p monitor.Project) error {
			channels, err := tx.Channels(p.Key)
			for _, c := range channels {
				wrong = append(wrong, checkChannel(c))
			}
			return err
		})
	})
	return errors.Join(append(wrong, err)...)
}

// eachProject calls fn with every project.
func eachProject(tx *store.Tx, fn func(monitor.Project) error) error {
	projects, err := tx.Projects()
	if err != nil {
		return err
	}
	for _, p := range projects {
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

// failingChannels returns which channels do not deliver and why, or "" if all do. It
// needs no secret key.
func failingChannels(ctx context.Context, db *store.DB, now time.Time) (string, error) {
	var failing []string
	all := 0
	err := db.View(ctx, func(tx *store.Tx) error {
		failing, all = nil, 0
		return eachProject(tx, func(p monitor.Project) error {
			channels, err := tx.ChannelRoutes(p.Key)
			if err != nil {
				return err
			}
			if channels, err = tx.WithHealth(p.Key, channels, now); err != nil {
				return err
			}
			all += len(channels)
			for _, c := range channels {
				if c.Health.State == monitor.ChannelStateFailing {
					failing = append(failing, fmt.Sprintf("%q (%s)", c.Name, c.Health.Reason()))
				}
			}
			return nil
		})
	})
	if err != nil || len(failing) == 0 {
		return "", err
	}
	return fmt.Sprintf("%d of %d do not deliver: %s", len(failing), all, strings.Join(failing, ", ")), nil
}

// checkChannel validates the settings of one channel.
func checkChannel(c monitor.Channel) error {
	kind, known := notify.KindOf(c.Kind)
	if !known {
		return fmt.Errorf("channel %q: unknown kind %q", c.Name, c.Kind)
	}
	if _, problems := kind.Validate(notify.Settings(c.Settings)); len(problems) > 0 {
		return fmt.Errorf("channel %q: %s: %s", c.Name, problems[0].Field, problems[0].Text)
	}
	return nil
}
