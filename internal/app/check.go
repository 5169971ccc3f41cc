package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// CheckState is the result of a check.
type CheckState string

// The results of a check. CheckSkipped is not a failure: the detail says why.
const (
	CheckOK      CheckState = "ok"
	CheckFailed  CheckState = "failed"
	CheckSkipped CheckState = "skipped"
)

// CheckResult is the result of one check.
type CheckResult struct {
	Name   string     `json:"name"`
	State  CheckState `json:"state"`
	Detail string     `json:"detail"`

	Problem string `json:"problem,omitempty"` // of the content of the database: its name
	Count   int64  `json:"count,omitempty"`   // rows with the problem
	Left    *int64 `json:"left,omitempty"`    // rows with the problem after a repair
}

// Check checks the settings and the database, calls report with each result as it
// comes, and returns an error if a check failed. It sees only the settings in o: a
// running server may have others.
func Check(ctx context.Context, o Options, report func(CheckResult)) error {
	c := &checker{report: report}
	if _, err := o.newSender(nil); err == nil && o.SMTPURL == "" {
		c.skip("mail", "--smtp-url is not set for this command. If the server has a mail server, run this command with the same settings: the same --config, or the same environment")
	} else {
		c.check("mail", err, "")
	}
	where := store.DescribeAddress(o.Database)
	db, older, err := store.OpenExisting(ctx, o.Database)
	c.check("database", err, where)
	if err != nil {
		return c.err()
	}
	if older {
		c.skip("schema", "older than this program; the next start of the server migrates it")
		return errors.Join(c.err(), db.Close())
	}
	c.checkIntegrity(ctx, db)
	c.checkKeptFiles(ctx, db)
	c.checkSecrets(ctx, o, db)
	c.checkNodes(ctx, db)
	c.checkPending(ctx, db, time.Now().UTC())
	if err := db.Close(); err != nil {
		c.check("database", fmt.Errorf("close: %w", err), where)
	}
	return c.err()
}

// checker reports results and counts failures.
type checker struct {
	report func(CheckResult)
	failed int
}

// check reports a check that was made. detail describes what was checked.
func (c *checker) check(name string, err error, detail string) {
	result := CheckResult{Name: name, State: CheckOK, Detail: detail}
	if err != nil {
		c.failed++
		result.State, result.Detail = CheckFailed, err.Error()
	}
	c.report(result)
}

// skip reports a check that could not be made.
func (c *checker) skip(name, reason string) {
	c.report(CheckResult{Name: name, State: CheckSkipped, Detail: reason})
}

// err returns the error of all checks.
func (c *checker) err() error {
	switch c.failed {
	case 0:
		return nil
	case 1:
		return errors.New("1 check failed")
	}
	return fmt.Errorf("%d checks failed", c.failed)
}

// checkSecrets checks the secret key, and the settings and deliveries of channels.
func (c *checker) checkSecrets(ctx context.Context, o Options, db *store.DB) {
	open, err := o.SecretKey.check(ctx, db, o.Database)
	c.check("secret key", err, "")
	failing, err := failingChannels(ctx, db, time.Now().UTC())
	if err == nil && open {
		err = checkChannels(ctx, db)
	}
	if err == nil && failing != "" {
		err = errors.New(failing)
	} else if failing != "" {
		err = fmt.Errorf("%s; %w", failing, err)
	}
	if err != nil || open {
		c.check("channels", err, "")
	} else {
		c.skip("channels", "the settings cannot be read without the secret key")
	}
}

// maxPendingAge is the age of a pending alert from which Check fails: the first attempts
// take seconds.
const maxPendingAge = time.Minute

// checkPending checks that no alert waits for long.
func (c *checker) checkPending(ctx context.Context, db *store.DB, now time.Time) {
	var o store.Outbox
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.Outbox()
		return err
	})
	detail := fmt.Sprintf("%d pending", o.Pending)
	if o.Pending > 0 {
		age := now.Sub(o.Oldest).Round(time.Second)
		detail += fmt.Sprintf(", the oldest for %s", age)
		if age > maxPendingAge {
			err, detail = errors.Join(err, errors.New(detail)), ""
		}
	}
	c.check("alerts", err, detail)
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
	if _, problems := kind.Validate(setting.Values(c.Settings)); len(problems) > 0 {
		return fmt.Errorf("channel %q: %s: %s", c.Name, problems[0].Field, problems[0].Text)
	}
	return nil
}
