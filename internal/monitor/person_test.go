package monitor

import (
	"testing"
	"time"
)

func TestRole_GrantsOnlyRolesUpToItself(t *testing.T) {
	for r := Role(-1); r <= Owner+1; r++ {
		if named, known := ParseRole(r.String()); known != (r >= Viewer && r <= Owner) || known && named != r {
			t.Errorf("role %d is named %q, which is %d, %t", r, r, named, known)
		}
		for other := Role(-1); other <= Owner+1; other++ {
			want := r >= Admin && other >= Viewer && other <= r && r <= Owner
			if got := r.MayGrant(other); got != want {
				t.Errorf("%d may give %d: %t", r, other, got)
			}
		}
	}
}

func TestSession_ExpiresWhenIdleOrAtItsMaximumLifetime(t *testing.T) {
	born := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		keep      bool
		seen, end time.Duration
	}{
		{false, 0, 12 * time.Hour},
		{false, time.Hour, 13 * time.Hour},
		{false, 30*24*time.Hour - time.Hour, 30 * 24 * time.Hour},
		{true, 0, 30 * 24 * time.Hour},
		{true, 24 * time.Hour, 30 * 24 * time.Hour},
	} {
		if got := (Session{Created: born, KeepSignedIn: c.keep}).ExpiryFrom(born.Add(c.seen)).Sub(born); got != c.end {
			t.Errorf("keep %t, seen after %s: ends after %s; want %s", c.keep, c.seen, got, c.end)
		}
	}
}
