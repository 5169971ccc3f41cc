package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"overdue/internal/app"
	"overdue/internal/cli/settings"
	"overdue/internal/cli/table"
)

// backupCmd copies the database. A copy with cp while the server runs would lack the
// write-ahead log.
type backupCmd struct {
	StoreFlags

	File string `arg:"" help:"File to write. It must not exist."`
}

// Help is the long part of --help.
func (backupCmd) Help() string {
	return `Writes a complete and consistent copy of a SQLite database, also while the server runs. The secret key is in a separate file: back it up as well. For PostgreSQL, the command prints the pg_dump command to run.

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
	return `Stop the server first. The command verifies the backup and does not change it. The previous database is kept under another name next to the restored one. For PostgreSQL, the command prints the pg_restore or psql command to run.

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

// migrateCmd moves everything to another database.
type migrateCmd struct {
	StoreFlags
	KeyFlags

	To     settings.Secret `placeholder:"FILE|URL" help:"Database to move to: a new SQLite file, or postgres://… of an empty database. Omit the password of the URL if PGPASSWORD or ~/.pgpass contains it."`
	Cancel bool            `help:"Allow servers to use --database again after a migration, or instead of finishing one."`
	JSON   bool            `name:"json" help:"Print the result as JSON."`
}

// Help is the long part of --help.
func (migrateCmd) Help() string {
	return `Copies everything from one database to another, for example from SQLite to PostgreSQL, and compares all rows. Ping URLs, API keys, passwords, sessions and the secret key stay the same. Stop every server first.

If the command is interrupted, run it again: it continues where it stopped. No server starts on the target before the command has finished, and none on the source afterwards. Nothing else in the source is changed.

Examples:

    systemctl stop overdue
    overdue migrate --database overdue.db --to postgres://overdue@db.example.com/overdue
    overdue migrate --database postgres://overdue@db.example.com/overdue --to ./overdue.db
    overdue migrate --database overdue.db --cancel`
}

// Run migrates the database and prints the comparison.
func (c *migrateCmd) Run(ctx context.Context, std Streams, in backend) error {
	key, err := c.secretKey()
	if err != nil {
		return usageError("%w", err)
	}
	switch {
	case c.Cancel && (c.To != "" || c.JSON):
		return usageError("--cancel excludes --to and --json")
	case c.Cancel:
		line, err := in.cancelMigration(ctx, c.StoreFlags)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		return printLine(std, line)
	case c.To == "":
		return usageError("--to is required: a new SQLite file, or postgres://… of an empty database")
	}
	result, err := in.migrate(ctx, app.Migration{Database: string(c.Database), To: string(c.To), SecretKey: key}, std)
	if c.JSON && err == nil {
		return printJSON(std, result)
	}
	if len(result.Tables) > 0 || err == nil {
		err = errors.Join(printMigration(std, result), err)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// printMigration prints the comparison of the tables and what to do next.
func printMigration(std Streams, r app.MigrationResult) error {
	if r.WasFinished {
		return printLine(std, r.Source+" was already migrated to "+r.Target+": nothing to do\n"+r.KeyAdvice)
	}
	t := table.New(table.Column{Title: "TABLE", Keep: true}, table.Column{Title: "ROWS", Keep: true}, table.Column{Title: "COPIED", Keep: true},
		table.Column{Title: "RESULT", Keep: true}, table.Column{Title: "CHECKSUM"})
	equal := true
	for _, row := range r.Tables {
		verdict := "equal"
		if !row.Equal {
			verdict, equal = "DIFFERENT", false
		}
		t.Add(row.Name, strconv.FormatInt(row.Rows, 10), strconv.FormatInt(row.Copied, 10), verdict, row.Checksum)
	}
	if err := t.Write(std.Out, table.Width(std.Out)); err != nil {
		return err
	}
	var notes []string
	for _, left := range r.NotCopied {
		notes = append(notes, "not copied: "+left.Name+", "+left.Reason)
	}
	if r.Cleaned > 0 {
		notes = append(notes, fmt.Sprintf("texts with NUL or invalid UTF-8, which PostgreSQL rejects: %d; the bytes were replaced by U+FFFD", r.Cleaned))
	}
	if equal {
		notes = append(notes, r.Source+" is unchanged, and no server starts on it any longer", "next: start the server on "+r.Target+": set --database or OVERDUE_DATABASE", r.KeyAdvice)
	}
	return printLine(std, strings.Join(notes, "\n"))
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

// pairCmd lets two servers watch each other.
type pairCmd struct {
	StoreFlags
	zoneFlag

	URL       string        `arg:"" optional:"" help:"Address of the other server, as this server reaches it."`
	Code      string        `placeholder:"CODE" help:"Code that the command printed for the other server."`
	PublicURL string        `name:"public-url" placeholder:"URL" setting:"file" help:"Address of this server, for the printed command."`
	Project   string        `placeholder:"NAME" help:"Project of the new heartbeat. Required if there are several projects."`
	Interval  time.Duration `default:"2m" placeholder:"DURATION" help:"How often the other server pings, its --canary-interval. Default: ${default}."`
	Grace     time.Duration `default:"2m" placeholder:"DURATION" help:"Extra time before an alert. Default: ${default}."`
	Status    bool          `xor:"action" help:"List the pairs, and whether pings arrive in both directions."`
	Remove    bool          `xor:"action" help:"End the pair with URL. The running server deletes the heartbeat within its --canary-interval."`
	JSON      bool          `name:"json" help:"With --status: print all fields as JSON. Times are in UTC."`
}

// Help is the long part of --help.
func (pairCmd) Help() string {
	return `Run it on one server, and the command that it prints on the other one. Each server then has a heartbeat for the other one, and pings it after each successful test of itself. If one of them stops or can no longer deliver alerts, the other one notifies its channels.

Opens the database directly, also while the server runs; no restart is necessary. With PostgreSQL, run it once for all nodes.

Examples:

    overdue pair https://b.example.org --public-url https://a.example.org
    overdue pair https://a.example.org --code ovp_…
    overdue pair --status
    overdue pair https://b.example.org --remove`
}

// Validate checks what the types do not say. The parser calls it.
func (c *pairCmd) Validate() error {
	switch {
	case c.Status && c.URL != "":
		return errors.New("--status lists all pairs: omit the URL")
	case !c.Status && c.URL == "":
		return errors.New("set the URL of the other server, or --status")
	case c.JSON && !c.Status:
		return errors.New("--json needs --status")
	case (c.Status || c.Remove) && c.Code != "":
		return errors.New("--code creates a pair: omit --status and --remove")
	case c.Interval <= 0 || c.Grace < 0:
		return errors.New("--interval must be positive, and --grace must not be negative")
	}
	return validatePublicURL(c.PublicURL)
}

// Run creates, lists or removes pairs.
func (c *pairCmd) Run(ctx context.Context, std Streams, in backend) error {
	if validatePublicURL(c.URL) != nil {
		return usageError("%q: must look like https://overdue.example.org", c.URL)
	}
	switch {
	case c.Status:
		return c.printStatus(ctx, std, in)
	case c.Remove:
		if err := in.unpair(ctx, c.StoreFlags, c.URL); err != nil {
			return fmt.Errorf("pair: %w", err)
		}
		return printLine(std, "removed; run the command on the other server too")
	}
	code, err := in.pair(ctx, c.StoreFlags, app.PairRequest{
		URL: c.URL, Code: c.Code, Project: c.Project, Interval: c.Interval.String(), Grace: c.Grace.String(),
	})
	if err != nil {
		return fmt.Errorf("pair: %w", err)
	}
	if c.Code != "" {
		return printLine(std, "paired with "+c.URL+"; overdue pair --status shows the first pings after a few minutes")
	}
	self := c.PublicURL
	if self == "" {
		self = "ADDRESS-OF-THIS-SERVER"
	}
	warn(std, "run this on the other server within an hour")
	return printLine(std, fmt.Sprintf("overdue pair %s --code %s", strings.TrimRight(self, "/"), code))
}

// pairJSON is a pair in --json.
type pairJSON struct {
	URL        string     `json:"url"`
	Heartbeat  string     `json:"heartbeat"`
	Status     string     `json:"status"`
	LastPingAt *time.Time `json:"last_ping_at"`
	SentAt     *time.Time `json:"sent_at"`
	LastError  string     `json:"last_error"`
}

// printStatus prints the pairs.
func (c *pairCmd) printStatus(ctx context.Context, std Streams, in backend) error {
	clock, err := c.clock()
	if err != nil {
		return err
	}
	list, err := in.pairs(ctx, c.StoreFlags)
	if err != nil {
		return fmt.Errorf("pairs: %w", err)
	}
	all := []pairJSON{}
	for _, p := range list {
		all = append(all, pairJSON{p.URL, p.Heartbeat, p.Status, timeOrNil(p.LastPing), timeOrNil(p.SentAt), p.LastError})
	}
	if c.JSON {
		return printJSON(std, all)
	}
	t := table.New(
		table.Column{Title: "SERVER", Keep: true},
		table.Column{Title: "STATUS", Keep: true},
		table.Column{Title: clock.title("RECEIVED")},
		table.Column{Title: clock.title("SENT")},
		table.Column{Title: "LAST ERROR", Min: 16},
	)
	for _, p := range all {
		status := p.Status
		if p.Heartbeat == "" {
			status = "heartbeat deleted"
		}
		t.Add(printable(p.URL), status, clock.text(p.LastPingAt), clock.text(p.SentAt), printable(p.LastError))
	}
	return t.Write(std.Out, table.Width(std.Out))
}

// timeOrNil returns nil for the zero time.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
