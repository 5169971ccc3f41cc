package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"overdue/e2e/bench/report"
	"overdue/internal/monitor"
	"overdue/internal/store/storetest"
	"overdue/internal/store/storetest/bulkload"
)

// build is a build of Overdue that is measured.
type build struct{ name, binary string }

// earlierBuild is the name of the build of -against.
const earlierBuild = "before"

// isEarlier reports whether this is the build of -against.
func (v build) isEarlier() bool { return v.name == earlierBuild }

// builds returns the builds that are measured, this one first.
func (b *bench) builds() []build {
	all := []build{{"now", b.binary}}
	if b.against != "" {
		all = append(all, build{earlierBuild, b.against})
	}
	return all
}

// Kinds of database.
const (
	onSQLite   = "SQLite"
	onPostgres = "PostgreSQL"
)

// kinds returns the kinds of database that the options select.
func (b *bench) kinds() []string {
	if b.postgres {
		return []string{onSQLite, onPostgres}
	}
	return []string{onSQLite}
}

// dataset is a database with varied heartbeats, which was prepared by one build.
type dataset struct {
	kind       string
	heartbeats int
	build      build
	deadlines  int           // number of heartbeats that are due at once
	in         time.Duration // time from now to their deadline
}

// database is a database that no server uses, with an API key.
type database struct {
	dataset
	name, address, key string
	deadline           time.Time // of the heartbeats that are due at once
}

// size returns the number of heartbeats as a text.
func (d dataset) size() string { return report.Grouped(float64(d.heartbeats)) }

// members is the number of people besides the owner: a person has 20 live pages.
const members = 10

// newDatabase returns a new copy of a dataset, which remove removes.
func (b *bench) newDatabase(ctx context.Context, d dataset) (database, error) {
	if d.deadlines > 0 {
		return b.newWithDeadlines(ctx, d)
	}
	prepared, known := b.prepared[d]
	if !known {
		var err error
		if prepared, err = b.newFilled(ctx, d); err != nil {
			return prepared, err
		}
		if err := b.prepare(ctx, &prepared); err != nil {
			return prepared, err
		}
		b.prepared[d] = prepared
	}
	copied, err := b.copyOf(ctx, prepared)
	return copied, err
}

// newWithDeadlines returns a database with heartbeats that are due at once.
func (b *bench) newWithDeadlines(ctx context.Context, d dataset) (database, error) {
	db, err := b.newFilled(ctx, d)
	if err != nil {
		return db, err
	}
	db.deadline = time.Now().UTC().Add(d.in).Truncate(time.Second)
	if err := bulkload.SetDeadline(ctx, db.address, d.deadlines, db.deadline, time.Hour); err != nil {
		return db, err
	}
	return db, b.prepareLogin(ctx, &db)
}

// newFilled returns a database with the schema of the earliest build. The rows are written
// once per kind and size, and copied from then on.
func (b *bench) newFilled(ctx context.Context, d dataset) (database, error) {
	key := dataset{kind: d.kind, heartbeats: d.heartbeats}
	filled, known := b.filled[key]
	if !known {
		begun, now := time.Now(), time.Now().UTC().Truncate(monitor.Precision)
		var err error
		if filled, err = b.emptyDatabase(ctx, key); err != nil {
			return filled, err
		}
		if err := bulkload.Fill(ctx, filled.address, d.heartbeats, func(i int) monitor.Heartbeat { return variedHeartbeat(i, now) }); err != nil {
			return filled, err
		}
		b.progress("%d heartbeats written to %s in %s", d.heartbeats, d.kind, time.Since(begun).Round(100*time.Millisecond))
		b.filled[key] = filled
	}
	filled.dataset = d
	return b.copyOf(ctx, filled)
}

// prepare lets the build of a database migrate it, and creates its owner, members and API
// key.
func (b *bench) prepare(ctx context.Context, db *database) error {
	begun := time.Now()
	if err := b.prepareLogin(ctx, db); err != nil {
		return err
	}
	b.progress("%d heartbeats on %s opened by the build %q in %s", db.heartbeats, db.kind, db.build.name, time.Since(begun).Round(100*time.Millisecond))
	return nil
}

func (b *bench) prepareLogin(ctx context.Context, db *database) error {
	s, err := b.serve(ctx, *db, "--owner-email", ownerEmail, "--owner-password", ownerPassword)
	if err != nil {
		return err
	}
	defer s.kill()
	cmd := exec.CommandContext(ctx, db.build.binary, "api-key", "create", "--name", "bench", "--database", db.address)
	cmd.Stderr = b.progressTo
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("api key: %w", err)
	}
	db.key = strings.TrimSpace(string(out))
	if err := s.stop(); err != nil {
		return err
	}
	return bulkload.AddMembers(ctx, db.address, members)
}

// emptyDatabase creates an empty database with a new name.
func (b *bench) emptyDatabase(ctx context.Context, d dataset) (database, error) {
	return b.copyOf(ctx, database{dataset: d})
}

// copyOf copies a database without a server. The copy of a database without a name is
// empty.
func (b *bench) copyOf(ctx context.Context, from database) (database, error) {
	b.databases++
	to := from
	to.name = fmt.Sprintf("bench%d", b.databases)
	if from.kind == onPostgres {
		server, err := b.postgresServer()
		if err != nil {
			return to, err
		}
		to.address, err = server.NewDatabase(to.name, from.name)
		return to, err
	}
	if err := os.Mkdir(filepath.Join(b.dir, to.name), 0o755); err != nil {
		return to, fmt.Errorf("database: %w", err)
	}
	to.address = filepath.Join(b.dir, to.name, "overdue.db")
	if from.name == "" {
		return to, nil
	}
	if out, err := exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", filepath.Dir(from.address)+"/.", filepath.Dir(to.address)).CombinedOutput(); err != nil {
		return to, fmt.Errorf("copy of database: %w: %s", err, out)
	}
	return to, nil
}

// remove removes a database without a server.
func (b *bench) remove(db database) error {
	if db.kind == onPostgres {
		server, err := b.postgresServer()
		if err != nil {
			return err
		}
		return server.DropDatabase(db.name)
	}
	return os.RemoveAll(filepath.Dir(db.address))
}

// postgresServer returns the PostgreSQL server of this run. The first call starts it.
func (b *bench) postgresServer() (*storetest.Postgres, error) {
	if b.pg != nil {
		return b.pg, nil
	}
	server, err := storetest.NewPostgres(filepath.Join(b.dir, "pg"), false)
	b.pg = server
	return server, err
}

// removeAll removes all databases, and ends the PostgreSQL server.
func (b *bench) removeAll() error {
	var err error
	if b.pg != nil {
		err = b.pg.Stop()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
