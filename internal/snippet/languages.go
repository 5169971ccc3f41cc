package snippet

// The pieces in programming languages. In place of the job, they call a function
// that the reader has. They retry all errors, because a connection that the server
// closes while it stops looks like any other.

var nodeExample = Example{
	Name: "Node.js",
	Note: "Node.js 18 or later, without packages.",
	Blocks: []Block{{File: "backup.mjs", Code: `const url = "PING_URL";

// Tries six times. A ping that fails never fails the job.
async function ping(path = "", body = "") {
  let failure;
  for (const wait of [1, 2, 4, 8, 16, 0]) {
    try {
      const answer = await fetch(url + path, { method: "POST", body, signal: AbortSignal.timeout(10_000) });
      const text = await answer.text();
      if (answer.ok) return;
      failure = answer.status + " " + text.trim();
    } catch (err) {
      failure = err.cause?.message ?? err.message;
    }
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
  console.error("overdue:", failure);
}

try {
  await runBackup();
} catch (err) {
  await ping("/fail", String(err?.stack ?? err));
  throw err;
}
await ping();`}},
}

// pythonBegin and pythonEnd are what both programs share around the request.
const (
	pythonBegin = `URL = "PING_URL"


def ping(path="", body=""):
    """Tries six times. A ping that fails never fails the job."""
    data = body.encode("utf-8", "replace")
    for wait in (1, 2, 4, 8, 16, 0):
        try:
`
	pythonEnd = `        time.sleep(wait)
    print("overdue:", failure, file=sys.stderr)


try:
    run_backup()
except Exception:
    ping("/fail", traceback.format_exc())
    raise
ping()`
)

var pythonExample = Example{
	Name: "Python",
	Note: "Python 3.",
	Blocks: []Block{
		{Title: "With the standard library", File: "backup.py", Code: `import sys
import time
import traceback
import urllib.request

` + pythonBegin + `            request = urllib.request.Request(URL + path, data=data, method="POST")
            urllib.request.urlopen(request, timeout=10).close()
            return
        except Exception as err:
            failure = err
` + pythonEnd},
		{Title: "Or with requests", File: "backup.py", Code: `import sys
import time
import traceback

import requests

` + pythonBegin + `            requests.post(URL + path, data=data, timeout=10).raise_for_status()
            return
        except requests.RequestException as err:
            failure = err
` + pythonEnd},
	},
}

var goExample = Example{
	Name: "Go",
	Blocks: []Block{{File: "main.go", Code: `package main

import (
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"
)

const pingURL = "PING_URL"

// ping tries six times. A ping that fails never fails the job.
func ping(path, body string) {
	client := http.Client{Timeout: 10 * time.Second}
	var failure error
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 0} {
		answer, err := client.Post(pingURL+path, "text/plain", strings.NewReader(body))
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("answer %s", answer.Status)
		}
		failure = err
		time.Sleep(wait * time.Second)
	}
	log.Print("overdue: ", failure)
}

func main() {
	if err := runBackup(); err != nil {
		ping("/fail", err.Error())
		log.Fatal(err)
	}
	ping("", "")
}`}},
}

var phpExample = Example{
	Name: "PHP",
	Note: "PHP 7.1 or later, without extensions; https needs openssl.",
	Blocks: []Block{{File: "backup.php", Code: `<?php
// Tries six times. A ping that fails never fails the job.
function ping(string $path = '', string $body = ''): void
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => 'Content-Type: text/plain',
        'content' => $body,
        'timeout' => 10,
    ]]);
    foreach ([1, 2, 4, 8, 16, 0] as $wait) {
        if (@file_get_contents('PING_URL' . $path, false, $context) !== false) {
            return;
        }
        $failure = error_get_last()['message'] ?? 'no answer';
        sleep($wait);
    }
    error_log("overdue: $failure");
}

try {
    run_backup();
} catch (Throwable $err) {
    ping('/fail', (string) $err);
    throw $err;
}
ping();`}},
}

var rubyExample = Example{
	Name: "Ruby",
	Note: "Ruby 2.6 or later, without gems.",
	Blocks: []Block{{File: "backup.rb", Code: `require "net/http"

URL = "PING_URL"

# Tries six times. A ping that fails never fails the job.
def ping(path = "", body = "")
  failure = nil
  [1, 2, 4, 8, 16, 0].each do |wait|
    uri = URI(URL + path)
    Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https",
                    open_timeout: 10, read_timeout: 10, write_timeout: 10) do |http|
      http.post(uri.path, body, "Content-Type" => "text/plain").value
    end
    return
  rescue StandardError => e
    failure = e
    sleep wait
  end
  warn "overdue: #{failure.message}"
end

begin
  run_backup
rescue StandardError => e
  ping "/fail", e.full_message(highlight: false)
  raise
end
ping`}},
}

var perlExample = Example{
	Name: "Perl",
	Note: "Perl 5.14 or later; https needs IO::Socket::SSL.",
	Blocks: []Block{{File: "backup.pl", Code: `use strict;
use warnings;
use HTTP::Tiny;

my $url = "PING_URL";

# Tries six times. A ping that fails never fails the job.
sub ping {
    my ($path, $body) = @_;
    utf8::encode($body) if utf8::is_utf8($body);
    my $answer;
    for my $wait (1, 2, 4, 8, 16, 0) {
        $answer = HTTP::Tiny->new(timeout => 10)->post($url . $path, { content => $body });
        return if $answer->{success};
        sleep $wait;
    }
    warn "overdue: $answer->{status} $answer->{reason} $answer->{content}\n";
}

if (!eval { run_backup(); 1 }) {
    my $error = $@;
    ping("/fail", "$error");
    die $error;
}
ping("", "");`}},
}

// powershellExample uses only parameters of Windows PowerShell 5.1. A native program that fails
// sets $LASTEXITCODE and throws nothing.
var powershellExample = Example{
	Name: "PowerShell",
	Note: "Windows PowerShell 5.1, and PowerShell 7.",
	Blocks: []Block{{File: "backup-with-ping.ps1", Code: `$ErrorActionPreference = "Stop"
$url = "PING_URL"
# Windows PowerShell 5.1 does not offer TLS 1.2 on every system
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

# Tries six times. A ping that fails never fails the job.
function Send-Ping([string]$Path, [string]$Body) {
  foreach ($wait in 1, 2, 4, 8, 16, 0) {
    try {
      Invoke-RestMethod -Method Post -Uri "$url$Path" -Body $Body -ContentType "text/plain; charset=utf-8" -TimeoutSec 10 | Out-Null
      return
    } catch {
      $failure = $_
    }
    Start-Sleep -Seconds $wait
  }
  Write-Warning "overdue: $failure"
}

$global:LASTEXITCODE = 0
try {
  & C:\Jobs\backup.ps1
} catch {
  Send-Ping "/fail" "$_"
  throw
}
$code = $LASTEXITCODE
if ($code -eq 0) {
  Send-Ping
} else {
  Send-Ping "/fail" "exit code $code"
}
exit $code`}},
}
