package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// planAhead is the time after the last data for which pings are planned.
const planAhead = 12 * time.Hour

// plan contains the pings of a job, and the actions of people on its heartbeat.
type plan struct {
	job
	heartbeat monitor.Heartbeat
	pings     []monitor.Ping // in chronological order
	pauseAt   time.Time      // zero: never
}

// newPlan returns the plan of a job as of now.
func newPlan(j job, number int, now time.Time) (plan, error) {
	random := rand.New(rand.NewPCG(uint64(number), 20))
	p := plan{job: j}
	rule, err := j.rule()
	if err != nil {
		return p, fmt.Errorf("%s: %w", j.name, err)
	}
	if p.days == 0 {
		p.days = 30
	}
	created := now.Add(-time.Duration(p.days) * day).Truncate(monitor.Precision)
	p.heartbeat = p.newHeartbeat(number, rule, created)
	if p.story == neverPinged {
		return p, nil
	}
	if p.story == paused {
		p.pauseAt = now.Add(-5*day - 90*minutes)
	}
	slots := p.slots(random, now)
	for i, slot := range slots {
		p.addRun(random, slot, p.ending(i, len(slots), random))
	}
	if p.story == running {
		p.add(monitor.PingStart, now.Add(-p.run*2/5), "", uuid.NewSHA1(uuid.NameSpaceURL, []byte(p.name)).String())
	}
	slices.SortStableFunc(p.pings, func(a, b monitor.Ping) int { return a.At.Compare(b.At) })
	return p, nil
}

// rule returns the rule of the job's heartbeat.
func (j job) rule() (monitor.Rule, error) {
	rule := monitor.Rule{Interval: j.every, Grace: j.grace, Early: monitor.DefaultEarly, Methods: monitor.AnyMethod}
	kind, line := monitor.Cron, j.cron
	if j.calendar != "" {
		kind, line = monitor.OnCalendar, j.calendar
	}
	if line != "" {
		calendar, err := monitor.NewCalendar(kind, []string{line}, j.zone)
		if err != nil {
			return rule, err
		}
		rule.Calendar = calendar
	}
	if 2*j.run > j.grace {
		rule.MaxRunTime = 3 * j.run // the default is the grace period
	}
	switch j.story {
	case stuck:
		rule.MaxRunTime = 2 * hours
	case tooShort:
		rule.MinRunTime = j.run / 4
	case notStarted:
		rule.StartGrace = 10 * minutes
	}
	return rule, nil
}

// slots returns the times at which runs begin, up to now, or further if the job runs
// at the end of the month.
func (p plan) slots(random *rand.Rand, now time.Time) (slots []time.Time) {
	last, end := p.lastRun(random, now), now.Add(planAhead)
	if p.every > 0 {
		first := last
		for first.Add(-p.every).After(p.heartbeat.Created) {
			first = first.Add(-p.every)
		}
		for at := first; at.Before(end) && (p.runsOn() || !at.After(last)); at = at.Add(p.every) {
			slots = append(slots, at)
		}
		return slots
	}
	schedule := p.heartbeat.Rule.Schedule()
	for at, ok := schedule.Next(p.heartbeat.Created); ok && at.Before(end) && (p.runsOn() || !at.After(last)); at, ok = schedule.Next(at) {
		slots = append(slots, at)
	}
	return slots
}

// runsOn reports whether the job still runs at the end of the month.
func (p plan) runsOn() bool {
	return p.story == steady || p.story == unstable || p.story == running
}

// lastRun returns when the last run before now begins, or a later time for a calendar.
func (p plan) lastRun(random *rand.Rand, now time.Time) time.Time {
	switch p.story {
	case silent:
		return now.Add(-p.every - p.grace - time.Duration(1+random.IntN(9))*hours - p.run)
	case late:
		return now.Add(-p.every - p.grace/2 - p.run)
	case failingNow:
		return now.Add(-3*minutes - p.run)
	case stuck, notStarted, tooShort:
		return now.Add(-3 * hours)
	}
	if p.every == 0 {
		return now
	}
	// The next run is due later, with room for the delay of the last one.
	return now.Add(-p.run - time.Duration(random.Int64N(int64(p.every*3/4))))
}

// runEnding is how a run ends.
type runEnding int

const (
	succeeds runEnding = iota
	fails
	isMissed
	isLate
	hangs
	isTooShort
)

// ending returns how run i of n ends.
func (p plan) ending(i, n int, random *rand.Rand) runEnding {
	fromEnd := n - 1 - i
	chance := random.IntN(1000)
	switch {
	case p.story == failing && fromEnd < 2, p.story == failingNow && fromEnd == 0:
		return fails
	case p.story == stuck && fromEnd == 0:
		return hangs
	case p.story == notStarted && fromEnd == 0:
		return isMissed
	case p.story == tooShort && fromEnd == 0:
		return isTooShort
	case fromEnd < 3 || p.every > 0 && fromEnd < int(planAhead/p.every)+3:
		return succeeds
	case p.story == unstable && chance < max(8, 2000/n):
		return fails
	case p.story == unstable && chance < 2*max(8, 2000/n):
		return isMissed
	case chance > 990:
		return isLate
	}
	return succeeds
}

// addRun adds the pings of a run.
func (p *plan) addRun(random *rand.Rand, slot time.Time, end runEnding) {
	if end == isMissed {
		return
	}
	begin, took := slot, p.run
	if p.every == 0 { // with an interval, every delay is late
		begin = slot.Add(time.Duration(random.IntN(4000)) * time.Millisecond)
		took = p.run*9/10 + time.Duration(random.Int64N(int64(p.run/5)+1))
	}
	if end == isLate {
		begin = begin.Add(p.grace / 2)
	}
	id := ""
	if p.run > 0 {
		id = uuid.NewSHA1(uuid.NameSpaceURL, []byte(p.name+slot.String())).String()
		p.add(monitor.PingStart, begin, "", id)
	}
	switch end {
	case hangs:
	case fails:
		p.add(monitor.PingFail, begin.Add(took/3), outputs[random.IntN(len(outputs))], id)
	case isTooShort:
		p.add(monitor.PingSuccess, begin.Add(p.run/20), "0 pages written\n", id)
	default:
		p.add(monitor.PingSuccess, begin.Add(took), "", id)
	}
}

// outputs are the last lines of failed jobs.
var outputs = []string{
	"pg_dump: error: connection to server at \"db1.example.com\", port 5432 failed: Connection refused\n",
	"rsync: [sender] write error: Broken pipe (32)\nrsync error: error in socket IO (code 10) at io.c(849)\n",
	"Traceback (most recent call last):\n  File \"job.py\", line 88, in <module>\n    main()\nTimeoutError: no answer from 192.0.2.40 within 30 s\n",
	"tar: /srv/data: No space left on device\ntar: Error is not recoverable: exiting now\n",
	"HTTP 502 from https://api.example.com/v2/orders after 5 attempts\n",
}

// add adds one ping.
func (p *plan) add(kind monitor.PingKind, at time.Time, body, run string) {
	ping := monitor.Ping{
		Kind: kind, At: at.UTC().Truncate(monitor.Precision), RunID: run, ExitCode: monitor.NoExitCode, Method: "POST",
		Source: fmt.Sprintf("192.0.2.%d", 10+len(p.name)), UserAgent: "curl/8.14.1", Body: []byte(body), BodySize: int64(len(body)),
	}
	if run != "" && kind != monitor.PingStart {
		ping.ExitCode = 0
		if kind == monitor.PingFail {
			ping.ExitCode = 1
		}
	}
	p.pings = append(p.pings, ping)
}
