// Package authtest gives tests people whose passwords are hashed quickly.
package authtest

import (
	"github.com/alexedwards/argon2id"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// passwordCost is the lowest cost of argon2id. Its hashes are not safe.
var passwordCost = argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// NewPeople returns the people of a database whose pages use https only.
func NewPeople(db *store.DB) *auth.People { return auth.NewPeople(db, true, passwordCost) }
