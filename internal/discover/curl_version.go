package discover

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// The first curl that knows --retry-all-errors. An older one ends with exit code 2 and sends nothing.
const minCurlMajor, minCurlMinor = 7, 71

// curlSearchPaths are where jobs look for curl: cron's own PATH, and that of systemd.
var curlSearchPaths = []string{"/usr/bin:/bin", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

var (
	curlOutputPattern  = regexp.MustCompile(`^curl ([0-9]\S*)`)
	curlVersionPattern = regexp.MustCompile(`^(?:[0-9]+:)?([0-9]+)\.([0-9]+)`)
)

// checkCurl leaves all jobs alone if the curl of this machine cannot send a ping with the lines that would be written.
func (m Machine) checkCurl(ctx context.Context, f *Result) {
	if m.Method != PingWithCurl || !slices.ContainsFunc(f.Jobs, Job.Watchable) {
		return
	}
	ask := m.imageCurlVersions
	if m.isLive() {
		ask = func() ([]string, bool) { return m.installedCurlVersions(ctx) }
	}
	versions, certain := ask()
	problem := ""
	for _, version := range versions {
		switch tooOld, err := curlTooOld(version); {
		case err != nil:
			f.addNote("curl has the version %q here, which cannot be read: the lines need curl %d.%d or later", version, minCurlMajor, minCurlMinor)
		case tooOld:
			problem = fmt.Sprintf("curl %s here does not know --retry-all-errors and would send nothing: install curl %d.%d or later, or use --with run", version, minCurlMajor, minCurlMinor)
		}
	}
	if len(versions) == 0 && certain {
		problem = "there is no curl here, so nothing would be sent: install curl, or use --with run"
	} else if len(versions) == 0 {
		f.addNote("the version of curl is not known here: the lines need curl %d.%d or later, and an older one sends nothing; or use --with run", minCurlMajor, minCurlMinor)
	}
	if problem == "" {
		return
	}
	f.addNote("%s", problem)
	for i := range f.Jobs {
		if f.Jobs[i].Watchable() {
			f.Jobs[i].Problem = problem
		}
	}
}

// curlTooOld reports whether a version is older than the lines need.
func curlTooOld(version string) (bool, error) {
	found := curlVersionPattern.FindStringSubmatch(version)
	if found == nil {
		return false, fmt.Errorf("version %q: is not two numbers", version)
	}
	major, err := strconv.Atoi(found[1])
	if err != nil {
		return false, fmt.Errorf("version %q: %w", version, err)
	}
	minor, err := strconv.Atoi(found[2])
	if err != nil {
		return false, fmt.Errorf("version %q: %w", version, err)
	}
	return major < minCurlMajor || major == minCurlMajor && minor < minCurlMinor, nil
}

// installedCurlVersions are the versions that jobs of this machine would call. It is certain that there is none where
// neither they nor we find one.
func (m Machine) installedCurlVersions(ctx context.Context) (versions []string, certain bool) {
	for _, path := range curlSearchPaths {
		out, err := m.runCommand(ctx, "env", "PATH="+path, "curl", "--version")
		if err != nil {
			continue // not there
		}
		if found := curlOutputPattern.FindSubmatch(out); found != nil && !slices.Contains(versions, string(found[1])) {
			versions = append(versions, string(found[1]))
		}
	}
	if len(versions) > 0 {
		return versions, true
	}
	_, err := m.runCommand(ctx, "curl", "--version")
	return nil, err != nil // a PATH of the crontab may lead to ours
}

// imageCurlVersions is the version that the package database of an image names. It is certain that there is none if
// there is a database without it, and no such program from elsewhere.
func (m Machine) imageCurlVersions() (versions []string, certain bool) {
	packages := m.packageVersions()
	if version := packages["curl"]; version != "" {
		return []string{version}, true
	}
	for _, path := range []string{"/usr/bin/curl", "/bin/curl", "/usr/local/bin/curl"} {
		if m.exists(path) {
			return nil, false
		}
	}
	return nil, len(packages) > 0
}
