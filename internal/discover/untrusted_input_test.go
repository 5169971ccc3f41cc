//go:build unix

package discover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A user can write any path into their crontab, and root reads all crontabs.
func TestDiscover_DoesNotWaitForANamedPipe(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "root", Now: noon}
	writeFile(t, m.Root, "/etc/timezone", "UTC\n")
	writeFile(t, m.Root, "/etc/cron.d/app", "0 3 * * * root /opt/pipe\n")
	writeFile(t, m.Root, "/opt/x", "")
	if err := syscall.Mkfifo(filepath.Join(m.Root, "/opt/pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan *Result, 1)
	go func() { done <- mustDiscover(t, m) }()
	select {
	case found := <-done:
		if len(found.Jobs) != 1 || found.Jobs[0].origin.needsNoShell {
			t.Errorf("%+v; want one job, which only a shell could start", found.Jobs)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a writer of the pipe")
	}
}

// An image can come from another person.
func TestApply_WritesNothingOutsideAnImage(t *testing.T) {
	for name, point := range map[string]string{"a directory that exists": "", "one that would be made": "/made"} {
		t.Run(name, func(t *testing.T) {
			m, outside := imageMachine(t), t.TempDir()
			if err := os.RemoveAll(filepath.Join(m.Root, "/etc/systemd/system")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outside+point, filepath.Join(m.Root, "/etc/systemd/system")); err != nil {
				t.Fatal(err)
			}
			_, err := m.Apply(context.Background(), Edit{Location: "drop-in", path: "/etc/systemd/system/db.service.d/overdue.conf", isDropIn: true, After: []byte("x")})
			left, _ := os.ReadDir(outside) // an unreadable directory is empty
			if !errors.Is(err, errOutsideImage) || len(left) > 0 {
				t.Errorf("%v, and outside are %v", err, left)
			}
		})
	}
}

// Debian's cron ignores a file with several hard links, but would read its replacement.
func TestApply_RejectsAFileWithOtherHardLinks(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "root", StateDir: t.TempDir() + "/copies", Now: noon}
	writeFile(t, m.Root, "/etc/cron.d/app", "before\n")
	if err := os.Link(m.Root+"/etc/cron.d/app", m.Root+"/other"); err != nil {
		t.Fatal(err)
	}
	_, err := m.Apply(context.Background(), Edit{Location: "app", path: "/etc/cron.d/app", Before: []byte("before\n"), After: []byte("after\n")})
	if text, _ := os.ReadFile(m.Root + "/etc/cron.d/app"); !errors.Is(err, errHardLinks) || string(text) != "before\n" {
		t.Errorf("%v, and the file is %q; want it left alone", err, text)
	}
}

// Another user could replace the file before crontab(1) reads it.
func TestApply_RejectsAStateDirectoryThatOthersCanWrite(t *testing.T) {
	state := t.TempDir()
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	var asked []string
	m := Machine{Host: "web1", User: "root", StateDir: state, Now: noon, Command: func(_ context.Context, name string, args ...string) ([]byte, error) {
		asked = append(asked, name+" "+strings.Join(args, " "))
		return []byte("before\n"), nil
	}}
	_, err := m.Apply(context.Background(), Edit{Location: "crontab of bob", user: "bob", Before: []byte("before\n"), After: []byte("after\n")})
	if !errors.Is(err, errOthersCanWrite) || len(asked) != 1 {
		t.Errorf("%v, after %q; want only one read", err, asked)
	}
}

func TestDiscover_SymlinksOfAnImageStayInTheImage(t *testing.T) {
	outside := t.TempDir()
	writeFile(t, outside, "/secret", "0 3 * * * root /outside/of/the/image\n")
	writeFile(t, outside, "/dir/job", "0 3 * * * root /outside/of/the/image\n")
	for name, link := range map[string]struct{ at, to string }{
		"a file":                {"/etc/cron.d/link", outside + "/secret"},
		"a file by dots":        {"/etc/cron.d/link", "../../../../../../../../../../.." + outside + "/secret"},
		"the crontab":           {"/etc/crontab", outside + "/secret"},
		"a directory":           {"/etc/cron.d", outside + "/dir"},
		"a directory by a link": {"/etc/cron.d", "loop/../" + outside + "/dir"},
	} {
		t.Run(name, func(t *testing.T) {
			m := Machine{Root: t.TempDir(), Host: "web1", User: "root", Zone: "UTC", Now: noon}
			writeFile(t, m.Root, filepath.Dir(link.at)+"/other/file", "")
			if err := os.Symlink(link.to, filepath.Join(m.Root, link.at)); err != nil {
				t.Fatal(err)
			}
			found, err := m.Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if said := fmt.Sprintf("%+v %q", found.Jobs, found.Notes); strings.Contains(said, "outside/of") {
				t.Errorf("read a file outside the image: %s", said)
			}
		})
	}
	// An absolute symlink of the image points to a file of the image.
	m := Machine{Root: t.TempDir(), Host: "web1", User: "root", Zone: "UTC", Now: noon}
	writeFile(t, m.Root, "/srv/jobs", "0 3 * * * root /inside/of/the/image\n")
	writeFile(t, m.Root, "/etc/cron.d/other", "")
	if err := os.Symlink("/srv/jobs", filepath.Join(m.Root, "/etc/cron.d/link")); err != nil {
		t.Fatal(err)
	}
	found, err := m.Discover(t.Context())
	if err != nil || len(found.Jobs) != 1 || !strings.Contains(found.Jobs[0].Command, "/inside/of") {
		t.Errorf("an absolute link of the image: %+v, %v", found, err)
	}
}
