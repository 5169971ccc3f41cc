package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// APIKey describes an API key, without its secret.
type APIKey struct {
	ID, Name  string
	Prefix    string // the first characters of the secret
	CreatedBy string
	ReadOnly  bool
	Created   time.Time
	LastUsed  time.Time // zero: never
}

// CreateAPIKey creates a key directly in the database, also while a server runs on
// it, and returns it. An empty project means the only one.
func CreateAPIKey(ctx context.Context, database, project, name string, readOnly bool) (key string, err error) {
	err = withProject(ctx, database, project, func(s *manage.Service, operator auth.Actor) error {
		_, key, err = s.CreateKey(ctx, operator, name, readOnly)
		return err
	})
	return key, err
}

// ListAPIKeys returns the keys of a project directly from the database, newest
// first. An empty project means the only one.
func ListAPIKeys(ctx context.Context, database, project string) (keys []APIKey, err error) {
	err = withProject(ctx, database, project, func(s *manage.Service, operator auth.Actor) error {
		all, err := s.APIKeys(ctx, operator)
		for _, k := range all {
			keys = append(keys, APIKey{
				ID: k.ID, Name: k.Name, Prefix: k.Prefix, CreatedBy: k.CreatedBy, ReadOnly: k.ReadOnly, Created: k.Created, LastUsed: k.LastUsed,
			})
		}
		return err
	})
	return keys, err
}

// RevokeAPIKey revokes the key with a name or id directly in the database. An empty
// project means the only one.
func RevokeAPIKey(ctx context.Context, database, project, nameOrID string) error {
	return withProject(ctx, database, project, func(s *manage.Service, operator auth.Actor) error {
		all, err := s.APIKeys(ctx, operator)
		if err != nil {
			return err
		}
		var ids []string
		for _, k := range all {
			if k.ID == nameOrID {
				return s.RevokeKey(ctx, operator, k.ID)
			}
			if k.Name == nameOrID {
				ids = append(ids, k.ID)
			}
		}
		switch len(ids) {
		case 0:
			return errors.New("no API key has this name or id; overdue api-key list shows them")
		case 1:
			return s.RevokeKey(ctx, operator, ids[0])
		}
		return fmt.Errorf("%d API keys have this name; write the id of one of them", len(ids))
	})
}

// withProject calls do with a service on the database and an operator of a project.
func withProject(ctx context.Context, database, project string, do func(*manage.Service, auth.Actor) error) error {
	return withProjectDB(ctx, database, project, func(db *store.DB, operator auth.Actor) error {
		return do(manage.New(manage.Options{DB: db}), operator)
	})
}

// withProjectDB calls do with a database and an operator of a project.
func withProjectDB(ctx context.Context, database, project string, do func(*store.DB, auth.Actor) error) error {
	return withDatabase(ctx, database, func(db *store.DB) error {
		if _, err := ensureProject(ctx, db); err != nil {
			return err
		}
		var p monitor.Project
		err := db.View(ctx, func(tx *store.Tx) (err error) {
			p, err = selectProject(tx, project)
			return err
		})
		if err != nil {
			return err
		}
		return do(db, auth.Operator(p, operatorName()))
	})
}

// withDatabase calls do with a database that a running server may use.
func withDatabase(ctx context.Context, database string, do func(*store.DB) error) (err error) {
	db, err := openCurrent(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}
