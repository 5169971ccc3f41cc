package snippet

// newRunID sets rid, which pairs the start of a run with its finish. Linux has the file in /proc,
// with or without uuidgen. macOS and the BSDs have uuidgen. If there is neither, rid is empty and
// withRunID adds nothing.
const (
	newRunID  = `rid=$({ cat /proc/sys/kernel/random/uuid || uuidgen; } 2>/dev/null || true)`
	withRunID = `${rid:+?rid=$rid}`
)

// The script in curlExample takes the exit code of a subshell. "trap '… $? …' EXIT" would be
// shorter, but bash also runs that trap when SIGTERM ends the script, with 0 in $?, so a stopped
// job would look like a success.
var curlExample = Example{
	Name: "curl",
	Note: "The lines need curl 7.71 or later. RHEL 8 and Ubuntu 20.04 have an older one: use the last block there.",
	Blocks: []Block{
		{Title: "Ping when the job has succeeded", File: "Terminal", Code: ExampleJob + ` && ` + Curl + ` PING_URL`},
		{Title: "Start, finish and exit code of a script", File: "backup.sh", Code: `#!/bin/sh
url=PING_URL
` + newRunID + `
# a ping that fails must not fail the job
ping() { ` + Curl + ` "$url$1` + withRunID + `" || true; }

# the job does not wait for the start signal, but the finish does
ping /start & start=$!
(
  # the job ends at the first command that fails
  set -eu
  ` + ExampleJob + `
)
code=$?
wait $start
ping /$code
exit $code`},
		{Title: "curl before 7.71", File: "Terminal", Code: ExampleJob + ` && { ` + CurlLoop + `; }`},
	},
}

var crontabExample = Example{
	Name: "crontab",
	Note: "Use one of the two: each line runs the job.",
	Blocks: []Block{
		{Title: "Ping when the job has succeeded", File: "crontab -e", Code: `0 3 * * * ` + ExampleJob + ` && { ` + Curl + ` PING_URL || true; }`},
		{Title: "Or report failures at once, with the exit code", File: "crontab -e", Code: `0 3 * * * ` + exitCodeLine},
	},
}

// exitCodeLine reports every end of the job and exits with the code of the job.
const exitCodeLine = ExampleJob + `; code=$?; ` + Curl + ` PING_URL/$code; exit $code`

// systemdExample reports a failure with OnFailure=, not with ExecStopPost=: the latter also runs
// after each attempt that Restart= repeats, and after a run that ExecCondition= skips. In systemd
// 257, OnFailure= needs RestartMode=direct for that (findings/systemd-onfailure-each-attempt.sh).
// See systemd.unit(5), systemd.service(5).
var systemdExample = Example{
	Name: "systemd",
	Note: "Three files. A run that a condition skips sends nothing. With Restart= in the service, add RestartMode=direct: then only the last attempt is reported as a failure.",
	Blocks: []Block{
		{Title: "The job", File: "/etc/systemd/system/backup.service", Code: `[Unit]
Description=Nightly database backup
Wants=network-online.target
After=network-online.target
OnFailure=backup-failed.service

[Service]
Type=oneshot
ExecStart=` + ExampleJob + `
# the minus: a ping that fails does not fail the job
ExecStartPost=-/usr/bin/` + Curl + ` PING_URL`},
		{Title: "Its failure, with the end of the log", File: "/etc/systemd/system/backup-failed.service", Code: `[Unit]
Description=Report that the backup failed

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'journalctl -u backup.service -n 50 -o cat --no-pager | ` + Curl + ` --data-binary @- PING_URL/fail'`},
		{Title: "The schedule", File: "/etc/systemd/system/backup.timer", Code: `[Unit]
Description=Nightly database backup

[Timer]
OnCalendar=*-*-* 03:00:00
Persistent=true

[Install]
WantedBy=timers.target`},
	},
}

var runExample = Example{
	Name: "overdue run",
	Note: "Sends start, finish, exit code and the end of the output. The job runs the same if Overdue cannot be reached.",
	Blocks: []Block{
		{Title: "In a terminal or a script", File: "Terminal", Code: `overdue run PING_URL -- ` + ExampleJob},
		{Title: "In a crontab", File: "crontab -e", Code: `0 3 * * * /usr/local/bin/overdue run PING_URL -- ` + ExampleJob},
	},
}

// docSnippets are shown in the documents only.
var docSnippets = map[string]string{
	"success":     Curl + ` PING_URL`,
	"after":       ExampleJob + ` && ` + Curl + ` PING_URL`,
	"fail":        Curl + ` PING_URL/fail`,
	"exit code":   exitCodeLine,
	"ignored":     ExampleJob + ` && { ` + Curl + ` PING_URL || true; }`,
	"curl loop":   ExampleJob + ` && { ` + CurlLoop + `; }`,
	"wget":        ExampleJob + ` && ` + Wget + ` PING_URL`,
	"wget loop":   ExampleJob + ` && { ` + WgetLoop + `; }`,
	"crontab":     `0 3 * * * ` + ExampleJob + ` && { ` + Curl + ` PING_URL || true; }`,
	"crontab run": `0 3 * * * /usr/local/bin/overdue run PING_URL -- ` + ExampleJob,
	"start finish": Curl + ` PING_URL/start
` + ExampleJob + `; code=$?
` + Curl + ` PING_URL/$code
exit $code`,
	"run id": newRunID + `
` + Curl + ` "PING_URL/start` + withRunID + `"
` + ExampleJob + `; code=$?
` + Curl + ` "PING_URL/$code` + withRunID + `"
exit $code`,
	"output": `log=$(mktemp)
` + ExampleJob + ` >"$log" 2>&1; code=$?
cat "$log"
tail -c 10000 "$log" | ` + Curl + ` --data-binary @- PING_URL/$code
rm "$log"
exit $code`,
}
