package discover

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// The first curl with --retry-all-errors. Older versions exit with code 2 and send nothing.
const minCurlMajor, minCurlMinor = 7, 71

// curlSearchPaths are the search paths of jobs: the default PATH of cron, and that of systemd.
var curlSearchPaths = []string{"/usr/bin:/bin", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

var (
	curlOutputPattern  = regexp.MustCompile(`^curl ([0-9]\S*)`)
	curlVersionPattern = regexp.MustCompile(`^(?:[0-9]+:)?([0-9]+)\.([0-9]+)`)
)

// checkCurl rejects all jobs if the curl of this machine cannot send pings.
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
			f.addNote("the curl version %q is not valid: the lines need curl %d.%d or later", version, minCurlMajor, minCurlMinor)
		case tooOld:
			problem = fmt.Sprintf("curl %s does not support --retry-all-errors and would send nothing: install curl %d.%d or later, or use --with run", version, minCurlMajor, minCurlMinor)
		}
	}
	if len(versions) == 0 && certain {
		problem = "curl is not installed, so nothing would be sent: install curl, or use --with run"
	} else if len(versions) == 0 {
		f.addNote("the curl version is not known: the lines need curl %d.%d or later, because older versions send nothing; or use --with run", minCurlMajor, minCurlMinor)
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

// curlTooOld reports whether a version is older than the minimum.
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

// installedCurlVersions returns the curl versions that jobs of this machine would run. certain is
// true if the result is known to be complete: no curl was found in our own PATH either.
func (m Machine) installedCurlVersions(ctx context.Context) (versions []string, certain bool) {
	for _, path := range curlSearchPaths {
		out, err := m.runCommand(ctx, "env", "PATH="+path, "curl", "--version")
		if err != nil {
			continue // not installed
		}
		if found := curlOutputPattern.FindSubmatch(out); found != nil && !slices.Contains(versions, string(found[1])) {
			versions = append(versions, string(found[1]))
		}
	}
	if len(versions) > 0 {
		return versions, true
	}
	_, err := m.runCommand(ctx, "curl", "--version")
	return nil, err != nil // a PATH in the crontab can find our curl
}

// imageCurlVersions returns the curl version in the package database of an image. certain is true
// for no version if there is a database without curl, and no curl program from elsewhere.
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
