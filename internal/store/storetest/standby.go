package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// NewStandby copies a server into dir, which must not exist, and starts the copy as a
// standby that follows it.
func (p *Postgres) NewStandby(dir string) (*Postgres, error) {
	s := &Postgres{dir: dir, bin: p.bin, noSync: p.noSync}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("directory of the standby: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := s.dropRoot(); err != nil {
			return nil, err
		}
	}
	backup := s.command("pg_basebackup", "-D", s.dataDir(), "-d", "host="+p.dir+" user=overdue application_name=standby",
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	if out, err := backup.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return s, s.Start()
}

// Promote makes a standby the primary. It returns when the server accepts writes.
func (p *Postgres) Promote() error {
	if out, err := p.command("pg_ctl", "promote", "-D", p.dataDir(), "-w").CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl promote: %w\n%s", err, out)
	}
	return nil
}

// WaitForStandby makes the server wait for its standby at each commit, and returns
// when the standby is synchronous.
func (p *Postgres) WaitForStandby() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.Address())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is pending
	for _, statement := range []string{`ALTER SYSTEM SET synchronous_standby_names = 'standby'`, `SELECT pg_reload_conf()`} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for {
		var synchronous bool
		err := conn.QueryRow(ctx, `SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'`).Scan(&synchronous)
		if err != nil || synchronous {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("the standby is not synchronous")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// AddressWith returns the address of the database that names two servers.
func (p *Postgres) AddressWith(other *Postgres) string {
	q := url.Values{"host": {p.dir + "," + other.dir}, "user": {"overdue"}, "target_session_attrs": {"read-write"}}
	return "postgres:///postgres?" + q.Encode()
}

// Count returns the number that a query returns, or -1 after an error.
func (p *Postgres) Count(query string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.Address())
	if err != nil {
		return -1
	}
	defer func() { _ = conn.Close(ctx) }() // it was only read from
	n := -1
	if err := conn.QueryRow(ctx, query).Scan(&n); err != nil {
		return -1
	}
	return n
}

// Hold runs a statement in a transaction that stays open until release, with its locks.
func (p *Postgres) Hold(statement string) (release func() error, err error) {
	conn, err := pgx.Connect(context.Background(), p.Address())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(context.Background(), "BEGIN; "+statement); err != nil {
		return nil, errors.Join(err, conn.Close(context.Background()))
	}
	return func() error { return conn.Close(context.Background()) }, nil
}
