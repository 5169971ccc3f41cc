// Package snippet is the only place with code that pings: the heartbeat page, the empty list, the
// manual and discover use it.
//
// It contains no HTML. The tests in e2e/snippets run every snippet: after a success, after
// a failure, while the server restarts, and without a server. Every snippet
//
//   - reports success only if the job succeeded;
//   - changes neither the exit code nor the output of the job;
//   - retries a failed ping for at most MaxPingTime, and then only prints the error.
package snippet

import (
	"strings"
	"time"
)

// Curl is the command of every curl line, without the URL.
//
// It needs curl 7.71: older versions do not know --retry-all-errors (curl(1)) and exit with code 2
// before they send anything. Without that option, a ping on a connection that a stopping server
// closes is lost. CurlLoop is for older versions.
const Curl = "curl -fsS -m 10 --retry 5 --retry-connrefused --retry-all-errors --retry-max-time 45 -o /dev/null -X POST"

// CurlWithinStopTimeout is Curl for commands that a service manager waits for: it ends within 34
// seconds, because the systemd of Fedora stops a service after 45 (TimeoutStopSec=).
const CurlWithinStopTimeout = "curl -fsS -m 10 --retry 3 --retry-connrefused --retry-all-errors --retry-max-time 20 -o /dev/null -X POST"

// Wget is the same for GNU Wget. -t counts all attempts. The pauses between them are 1, 2, 3, 4 and
// 5 seconds, whatever Retry-After says.
const Wget = "wget -q -T 10 -t 6 --retry-connrefused --retry-on-http-error=429,500,502,503,504 -O /dev/null --post-data="

// retryWaits are the pauses after each attempt, in seconds, in snippets that retry in a loop.
const retryWaits = "1 2 4 8 16 0"

// CurlLoop and WgetLoop retry in a shell loop: for curl before 7.71, and for the wget of BusyBox,
// which has neither retries nor, in Debian, a timeout.
const (
	CurlLoop = "for wait in " + retryWaits + "; do curl -fsS -m 10 -o /dev/null -X POST PING_URL && break; sleep $wait; done"
	WgetLoop = "for wait in " + retryWaits + "; do timeout 10 wget -q -O /dev/null --post-data= PING_URL && break; sleep $wait; done"
)

// MaxPingTime is the maximum time of one ping in any snippet: six attempts of ten seconds, and the
// pauses between them. A Curl line ends after at most 71 seconds: curl starts no pause after 45
// seconds, the longest pause is 16, and the last attempt takes 10.
const MaxPingTime = 91 * time.Second

// URLPlaceholder stands for the ping URL in the snippets.
const URLPlaceholder = "PING_URL"

// ExampleJob is the program that the snippets run.
const ExampleJob = "/usr/local/bin/backup"

// Block is one file, or one alternative, with its own Copy button.
type Block struct {
	Title string // purpose, if an example has several blocks
	File  string // file name, such as "backup.py"
	Code  string
}

// Example shows how to ping from one language or platform. It is one tab on the page.
type Example struct {
	Name   string // such as "Python"
	Note   string // requirements, one sentence; optional
	Blocks []Block
}

// Examples returns all examples with the ping URL filled in.
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

// DocSnippets returns the code of the manual and the README by its name, with the ping URL filled
// in. A test compares the documents with it.
func DocSnippets(pingURL string) map[string]string {
	filled := make(map[string]string, len(docSnippets))
	for name, code := range docSnippets {
		filled[name] = fillURL(code, pingURL)
	}
	return filled
}

func fillURL(code, pingURL string) string { return strings.ReplaceAll(code, URLPlaceholder, pingURL) }

// examples are in the order of the tabs.
var examples = []Example{
	curlExample, crontabExample, systemdExample, nodeExample, pythonExample, goExample, phpExample, rubyExample, perlExample, powershellExample, kubernetesExample, githubExample, runExample,
}
