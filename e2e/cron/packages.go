//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// packages are downloaded from Debian and unpacked, not installed. cronie is not in Debian 12, so it
// and the C library that it needs come from a newer release.
var (
	packages      = []string{"cron", "bcron", "libbg2", "systemd-cron", "busybox-static", "libfaketime"}
	newerPackages = []string{"cronie", "libc6", "libpam0g", "libselinux1", "libpcre2-8-0", "libaudit1", "libcap-ng0"}
)

const newerRelease = "trixie"

// packageDir is the directory of the unpacked packages, each in a directory with its name.
type packageDir string

func (d packageDir) file(pkg, path string) string { return filepath.Join(string(d), pkg, path) }

// fetchDaemons downloads and unpacks the packages into a directory, if they are missing.
func fetchDaemons(ctx context.Context, dir string) (packageDir, error) {
	d := packageDir(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, pkg := range packages {
		if err := d.unpack(ctx, pkg, nil); err != nil {
			return "", err
		}
	}
	options, err := newerReleaseOptions(ctx, dir, d)
	if err != nil {
		return "", err
	}
	for _, pkg := range newerPackages {
		if err := d.unpack(ctx, pkg, options); err != nil {
			return "", err
		}
	}
	return d, nil
}

// unpack downloads one package into a temporary directory, and renames that when it is complete.
func (d packageDir) unpack(ctx context.Context, pkg string, options []string) error {
	whole := filepath.Join(string(d), pkg)
	if _, err := os.Stat(whole); err == nil {
		return nil
	}
	temp, err := os.MkdirTemp(string(d), ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := command(ctx, temp, "apt-get", append(options, "-q", "download", pkg)...); err != nil {
		return fmt.Errorf("package %s: download: %w", pkg, err)
	}
	debs, err := filepath.Glob(temp + "/*.deb")
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("package %s: download: %d files", pkg, len(debs))
	}
	unpacked := filepath.Join(temp, "unpacked")
	if err := os.MkdirAll(unpacked, 0o755); err != nil {
		return err
	}
	if err := command(ctx, temp, "dpkg-deb", "-x", debs[0], unpacked); err != nil {
		return fmt.Errorf("package %s: unpack: %w", pkg, err)
	}
	return os.Rename(unpacked, whole)
}

// mirror matches the address of the Debian mirror of this machine.
var mirror = regexp.MustCompile(`(?m)^(?:URIs: |deb (?:\[[^\]]*\] )?)(\S+/debian)/?(?:\s|$)`)

// newerReleaseOptions makes apt-get use lists of the newer release, separate from those of this
// machine.
func newerReleaseOptions(ctx context.Context, dir string, d packageDir) ([]string, error) {
	root := filepath.Join(dir, ".later")
	sources := filepath.Join(root, "sources.list")
	options := []string{
		"-o", "Dir::Etc::sourcelist=" + sources, "-o", "Dir::Etc::sourceparts=/dev/null", "-o", "Dir::State::lists=" + root + "/lists",
		"-o", "Dir::Cache=" + root + "/cache", "-o", "APT::Sandbox::User=root", "-o", "APT::Default-Release=" + newerRelease,
	}
	if _, err := os.Stat(d.file(newerPackages[len(newerPackages)-1], "")); err == nil {
		return options, nil
	}
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*") // a constant pattern
	address := ""
	for _, path := range append(lists, "/etc/apt/sources.list") {
		text, _ := os.ReadFile(path) // the file is optional
		if found := mirror.FindSubmatch(text); found != nil && address == "" {
			address = string(found[1])
		}
	}
	if address == "" {
		return nil, errors.New("cronie: no mirror of Debian in /etc/apt")
	}
	for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(root, sub), 0o755); err != nil {
			return nil, err
		}
	}
	line := "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " + address + " " + newerRelease + " main\n"
	if err := os.WriteFile(sources, []byte(line), 0o644); err != nil {
		return nil, err
	}
	return options, command(ctx, dir, "apt-get", append(options, "-qq", "update")...)
}

// command runs a program; the error contains its output.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
