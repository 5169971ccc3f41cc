package accountview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// APIKeysPage has the API keys of the project.
type APIKeysPage struct {
	layout.Shell
	Keys     []APIKey
	Name     ui.Input
	ReadOnly bool
	NewKey   string // the key that was just created; shown only once
	BaseURL  string // of the API, for the example
}

// APIKey is one key without its secret, which is not stored.
type APIKey struct {
	ID, Name  string
	Prefix    string // first characters of the key: "ovd_7Qk…"
	ReadOnly  bool
	Created   time.Time
	CreatedBy string
	LastUsed  time.Time // zero means never
}

func (k APIKey) access() string {
	if k.ReadOnly {
		return "Read only"
	}
	return "Read and write"
}

// example returns a first request with the new key.
func (p APIKeysPage) example() string {
	return "curl -fsS " + p.BaseURL + "/heartbeats \\\n  -H \"Authorization: Bearer " + p.NewKey + "\""
}
