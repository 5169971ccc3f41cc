package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
	"overdue/internal/web/view"
)

// CreateAPIKey makes a key directly in the database, also while a server runs
// on it, and returns it. An empty project means the only one.
func CreateAPIKey(ctx context.Context, database, project, name string, readOnly bool) (key string, err error) {
	db, older, err := store.Look(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if older {
		return "", errors.New("the database has the schema of an older Overdue; start the server of this version first")
	}
	if _, err := firstProject(ctx, db); err != nil {
		return "", err
	}
	var p monitor.Project
	err = db.View(ctx, func(tx *store.Tx) error {
		p, err = chosenProject(tx, project)
		return err
	})
	if err != nil {
		return "", err
	}
	_, key, err = manage.New(manage.Options{DB: db}).CreateKey(ctx, auth.Operator(p), name, readOnly)
	return key, err
}

// ResetLink makes a link that sets a new password, directly in the database, and
// returns it. Without base it is only the path of the page.
func ResetLink(ctx context.Context, database, base, email string) (link string, err error) {
	db, older, err := store.Look(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if older {
		return "", errors.New("the database has the schema of an older Overdue; start the server of this version first")
	}
	token, _, made, err := auth.NewPeople(db, false).ResetLink(ctx, email, true, time.Now().UTC())
	if err != nil {
		return "", err
	}
	if !made {
		return "", fmt.Errorf("nobody has the address %q; whoever invited them knows which they have", email)
	}
	return strings.TrimRight(base, "/") + view.ResetPathOf(token), nil
}

// chosenProject is the named project, or the only one.
func chosenProject(tx *store.Tx, name string) (monitor.Project, error) {
	if name != "" {
		return tx.ProjectNamed(name)
	}
	all, err := tx.Projects()
	if err != nil {
		return monitor.Project{}, err
	}
	if len(all) != 1 {
		return monitor.Project{}, monitor.Wrong(monitor.Invalid, "project", "There are %d projects: name one with --project.", len(all))
	}
	return all[0], nil
}

// Backup writes a consistent copy of the database to a new file.
func Backup(ctx context.Context, database, file string) (err error) {
	db, _, err := store.Look(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Backup(ctx, file)
}

// Check looks at the settings and the database, writes what it finds, and
// returns an error when something is wrong.
func Check(ctx context.Context, o Options, out io.Writer) error {
	var wrong []error
	report := func(what string, err error) {
		line := "ok"
		if err != nil {
			line = "wrong: " + err.Error()
			wrong = append(wrong, fmt.Errorf("%s: %w", what, err))
		}
		fmt.Fprintf(out, "%-10s %s\n", what, line)
	}
	_, err := o.outside()
	if err == nil && o.SMTPURL == "" {
		fmt.Fprintf(out, "%-10s %s\n", "mail", "not configured; e-mail channels need --smtp-url")
	} else {
		report("mail", err)
	}
	fmt.Fprintf(out, "%-10s %s\n", "database", store.Where(o.Database))
	db, older, err := store.Look(ctx, o.Database)
	report("opens", err)
	if err != nil {
		return errors.New("the database cannot be looked at")
	}
	if older {
		fmt.Fprintf(out, "%-10s %s\n", "schema", "older than this program; the next start of the server brings it up to date")
		return db.Close()
	}
	report("integrity", db.Check(ctx))
	open, err := o.SecretKey.check(ctx, db, o.Database)
	report("secret key", err)
	if open {
		report("channels", checkChannels(ctx, db))
	}
	report("closes", db.Close())
	if len(wrong) > 0 {
		return fmt.Errorf("%d of the checks found something wrong", len(wrong))
	}
	return nil
}

// checkChannels looks for channels whose settings this version would refuse.
func checkChannels(ctx context.Context, db *store.DB) error {
	return db.View(ctx, func(tx *store.Tx) error {
		projects, err := tx.Projects()
		if err != nil {
			return err
		}
		var wrong []error
		for _, p := range projects {
			channels, err := tx.Channels(p.Key)
			if err != nil {
				return err
			}
			for _, c := range channels {
				wrong = append(wrong, checkChannel(c))
			}
		}
		return errors.Join(wrong...)
	})
}

// checkChannel looks at the settings of one channel.
func checkChannel(c monitor.Channel) error {
	kind, known := notify.KindOf(c.Kind)
	if !known {
		return fmt.Errorf("channel %q: this version has no kind %q", c.Name, c.Kind)
	}
	if _, problems := kind.Validate(notify.Settings(c.Settings)); len(problems) > 0 {
		return fmt.Errorf("channel %q: %s: %s", c.Name, problems[0].Field, problems[0].Text)
	}
	return nil
}
