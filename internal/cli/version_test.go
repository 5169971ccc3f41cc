package cli

import (
	"runtime/debug"
	"testing"
)

// The Go command derives no version above 1 from a tag, and none at all without version control.
func TestNewBuild_TheVersionOfAReleaseTakesPrecedence(t *testing.T) {
	for _, c := range []struct{ release, derived, want string }{
		{"v2.1.0", "v0.0.0-20261130040227-cc1543f451d1", "v2.1.0"},
		{"v1.0.0", "", "v1.0.0"},
		{"", "v1.0.0", "v1.0.0"},
		{"", "", "(devel)"},
	} {
		got := newBuild(&debug.BuildInfo{Main: debug.Module{Version: c.derived}}, c.release)
		if got.Version != c.want {
			t.Errorf("release %q, derived %q: version %q; want %q", c.release, c.derived, got.Version, c.want)
		}
	}
}
