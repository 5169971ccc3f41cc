package snippet

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const aURL = "https://o.example.org/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"

func TestExamples_HaveThePingURLAndAFileName(t *testing.T) {
	var names []string
	for _, w := range Examples(aURL) {
		names = append(names, w.Name)
		all := ""
		for _, b := range w.Blocks {
			all += b.Code
			if b.File == "" || strings.Contains(b.Code, URLPlaceholder) {
				t.Errorf("%s: no file, or not filled in:\n%s", w.Name, b.Code)
			}
			if len(w.Blocks) > 1 && b.Title == "" {
				t.Errorf("%s: several blocks, and one does not say what it is for", w.Name)
			}
		}
		if !strings.Contains(all, aURL) {
			t.Errorf("%s does not have the ping URL", w.Name)
		}
	}
	const want = "curl crontab systemd Node.js Python Go PHP Ruby Perl PowerShell Kubernetes GitHub Actions overdue run"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("ways are %q; want %q", got, want)
	}
}

// Two commands or two files with one Copy button would run the job twice, or be pasted into one
// file.
func TestExamples_ABlockIsOneFileOrOneAlternative(t *testing.T) {
	for _, w := range Examples(aURL) {
		for _, b := range w.Blocks {
			if b.File == "crontab -e" && strings.Contains(b.Code, "\n") {
				t.Errorf("%s: more than one line of a crontab in a block:\n%s", w.Name, b.Code)
			}
			if n := strings.Count(b.Code, ExampleJob); n > 1 {
				t.Errorf("%s: runs the job %d times:\n%s", w.Name, n, b.Code)
			}
			service, timer := strings.Contains(b.Code, "[Service]"), strings.Contains(b.Code, "[Timer]")
			if service && !strings.HasSuffix(b.File, ".service") || timer && !strings.HasSuffix(b.File, ".timer") {
				t.Errorf("%s: %s has sections of another file", w.Name, b.File)
			}
		}
	}
}

// flagSeconds returns the number after a flag of a command.
func flagSeconds(t *testing.T, command, flag string) time.Duration {
	t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(flag) + ` (\d+)\b`).FindStringSubmatch(command)
	if m == nil {
		t.Fatalf("%s has no %s", command, flag)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Second
}

// The time limits are those of a ping, and of a service that systemd stops (TimeoutStopSec= is 90
// seconds, in Fedora 45).
func TestCurl_EndsWithinItsTimeLimit(t *testing.T) {
	for line, limit := range map[string]time.Duration{Curl: min(71*time.Second, MaxPingTime), CurlWithinStopTimeout: 34 * time.Second} {
		try, retries := flagSeconds(t, line, "-m"), int(flagSeconds(t, line, "--retry")/time.Second)
		longestPause := time.Second << (retries - 1) // curl doubles it, from one second
		if longest := flagSeconds(t, line, "--retry-max-time") + longestPause + try; longest > limit {
			t.Errorf("%s may take %s, more than %s", line, longest, limit)
		}
	}
}

// This test adds up pauses and attempts.
func TestExamples_NoPingTakesLongerThanMaxPingTime(t *testing.T) {
	checked := 0
	pauses := regexp.MustCompile(`\b\d+(?:,? \d+){3,}\b`)
	for _, w := range append(Examples(aURL), Example{Blocks: []Block{{Code: CurlLoop}, {Code: WgetLoop}}}) {
		for _, b := range w.Blocks {
			list := pauses.FindString(strings.ReplaceAll(b.Code, aURL, ""))
			if list == "" {
				continue
			}
			checked++
			var longest time.Duration
			for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
				n, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				longest += time.Duration(n)*time.Second + 10*time.Second // the attempt before the pause
			}
			if longest > MaxPingTime || !regexp.MustCompile(`\b10(_000)?\b`).MatchString(b.Code) {
				t.Errorf("%s: may take %s, or has no time limit:\n%s", w.Name, longest, b.Code)
			}
		}
	}
	if checked < 10 {
		t.Errorf("found the pauses of %d pieces only", checked)
	}
}
