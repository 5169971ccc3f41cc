package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// intoFiles runs a script with files as streams, and returns the body of the last ping.
// With one name for both, the streams share a descriptor as after 2>&1.
func intoFiles(t *testing.T, script, out, errs string, how int) string {
	t.Helper()
	m := newFakeMonitor(t, nil)
	open := func(name string) *os.File {
		file, err := os.OpenFile(name, how|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	std := Streams{In: strings.NewReader(""), Out: open(out)}
	std.Err = std.Out
	if errs != out {
		std.Err = open(errs)
	}
	if code := runWith([]string{"run", anID, "--", "sh", "-c", script}, std, backend{}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	pings := m.received()
	return pings[len(pings)-1].body
}

func TestOutputFile_BodyIsTheOutputOfThisRun(t *testing.T) {
	for name, c := range map[string]struct {
		how    int
		script string
		want   string
		left   string
	}{
		"appended":                 {os.O_APPEND, "echo out; echo err >&2", "out\nerr\n", "before\nout\nerr\n"},
		"overwritten":              {os.O_TRUNC, "echo out; echo err >&2", "out\nerr\n", "out\nerr\n"},
		"from the beginning":       {0, "echo out", "out\n", "out\nre\n"},
		"nothing":                  {os.O_APPEND, "true", "", "before\n"},
		"truncated by a rotation":  {os.O_APPEND, "echo lost; : > $0; echo a", "a\n", "a\n"},
		"also written by another":  {os.O_APPEND, "echo one; echo other >> $0; echo two", "one\nother\ntwo\n", "before\none\nother\ntwo\n"},
		"in the background, early": {os.O_APPEND, "echo one & wait; echo two", "one\ntwo\n", "before\none\ntwo\n"},
	} {
		file := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(file, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got := intoFiles(t, strings.ReplaceAll(c.script, "$0", file), file, file, c.how)
		left, err := os.ReadFile(file)
		if err != nil || got != c.want || string(left) != c.left {
			t.Errorf("%s: body %q, file %q, %v; want %q and %q", name, got, left, err, c.want, c.left)
		}
	}
}

func TestOutputFile_TwoStreamsShareTheBody(t *testing.T) {
	for name, c := range map[string]struct{ out, errs, wantOut, wantErrs int }{
		"both fit":      {10, 20, 10, 20},
		"long output":   {300_000, 20, 99_980, 20},
		"long errors":   {20, 300_000, 20, 99_980},
		"both are long": {300_000, 200_000, 50_000, 50_000},
	} {
		dir := t.TempDir()
		script := fmt.Sprintf("head -c %d /dev/zero | tr '\\0' o; head -c %d /dev/zero | tr '\\0' e >&2", c.out, c.errs)
		got := intoFiles(t, script, filepath.Join(dir, "out"), filepath.Join(dir, "err"), os.O_APPEND)
		if want := strings.Repeat("o", c.wantOut) + strings.Repeat("e", c.wantErrs); got != want {
			t.Errorf("%s: body of %d bytes, %d of them output; want %d and %d", name, len(got), strings.Count(got, "o"), c.wantOut, c.wantErrs)
		}
	}
}

func TestOutputFile_LongBodyIsCutBetweenCharacters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	got := intoFiles(t, `i=0; while [ $i -lt 60 ]; do printf '%01000d€' $i; i=$((i+1)); done; head -c 99997 /dev/zero; printf '€€€'`, file, file, os.O_APPEND)
	if !utf8.ValidString(got) || len(got) > 100_000 || len(got) < 99_997 {
		t.Errorf("body of %d bytes, text: %v", len(got), utf8.ValidString(got))
	}
}

func TestOutputFile_OneStreamMayBeAFileAndTheOtherNot(t *testing.T) {
	m := newFakeMonitor(t, nil)
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var passed strings.Builder
	for _, std := range []Streams{{nil, file, &passed}, {nil, &passed, file}} {
		std.In = strings.NewReader("")
		if code := runWith([]string{"run", anID, "--", "sh", "-c", "echo out; echo err >&2"}, std, backend{}); code != 0 {
			t.Errorf("exit code %d", code)
		}
		pings := m.received()
		if body := pings[len(pings)-1].body; body != "out\nerr\n" {
			t.Errorf("body %q", body)
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(file); err != nil || string(text) != "out\nerr\n" || passed.String() != "err\nout\n" {
		t.Errorf("file %q, %v, passed on %q", text, err, passed.String())
	}
}
