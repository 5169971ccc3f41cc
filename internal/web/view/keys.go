package view

import "time"

// APIKeysPage lists the API keys of the project.
type APIKeysPage struct {
	Shell
	Keys     []APIKey
	Name     Input
	ReadOnly bool
	NewKey   string // the key just made, shown this once; empty otherwise
	BaseURL  string // of the API, for the example
}

// APIKey is one key, without its secret, which nobody can read again.
type APIKey struct {
	ID, Name  string
	Prefix    string // its first characters: "ovd_7Qk…"
	ReadOnly  bool
	Created   time.Time
	CreatedBy string
	LastUsed  time.Time // zero: never
}

func (k APIKey) access() string {
	if k.ReadOnly {
		return "Read only"
	}
	return "Read and write"
}

// example is a first call with the key that was just made.
func (p APIKeysPage) example() string {
	return "curl -fsS " + p.BaseURL + "/heartbeats \\\n  -H \"Authorization: Bearer " + p.NewKey + "\""
}
