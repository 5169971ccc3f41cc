package discover

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"
)

// With SELinux, cron ignores a crontab without the label of a crontab.
func TestApply_KeepsExtendedAttributes(t *testing.T) {
	m := Machine{Root: t.TempDir(), Host: "web1", User: "root", StateDir: t.TempDir() + "/copies", Now: noon}
	writeFile(t, m.Root, "/etc/crontab", "before\n")
	path, name := m.Root+"/etc/crontab", "user.label"
	if unix.Lsetxattr(path, name, []byte("cron"), 0) != nil {
		name = "trusted.label" // an older tmpfs supports no others
		if err := unix.Lsetxattr(path, name, []byte("cron"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Apply(context.Background(), Edit{Location: "crontab", path: "/etc/crontab", Before: []byte("before\n"), After: []byte("after\n")}); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 10)
	if n, err := unix.Lgetxattr(path, name, value); err != nil || string(value[:n]) != "cron" {
		t.Errorf("%s is %q, %v; want it kept", name, value[:max(n, 0)], err)
	}
}
