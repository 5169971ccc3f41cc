package seal_test

import (
	"strings"
	"testing"

	"overdue/internal/seal"
)

// newKey returns a new key.
func newKey(t *testing.T) *seal.Key {
	t.Helper()
	k, err := seal.ParseKey(seal.GenerateKey() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpen_NeedsTheKeyAndTheContextOfSeal(t *testing.T) {
	k := newKey(t)
	sealed := k.Seal("channel/1", "plain text")
	if got, err := k.Open("channel/1", sealed); got != "plain text" || err != nil {
		t.Errorf("opened %q, %v", got, err)
	}
	if !seal.IsSealed(sealed) || seal.IsSealed("plain text") || strings.Contains(sealed, "plain text") {
		t.Errorf("sealed value %s", sealed)
	}
	if again := k.Seal("channel/1", "plain text"); again == sealed {
		t.Error("Seal returned the same value twice")
	}
	last := sealed[:len(sealed)-1] + string("AB"[strings.Count(sealed[len(sealed)-1:], "A")])
	for name, open := range map[string]func() (string, error){
		"another key":  func() (string, error) { return newKey(t).Open("channel/1", sealed) },
		"another name": func() (string, error) { return k.Open("channel/2", sealed) },
		"changed":      func() (string, error) { return k.Open("channel/1", last) },
		"truncated":    func() (string, error) { return k.Open("channel/1", sealed[:40]) },
		"not base64":   func() (string, error) { return k.Open("channel/1", sealed[:30]+"!") },
		"not sealed":   func() (string, error) { return k.Open("channel/1", "plain text") },
		"no key id":    func() (string, error) { return k.Open("channel/1", "sealed:1:") },
	} {
		if got, err := open(); err == nil || got != "" {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
}

func TestParseKey_NeverRepeatsAnInvalidKey(t *testing.T) {
	text := seal.GenerateKey()
	a, err1 := seal.ParseKey(text)
	b, err2 := seal.ParseKey("  " + text + "\r\n")
	if err1 != nil || err2 != nil || a.ID() != b.ID() || len(a.ID()) != 16 || strings.Contains(text, a.ID()) {
		t.Errorf("keys %v and %v, errors %v and %v", a, b, err1, err2)
	}
	for _, wrong := range []string{"", "c2hvcnQ=", text + text, "hunter2", strings.Repeat("A", 200)} {
		if _, err := seal.ParseKey(wrong); err == nil || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("key %q: error %v", wrong, err)
		}
	}
}
