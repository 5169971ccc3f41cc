package snippets_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxExposure is the maximum exposure of the packaged service, from 0 to 10.
const maxExposure = 1.5

// packagedUnits copies the units of the packages, with a program that this machine has.
func packagedUnits(t *testing.T) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"overdue.service", "overdue.socket"} {
		text, err := os.ReadFile(filepath.Join("../../packaging/systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		write(t, path, strings.ReplaceAll(string(text), "/usr/bin/overdue", "/bin/true"))
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestPackagedUnits_AreValid(t *testing.T) {
	paths := packagedUnits(t)
	out, err := command(t, "/usr/bin/systemd-analyze", append([]string{"verify", "--man=no"}, paths...)...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "overdue") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestPackagedUnits_ExposeLittle(t *testing.T) {
	service := packagedUnits(t)[0]
	out, err := command(t, "/usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager", service).CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for overdue.service: ([\d.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no exposure level:\n%s", out)
	}
	level, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("exposure level %.1f", level)
	if level > maxExposure {
		t.Errorf("exposure level %.1f; want at most %.1f:\n%s", level, maxExposure, out)
	}
}
