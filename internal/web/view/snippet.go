package view

import (
	"context"
	"html"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// Snippet is a piece of code that pings, ready to be copied.
type Snippet struct {
	Name string // of the tab: "Python"
	File string // above the code: "backup.py"
	Code string
	URL  string // marked in the code
}

// curl is the one line everything else is measured by: quiet unless it fails,
// never longer than ten seconds, tried again when the network stumbles. POST is
// accepted by every heartbeat, also by those that accept nothing else.
const curl = "curl -fsS -m 10 --retry 5 -o /dev/null -X POST "

// placeholder stands in the sources of the snippets where the URL goes.
const placeholder = "PING_URL"

// Snippets are the ways to ping, with the URL filled in. Each of them pings
// only when the job has succeeded, reports a failure where the language can
// tell, and lets the job go on when Overdue cannot be reached.
func Snippets(pingURL string) []Snippet {
	filled := make([]Snippet, len(snippets))
	for i, s := range snippets {
		s.URL = pingURL
		s.Code = strings.ReplaceAll(s.Code, placeholder, pingURL)
		filled[i] = s
	}
	return filled
}

// snippets are written once, for this page and for the manual. The job is the same
// in all of them: a backup at three in the morning.
var snippets = []Snippet{
	{Name: "curl", File: "backup.sh", Code: `#!/usr/bin/env bash
set -euo pipefail
URL=PING_URL
# a ping that fails must not fail the job
ping() { curl -fsS -m 10 --retry 5 -o /dev/null -X POST "$URL$1" || true; }

# a failure is reported at once; the start signal measures the run
trap 'ping /fail' ERR
ping /start
/usr/local/bin/backup
# done: the deadline moves on
ping ""`},
	{Name: "crontab", File: "crontab -e", Code: `# m h dom mon dow
0 3 * * * /usr/local/bin/backup && ` + curl + `PING_URL

# or tell failures at once, with the exit status
0 3 * * * /usr/local/bin/backup; ` + curl + `PING_URL/$?`},
	{Name: "systemd", File: "/etc/systemd/system/backup.service", Code: `[Unit]
Description=Nightly database backup

[Service]
Type=oneshot
ExecStart=/usr/local/bin/backup
# the minus: a ping that fails does not fail the job
ExecStartPost=-/usr/bin/` + curl + `PING_URL
ExecStopPost=-/bin/sh -c '[ "$$SERVICE_RESULT" = success ] || ` + curl + `PING_URL/fail'

# /etc/systemd/system/backup.timer
[Timer]
OnCalendar=*-*-* 03:00:00
Persistent=true

[Install]
WantedBy=timers.target`},
	{Name: "Node.js", File: "backup.mjs", Code: `const url = "PING_URL";

async function ping(path = "") {
  try {
    const res = await fetch(url + path, { method: "POST", signal: AbortSignal.timeout(10_000) });
    if (!res.ok) console.warn("overdue:", res.status, await res.text());
  } catch (err) {
    console.warn("overdue:", err.message);
  }
}

try {
  await runBackup();
} catch (err) {
  await ping("/fail");
  throw err;
}
await ping();`},
	{Name: "Python", File: "backup.py", Code: `import urllib.request

URL = "PING_URL"

def ping(path=""):
    request = urllib.request.Request(URL + path, method="POST")
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except OSError as err:
        print(f"overdue: {err}")

try:
    run_backup()
except Exception:
    ping("/fail")
    raise
ping()`},
	{Name: "Go", File: "main.go", Code: `const pingURL = "PING_URL"

func ping(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, pingURL+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ping: %s", resp.Status)
	}
	return nil
}

func main() {
	path, err := "", runBackup()
	if err != nil {
		path = "/fail"
	}
	if pingErr := ping(context.Background(), path); pingErr != nil {
		log.Print(pingErr)
	}
	if err != nil {
		log.Fatal(err)
	}
}`},
	{Name: "PHP", File: "backup.php", Code: `<?php
function ping(string $path = ''): void
{
    $call = curl_init('PING_URL' . $path);
    curl_setopt_array($call, [
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => '',
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_FAILONERROR => true,
        CURLOPT_TIMEOUT => 10,
    ]);
    if (curl_exec($call) === false) {
        error_log('overdue: ' . curl_error($call));
    }
}

try {
    run_backup();
} catch (Throwable $err) {
    ping('/fail');
    throw $err;
}
ping();`},
	{Name: "Ruby", File: "backup.rb", Code: `require "net/http"

URL = "PING_URL"

def ping(path = "")
  uri = URI(URL + path)
  Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https",
                  open_timeout: 10, read_timeout: 10) do |http|
    http.post(uri.path, "").value
  end
rescue StandardError => e
  warn "overdue: #{e.message}"
end

begin
  run_backup
rescue StandardError
  ping "/fail"
  raise
end
ping`},
	{Name: "PowerShell", File: "backup.ps1", Code: `$ErrorActionPreference = "Stop"
$url = "PING_URL"

function Send-Ping($path = "") {
  try {
    Invoke-RestMethod -Method Post -TimeoutSec 10 -MaximumRetryCount 5 -RetryIntervalSec 2 -Uri "$url$path" | Out-Null
  } catch {
    Write-Warning "overdue: $_"
  }
}

try {
  & C:\Jobs\backup.ps1
} catch {
  Send-Ping "/fail"
  throw
}
Send-Ping`},
	{Name: "Kubernetes", File: "cronjob.yaml", Code: `apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly-database-backup
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Berlin
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: backup
              image: example.com/backup:16
              command: ["/bin/sh", "-c"]
              args:
                - |
                  backup; status=$?
                  ` + curl + `PING_URL/$status
                  exit $status`},
	{Name: "GitHub Actions", File: ".github/workflows/backup.yml", Code: `on:
  schedule:
    - cron: "0 3 * * *"
jobs:
  backup:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: ./backup
      - name: Tell Overdue that it is done
        if: success()
        continue-on-error: true
        run: ` + curl + `PING_URL
      - name: Tell Overdue that it failed
        if: failure()
        continue-on-error: true
        run: ` + curl + `PING_URL/fail`},
	{Name: "overdue run", File: "Terminal", Code: `# start, finish, exit status and the tail of the output are sent for you;
# the job runs the same when Overdue cannot be reached
overdue run PING_URL -- /usr/local/bin/backup`},
}

// codeText writes code with the URL and the comments marked. It is written by
// hand because every space of it counts.
func codeText(code, url string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for i, line := range strings.Split(code, "\n") {
			if i > 0 {
				b.WriteByte('\n')
			}
			markLine(&b, line, url)
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// markLine writes one line, escaped, with a comment as a whole or each URL marked.
func markLine(b *strings.Builder, line, url string) {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "# ") || strings.HasPrefix(trimmed, "// ") {
		b.WriteString(`<span class="c">` + html.EscapeString(line) + `</span>`)
		return
	}
	for i, piece := range pieces(line, url) {
		if i > 0 {
			b.WriteString(`<span class="u">` + html.EscapeString(url) + `</span>`)
		}
		b.WriteString(html.EscapeString(piece))
	}
}

// pieces are the parts of the line between the URLs.
func pieces(line, url string) []string {
	if url == "" {
		return []string{line}
	}
	return strings.Split(line, url)
}
