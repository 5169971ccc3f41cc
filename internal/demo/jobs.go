package demo

import (
	"time"

	"overdue/internal/monitor"
)

// behavior is the state of a job at the end of the month.
type behavior int

const (
	steady      behavior = iota // runs until now
	silent                      // stopped hours ago: the heartbeat is down
	late                        // stopped a short time ago: the heartbeat is late
	failing                     // the last runs failed
	failingNow                  // the last run failed a few minutes ago
	unstable                    // some runs failed during the month
	running                     // a run is in progress
	stuck                       // a run started and did not finish
	tooShort                    // the last run was shorter than the minimum run time
	notStarted                  // the last run did not start in time
	paused                      // paused by a person
	neverPinged                 // not pinged yet
)

// job is a job with its heartbeat.
type job struct {
	name, description string
	tags              []string
	severity          monitor.Severity // default: critical
	every             time.Duration    // or
	cron              string           // or
	calendar          string           // a systemd OnCalendar expression
	zone              string           // of cron and calendar; default: UTC
	grace             time.Duration
	run               time.Duration // typical run time; 0: the job sends only successes
	days              int           // since its creation; default: 30
	story             behavior
	channels          []string // names; default: by its tags
}

// Durations of the table.
const (
	minutes = time.Minute
	hours   = time.Hour
	day     = 24 * time.Hour
)

const runbook = "Runbook: https://wiki.example.com/runbooks/"

// jobs are the jobs of a small company.
var jobs = []job{
	{name: "Nightly database backup", description: "pg_dump of all databases to the backup host. " + runbook + "database-backup", tags: []string{"backup", "db", "nightly"}, cron: "30 2 * * *", zone: "Europe/Berlin", grace: 30 * minutes, run: 14 * minutes, story: unstable},
	{name: "Invoice export", description: "Sends the invoices of the day to accounting.\n" + runbook + "invoice-export", tags: []string{"billing"}, cron: "0 18 * * 1-5", zone: "Europe/Berlin", grace: hours, run: 3 * minutes},
	{name: "Payment reconciliation", description: "Compares the payments of the provider with our books. " + runbook + "payments", tags: []string{"billing", "payments"}, every: hours, grace: 10 * minutes, run: 90 * time.Second, story: failingNow, channels: []string{"On-call pager", "Operations team", "Office chat", "Warehouse screen"}},
	{name: "Search index rebuild", description: "Rebuilds the product search index from scratch.", tags: []string{"search"}, severity: monitor.SeverityWarning, cron: "15 */6 * * *", grace: 20 * minutes, run: 25 * minutes, story: unstable},
	{name: "TLS certificate renewal", description: "certbot renew on the load balancers. " + runbook + "certificates", tags: []string{"infra", "security"}, calendar: "*-*-* 00/12:00:00", grace: hours, run: 20 * time.Second},
	{name: "Newsletter queue", tags: []string{"mail", "marketing"}, severity: monitor.SeverityInfo, every: 15 * minutes, grace: 10 * minutes, days: 6},
	{name: "Warehouse stock sync", description: "Imports stock levels from the warehouse system. " + runbook + "stock", tags: []string{"warehouse", "sync"}, every: 30 * minutes, grace: 15 * minutes, run: 2 * minutes, days: 12, story: silent},
	{name: "Log rotation", tags: []string{"infra"}, severity: monitor.SeverityInfo, cron: "5 0 * * *", grace: 30 * minutes, run: 8 * time.Second},
	{name: "Off-site backup copy", description: "Copies the backups to another region. " + runbook + "offsite", tags: []string{"backup", "offsite"}, cron: "0 4 * * *", zone: "Europe/Berlin", grace: 2 * hours, run: 50 * minutes, story: stuck},
	{name: "Restore test", description: "Restores the newest backup into a scratch database and counts the rows.", tags: []string{"backup", "weekly"}, cron: "0 6 * * 0", grace: 3 * hours, run: 40 * minutes, story: unstable},
	{name: "Exchange rates", description: "Loads the reference rates of the central bank.", tags: []string{"billing", "import"}, cron: "20 16 * * 1-5", zone: "Europe/Berlin", grace: 45 * minutes, run: 6 * time.Second},
	{name: "Customer data export", description: "Answers requests for personal data. " + runbook + "gdpr", tags: []string{"legal", "export"}, severity: monitor.SeverityWarning, cron: "0 3 * * *", grace: hours, run: 7 * minutes},
	{name: "Session clean-up", tags: []string{"db", "clean-up"}, severity: monitor.SeverityInfo, every: hours, grace: 15 * minutes},
	{name: "Queue worker heartbeat", description: "The worker pings after each batch. " + runbook + "queue", tags: []string{"queue", "web"}, every: 5 * minutes, grace: 3 * minutes, days: 3},
	{name: "Thumbnail generator", tags: []string{"media"}, severity: monitor.SeverityWarning, every: 20 * minutes, grace: 10 * minutes, run: 4 * minutes, days: 8, story: running},
	{name: "Data warehouse load", description: "Loads yesterday's events. Usually takes an hour. " + runbook + "warehouse-load", tags: []string{"analytics", "nightly"}, cron: "0 1 * * *", grace: 90 * minutes, run: 62 * minutes, story: failing},
	{name: "Daily revenue report", tags: []string{"analytics", "report"}, severity: monitor.SeverityWarning, cron: "30 7 * * *", zone: "America/New_York", grace: 30 * minutes, run: 95 * time.Second},
	{name: "Fraud model training", description: "Trains the model on the last 90 days.", tags: []string{"analytics", "ml", "weekly"}, calendar: "Sat *-*-* 22:00:00", zone: "Europe/London", grace: 6 * hours, run: 3 * hours},
	{name: "Virus signature update", tags: []string{"security"}, every: 4 * hours, grace: hours, run: 15 * time.Second, story: late},
	{name: "DNS zone check", tags: []string{"infra", "dns"}, severity: monitor.SeverityWarning, every: hours, grace: 5 * minutes, run: 3 * time.Second, story: unstable},
	{name: "Mailbox quota report", tags: []string{"mail"}, severity: monitor.SeverityInfo, cron: "0 8 * * 1", grace: 4 * hours, run: 12 * time.Second},
	{name: "Package mirror sync", tags: []string{"infra", "sync"}, severity: monitor.SeverityInfo, every: 6 * hours, grace: 2 * hours, run: 18 * minutes},
	{name: "Month-end close", description: "Closes the books of the month. " + runbook + "month-end-close", tags: []string{"billing", "monthly"}, cron: "0 5 1 * *", grace: 3 * hours, run: 34 * minutes},
	{name: "Price list import", description: "Reads the price lists of the suppliers from SFTP.", tags: []string{"import", "suppliers"}, cron: "45 5 * * *", zone: "Europe/Berlin", grace: 30 * minutes, run: 4 * minutes, story: notStarted},
	{name: "Supplier order transmission", tags: []string{"export", "suppliers"}, cron: "0 12,17 * * 1-5", zone: "Europe/Berlin", grace: 20 * minutes, run: 40 * time.Second},
	{name: "Sitemap generation", tags: []string{"web", "marketing"}, severity: monitor.SeverityInfo, cron: "10 4 * * *", grace: hours, run: 70 * time.Second, story: tooShort},
	{name: "Cache warm-up", tags: []string{"web"}, severity: monitor.SeverityInfo, every: 2 * hours, grace: 30 * minutes, run: 45 * time.Second},
	{name: "Metrics compaction", tags: []string{"infra", "metrics"}, severity: monitor.SeverityWarning, every: 8 * hours, grace: 2 * hours, run: 21 * minutes},
	{name: "Firewall rule audit", tags: []string{"security", "weekly"}, severity: monitor.SeverityWarning, calendar: "Mon *-*-* 06:00:00", grace: 4 * hours, run: 2 * minutes},
	{name: "Employee directory sync", tags: []string{"hr", "sync"}, severity: monitor.SeverityWarning, every: 3 * hours, grace: 40 * minutes, run: 25 * time.Second},
	{name: "Payroll transmission", description: "Transmits the payroll to the bank. Call the payroll office if it fails. " + runbook + "payroll", tags: []string{"hr", "monthly"}, cron: "0 9 25 * *", zone: "Europe/Berlin", grace: 2 * hours, run: 5 * minutes},
	{name: "Time sheet reminder", tags: []string{"hr"}, severity: monitor.SeverityInfo, cron: "0 15 * * 5", zone: "Europe/Berlin", grace: hours, story: paused},
	{name: "Legacy FTP import", description: "Will be switched off at the end of the year.", tags: []string{"legacy", "import"}, severity: monitor.SeverityInfo, every: 12 * hours, grace: 2 * hours, story: paused},
	{name: "Build cache clean-up", tags: []string{"ci", "clean-up"}, severity: monitor.SeverityInfo, cron: "0 23 * * *", grace: 2 * hours, run: 9 * minutes},
	{name: "Nightly end-to-end tests", description: "The whole suite against staging.", tags: []string{"ci", "nightly"}, severity: monitor.SeverityWarning, cron: "0 0 * * *", grace: 2 * hours, run: 48 * minutes, story: unstable},
	{name: "Container image scan", tags: []string{"ci", "security"}, severity: monitor.SeverityWarning, calendar: "*-*-* 05:30:00", grace: hours, run: 11 * minutes},
	{name: "Dependency update check", tags: []string{"ci"}, severity: monitor.SeverityInfo, cron: "0 7 * * 1-5", grace: 2 * hours, run: 3 * minutes},
	{name: "Replica lag check (eu-west)", tags: []string{"db", "eu"}, every: 10 * minutes, grace: 5 * minutes, days: 4},
	{name: "Replica lag check (us-east)", tags: []string{"db", "us"}, every: 10 * minutes, grace: 5 * minutes, days: 4, story: late},
	{name: "Replica lag check (ap-south)", tags: []string{"ap", "db"}, every: 10 * minutes, grace: 5 * minutes, days: 4, story: unstable},
	{name: "Vacuum of the event tables", tags: []string{"db", "nightly"}, severity: monitor.SeverityWarning, cron: "0 3 * * *", grace: 2 * hours, run: 36 * minutes},
	{name: "Object storage inventory", tags: []string{"infra", "weekly"}, severity: monitor.SeverityInfo, calendar: "Wed *-*-* 02:00:00", grace: 5 * hours, run: 27 * minutes},
	{name: "Subscription renewals", description: "Charges the subscriptions that end today. " + runbook + "renewals", tags: []string{"billing", "payments"}, cron: "0 6 * * *", zone: "America/New_York", grace: 30 * minutes, run: 12 * minutes, story: unstable},
	{name: "Dunning letters", tags: []string{"billing", "mail"}, severity: monitor.SeverityWarning, cron: "0 10 * * 1-5", zone: "Europe/Berlin", grace: 2 * hours, run: 50 * time.Second},
	{name: "Parcel label printing", description: "Without labels nothing leaves the warehouse. " + runbook + "labels", tags: []string{"warehouse"}, every: 30 * minutes, grace: 10 * minutes, days: 10, story: failing, channels: []string{"On-call pager", "Operations team"}},
	{name: "Carrier tracking import", tags: []string{"import", "warehouse"}, severity: monitor.SeverityWarning, every: hours, grace: 20 * minutes, run: 55 * time.Second},
	{name: "Returns processing", tags: []string{"warehouse"}, severity: monitor.SeverityWarning, every: 4 * hours, grace: hours, run: 6 * minutes},
	{name: "Product feed for marketplaces and comparison portals in all twenty-seven countries", tags: []string{"export", "marketing"}, cron: "0 */8 * * *", grace: hours, run: 16 * minutes},
	{name: "warehouse-stock-synchronisation-of-all-european-locations-including-the-ones-without-a-scanner", description: "The name comes from the old scheduler.", tags: []string{"a-tag-that-is-much-longer-than-most-tags", "legacy", "sync", "warehouse"}, severity: monitor.SeverityWarning, every: 6 * hours, grace: 2 * hours, run: 5 * minutes, story: silent},
	{name: "Sensor gateway Hamburg", tags: []string{"eu", "iot"}, every: 15 * minutes, grace: 15 * minutes, days: 5},
	{name: "Sensor gateway Łódź", tags: []string{"eu", "iot"}, every: 15 * minutes, grace: 15 * minutes, days: 5, story: silent},
	{name: "Sensor gateway São Paulo", tags: []string{"br", "iot"}, every: 15 * minutes, grace: 15 * minutes, days: 5},
	{name: "Status page update", tags: []string{"web"}, severity: monitor.SeverityWarning, every: 10 * minutes, grace: 10 * minutes, days: 4, channels: []string{"Operations team"}},
	{name: "Backup of the wiki", tags: []string{"backup", "nightly"}, severity: monitor.SeverityWarning, cron: "50 1 * * *", grace: hours, run: 2 * minutes},
	{name: "Backup of the source code", tags: []string{"backup", "ci", "nightly"}, cron: "10 2 * * *", grace: hours, run: 6 * minutes},
	{name: "Backup of the mail server", tags: []string{"backup", "mail", "nightly"}, cron: "20 3 * * *", grace: 2 * hours, run: 44 * minutes, story: running},
	{name: "Quarterly archive", description: "Moves old orders to the archive. " + runbook + "archive", tags: []string{"db", "quarterly"}, severity: monitor.SeverityInfo, cron: "0 2 1 1,4,7,10 *", grace: 12 * hours, run: hours, story: neverPinged},
	{name: "New billing importer", description: "Goes live next week.", tags: []string{"billing", "import"}, every: hours, grace: 15 * minutes, days: 1, story: neverPinged},
	{name: "Branch office router", tags: []string{"infra"}, severity: monitor.SeverityWarning, every: 30 * minutes, grace: 30 * minutes, days: 1, story: neverPinged},
	{name: "Accessibility audit", tags: []string{"ci", "web"}, severity: monitor.SeverityInfo, cron: "0 4 * * 2", grace: 3 * hours, run: 14 * minutes},
}
