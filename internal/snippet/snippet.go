// Package snippet is the only place with code that pings: the page of a heartbeat,
// the empty list, the manual and discover take it from here.
//
// It knows nothing of HTML. The tests in e2e/snippets run every piece: after a
// success, after a failure, while the server restarts, and without a server. What
// holds for every piece:
//
//   - it pings success only if the job succeeded;
//   - it changes neither the exit code nor the output of the job;
//   - it retries a ping that fails for at most MaxPingTime, and then only prints the error.
package snippet

import (
	"strings"
	"time"
)

// Curl is the command of every line with curl, without the URL.
//
// It needs curl 7.71: older versions do not know --retry-all-errors (curl(1)), and
// end with exit code 2 before they send anything. Without that flag, a ping on a
// connection that the server closes while it stops is lost. For older versions there
// is CurlLoop.
const Curl = "curl -fsS -m 10 --retry 5 --retry-connrefused --retry-all-errors --retry-max-time 45 -o /dev/null -X POST"

// CurlWithinStopTimeout is Curl where a service manager waits for the line: it ends within
// 34 seconds, because Fedora's systemd stops a service after 45 (TimeoutStopSec=).
const CurlWithinStopTimeout = "curl -fsS -m 10 --retry 3 --retry-connrefused --retry-all-errors --retry-max-time 20 -o /dev/null -X POST"

// Wget is the same for GNU Wget. -t counts all attempts; the waits between them
// are 1, 2, 3, 4 and 5 seconds, whatever Retry-After says.
const Wget = "wget -q -T 10 -t 6 --retry-connrefused --retry-on-http-error=429,500,502,503,504 -O /dev/null --post-data="

// retryWaits are the pauses after each attempt, in seconds, in pieces that retry in
// a loop.
const retryWaits = "1 2 4 8 16 0"

// CurlLoop and WgetLoop retry in a shell loop: for a curl before 7.71, and for the
// wget of BusyBox, which has neither retries nor, in Debian, a time limit.
const (
	CurlLoop = "for wait in " + retryWaits + "; do curl -fsS -m 10 -o /dev/null -X POST PING_URL && break; sleep $wait; done"
	WgetLoop = "for wait in " + retryWaits + "; do timeout 10 wget -q -O /dev/null --post-data= PING_URL && break; sleep $wait; done"
)

// MaxPingTime is the longest that one ping of any piece takes: six attempts of ten
// seconds, and the pauses between them. A line with Curl ends after 71 seconds
// at most: curl begins no pause after 45, the longest is 16, and the last attempt
// takes 10.
const MaxPingTime = 91 * time.Second

// URLPlaceholder is where the ping URL belongs in the code of the table.
const URLPlaceholder = "PING_URL"

// ExampleJob is the program that the pieces run.
const ExampleJob = "/usr/local/bin/backup"

// Block is one file, or one alternative: what one Copy button copies.
type Block struct {
	Title string // what it is for, when a way has several
	File  string // where it belongs: "backup.py"
	Code  string
}

// Example is one way to ping, a tab of the page.
type Example struct {
	Name   string // "Python"
	Note   string // what it needs, one sentence; may be empty
	Blocks []Block
}

// Examples returns all ways to ping with the ping URL filled in.
func Examples(pingURL string) []Example {
	filled := make([]Example, len(examples))
	for i, w := range examples {
		filled[i] = w
		filled[i].Blocks = make([]Block, len(w.Blocks))
		for n, b := range w.Blocks {
			b.Code = fillURL(b.Code, pingURL)
			filled[i].Blocks[n] = b
		}
	}
	return filled
}

// DocSnippets returns the code of the manual and the README by its name, with the ping
// URL filled in. A test compares the documents with it.
func DocSnippets(pingURL string) map[string]string {
	filled := make(map[string]string, len(docSnippets))
	for name, code := range docSnippets {
		filled[name] = fillURL(code, pingURL)
	}
	return filled
}

func fillURL(code, pingURL string) string { return strings.ReplaceAll(code, URLPlaceholder, pingURL) }

// examples is the table, in the order of the tabs.
var examples = []Example{
	curlExample, crontabExample, systemdExample, nodeExample, pythonExample, goExample, phpExample, rubyExample, perlExample, powershellExample, kubernetesExample, githubExample, runExample,
}
