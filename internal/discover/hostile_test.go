//go:build unix

package discover

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAPipeInACrontabHoldsNobodyUp: any user may write any path into their
// crontab, and root looks at all of them.
func TestAPipeInACrontabHoldsNobodyUp(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "root", Now: noon}
	put(t, m.Root, "/etc/timezone", "UTC\n")
	put(t, m.Root, "/etc/cron.d/app", "0 3 * * * root /opt/pipe\n")
	put(t, m.Root, "/opt/x", "")
	if err := syscall.Mkfifo(filepath.Join(m.Root, "/opt/pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan *Found, 1)
	go func() { done <- look(t, m) }()
	select {
	case found := <-done:
		if len(found.Jobs) != 1 || found.Jobs[0].place.direct {
			t.Errorf("%+v; want one job, which only a shell could start", found.Jobs)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for somebody to write into the pipe")
	}
}

// TestNothingIsWrittenOutsideAnImage: the image may be a stranger's.
func TestNothingIsWrittenOutsideAnImage(t *testing.T) {
	for name, point := range map[string]string{"a directory that exists": "", "one that would be made": "/made"} {
		t.Run(name, func(t *testing.T) {
			m, outside := anImage(t), t.TempDir()
			if err := os.RemoveAll(filepath.Join(m.Root, "/etc/systemd/system")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside+point, filepath.Join(m.Root, "/etc/systemd/system")); err != nil {
				t.Fatal(err)
			}
			_, err := m.Apply(context.Background(), Edit{Shown: "drop-in", path: "/etc/systemd/system/db.service.d/overdue.conf", unit: true, After: []byte("x")})
			left, _ := os.ReadDir(outside) // what cannot be read is empty
			if !errors.Is(err, errOutside) || len(left) > 0 {
				t.Errorf("%v, and outside are %v", err, left)
			}
		})
	}
}

// TestACrontabIsNotHandedOverWhereOthersWrite: they could exchange it between
// writing and crontab(1).
func TestACrontabIsNotHandedOverWhereOthersWrite(t *testing.T) {
	state := t.TempDir()
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	var asked []string
	m := Machine{Host: "web1", User: "root", State: state, Now: noon, Command: func(_ context.Context, name string, args ...string) ([]byte, error) {
		asked = append(asked, name+" "+strings.Join(args, " "))
		return []byte("before\n"), nil
	}}
	_, err := m.Apply(context.Background(), Edit{Shown: "crontab of bob", user: "bob", Before: []byte("before\n"), After: []byte("after\n")})
	if !errors.Is(err, errPrepared) || len(asked) != 1 {
		t.Errorf("%v, after %q; want nothing but a look", err, asked)
	}
}
