package discover

import (
	"strings"
	"testing"
	"time"

	"overdue/internal/discover/crontab"
)

func TestCommandLabel_NamesTheMainProgram(t *testing.T) {
	for command, want := range map[string]string{
		`sleep $((RANDOM \% 60)); /home/ada/monthly`:                                      "monthly",
		"/usr/local/bin/backup.sh --full":                                                 "backup.sh --full",
		"cd /srv/app && php artisan schedule:run >> /dev/null 2>&1":                       "artisan schedule:run",
		"cd / && run-parts --report /etc/cron.hourly":                                     "cron.hourly",
		"test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }":    "cron.daily",
		"[ -x /usr/bin/x ] && /usr/bin/x --go":                                            "x --go",
		"sudo -u www-data nice -n 19 ionice -c3 flock -n /tmp/l timeout 1h report weekly": "report",
		"A=1 B='2 3' /opt/sync":                                                           "sync",
		"sh -c 'pg_dump shop | gzip'":                                                     "pg_dump",
		"/bin/bash /opt/x.sh":                                                             "x.sh",
		"pg_dump shop | gzip > /b/shop.gz":                                                "pg_dump",
		"mysqldump -psecret shop":                                                         "mysqldump",
		"backup --password hunter2":                                                       "backup --password",
		"curl -u bob:secret https://x":                                                    "curl",
		"rsync --token=abc /a b:/c":                                                       "rsync",
		"for i in 1 2; do /opt/each $i; done":                                             "each",
		"if test -e /x; then ! exec /opt/y; fi":                                           "y",
		"(/opt/a; /opt/b)":                                                                "a",
		"cd /s && php /s/café.php > /dev/null 2>&1":                                       "caf-.php",
		"/opt/x >/var/log/app.log 2>&1":                                                   "x",
		"> /tmp/out /opt/x":                                                               "x",
		"2>/dev/null /opt/x":                                                              "x",
		"echo letmein | sudo -S /opt/x":                                                   "x",
		"printf 'pass' | /opt/login":                                                      "login",
		"/srv/run.sh mysecretpassword":                                                    "run.sh",
		"php8.2 artisan schedule:run hunter":                                              "artisan schedule:run",
		"/usr/bin/python3.11 /opt/x.py":                                                   "x.py",
		"java -Xmx1g -jar /opt/r.jar secretword":                                          "r.jar",
		"su - www-data -s /bin/sh -c '/opt/tick --now'":                                   "tick --now",
		"su www-data -c /opt/tick":                                                        "tick",
		"docker exec -u www-data app php occ cron:run":                                    "occ cron:run",
		"docker exec -t app /opt/x":                                                       "x",
		"docker compose -f /srv/c.yml exec -T app /opt/x":                                 "x",
		"docker system prune":                                                             "docker system",
		"screen -dmS work /opt/x":                                                         "x",
		"test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew": "certbot",
		"command -v debian-sa1 > /dev/null && debian-sa1 1 1":                                                            "debian-sa1",
		"\xff\xfe":                         "job",
		"":                                 "job",
		"$HOME/bin/sync":                   "sync",
		"/opt/" + strings.Repeat("x", 200): strings.Repeat("x", maxLabelLength),
	} {
		if got := commandLabel(command); got != want {
			t.Errorf("%s is named %q; want %q", command, got, want)
		}
	}
}

func TestNameJobs_SlugsDoNotDependOnTheOrder(t *testing.T) {
	cron := func(source, user, when, command string) Job {
		return Job{Source: source, User: user, Cron: []string{when}, Command: command}
	}
	jobs := []Job{
		cron("/etc/crontab", "root", "0 3 * * *", "/opt/backup.sh"),
		cron("/etc/crontab", "root", "0 4 * * *", "/opt/backup.sh"),
		cron("crontab of alice", "alice", "0 3 * * *", "/opt/backup.sh"),
		cron("/etc/crontab", "root", "0 3 * * *", "/opt/report"),
	}
	slugs := func(jobs ...Job) map[string]string {
		nameJobs(jobs, "Web1")
		all := map[string]string{}
		for _, j := range jobs {
			all[j.Source+" "+j.Cron[0]+" "+unwrapCommand(j.Command)] = j.Slug
		}
		return all
	}
	want := slugs(jobs...)
	if got := want["/etc/crontab 0 3 * * * /opt/report"]; got != "web1-report" {
		t.Errorf("the slug is %q; want web1-report", got)
	}
	if got := want["crontab of alice 0 3 * * * /opt/backup.sh"]; got != "web1-alice-backup-sh" {
		t.Errorf("the slug is %q; want web1-alice-backup-sh", got)
	}
	if len(want) != 4 || want["/etc/crontab 0 3 * * * /opt/backup.sh"] == want["/etc/crontab 0 4 * * * /opt/backup.sh"] {
		t.Errorf("jobs share a slug: %v", want)
	}
	wired, err := PingSettings{Method: PingWithCurl}.wrapCommand(crontab.Entry{Command: jobs[0].Command}, aURL, false)
	if err != nil {
		t.Fatal(err)
	}
	again := []Job{jobs[3], jobs[2], jobs[1], cron("/etc/crontab", "root", "0 3 * * *", wired)}
	for job, slug := range slugs(again...) {
		if slug != want[job] {
			t.Errorf("%s is %s, and was %s before another job was wired", job, slug, want[job])
		}
	}
}

func TestSuggestGrace_FollowsTheShortestGap(t *testing.T) {
	for when, want := range map[string]time.Duration{
		"* * * * *": 5 * time.Minute, "*/15 * * * *": 5 * time.Minute, "@hourly": 15 * time.Minute, "0 */2 * * *": 30 * time.Minute,
		"0 3 * * *": time.Hour, "@yearly": time.Hour, "0 8,9 * * 1": 15 * time.Minute,
	} {
		j := Job{Cron: []string{when}, Zone: "UTC"}
		j.resolveSchedule(noon)
		if j.Grace != want || j.Problem != "" {
			t.Errorf("%s: grace %s %s; want %s", when, j.Grace, j.Problem, want)
		}
	}
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
