package monitor

// The second implementation of the rules. It is written from the words of the
// product, is slow, and shares no code with the first: it knows whole seconds
// only, replays everything from the beginning, and looks at every second.

// modelRule is a rule in whole seconds.
type modelRule struct {
	interval, grace, longest int
	postOnly, manual         bool
}

// modelEvent is something that happened to the heartbeat in a second.
type modelEvent struct {
	at   int
	what string // success, start, fail, log, pause, resume or edit
	run  string // run id of a ping
	get  bool   // the ping came by GET
	rule modelRule
}

// modelIncident is an incident as the model tells it.
type modelIncident struct {
	Cause    string
	Opened   int
	Resolved int    // meaningless while open
	How      string // empty while open
	Failures int    // told while it was open
}

// modelRun is a start that waits for its finish.
type modelRun struct {
	id    string
	start int
	told  bool // an incident was opened because it took too long
}

// model is the heartbeat as the model sees it. Seconds before the epoch mean
// never.
type model struct {
	rule      modelRule
	status    string
	cause     string
	from      int
	pinged    bool
	runs      []modelRun
	incidents []modelIncident
}

// replay tells how a heartbeat stands at the end of a second, when all that
// happened until then is given in its order.
func replay(rule modelRule, events []modelEvent, end int) *model {
	m := &model{rule: rule, status: "new", from: -1}
	for second := 0; second <= end; second++ {
		for _, e := range events {
			if e.at == second {
				m.happen(e)
			}
		}
		// A ping at the boundary is in time, so silence comes last.
		m.silence(second)
	}
	return m
}

// happen applies one event.
func (m *model) happen(e modelEvent) {
	switch e.what {
	case "log":
	case "pause":
		m.pause(e.at)
	case "resume":
		m.resume(e.at)
	case "edit":
		m.edit(e.rule, e.at)
	default:
		if !m.rule.postOnly || !e.get {
			m.ping(e)
		}
	}
}

// limit is how long a run may take, 0 when nothing says so.
func (m *model) limit() int {
	if m.rule.longest > 0 {
		return m.rule.longest
	}
	return m.rule.grace
}

func (m *model) due() int      { return m.from + m.rule.interval }
func (m *model) deadline() int { return m.due() + m.rule.grace }

// judged reports whether a second of silence can do anything.
func (m *model) judged() bool {
	return m.status == "new" || m.status == "up" || m.status == "late"
}

// silence judges one second in which nothing more came.
func (m *model) silence(second int) {
	if !m.judged() {
		return
	}
	for _, r := range m.runs {
		if m.limit() > 0 && second == r.start+m.limit() {
			m.open("overran", second)
			m.tellRuns(second)
			return
		}
	}
	if m.from < 0 {
		return
	}
	if m.status == "up" && second >= m.due() {
		m.status = "late"
	}
	if m.status == "late" && second >= m.deadline() && !m.busy(second) {
		m.open("missed", m.deadline())
	}
}

// tellRuns marks the runs whose time is over, so that none is told of twice.
func (m *model) tellRuns(second int) {
	var runs []modelRun
	for _, r := range m.runs {
		r.told = second >= r.start+m.limit()
		runs = append(runs, r)
	}
	m.runs = runs
}

// busy reports whether a run that began by the deadline is in progress, within
// its time.
func (m *model) busy(second int) bool {
	for _, r := range m.runs {
		if r.start <= m.deadline() && second < r.start+m.limit() {
			return true
		}
	}
	return false
}

func (m *model) open(cause string, at int) {
	m.status, m.cause = "down", cause
	m.incidents = append(m.incidents, modelIncident{Cause: cause, Opened: at})
}

func (m *model) resolve(how string, at int) {
	last := &m.incidents[len(m.incidents)-1]
	last.How, last.Resolved = how, at
	m.cause = ""
}

// ping applies a start, a success or a failure.
func (m *model) ping(e modelEvent) {
	if e.what == "start" {
		m.forget(e.run)
		m.runs = append(m.runs, modelRun{id: e.run, start: e.at})
		// A job that begins again has lost the run that excused its silence.
		if m.status == "late" && e.at > m.deadline() && !m.busy(e.at-1) {
			m.open("missed", m.deadline())
		}
		return
	}
	m.finish(e)
	m.pinged = true
	if m.status == "paused" && m.rule.manual {
		return
	}
	m.giveUp(e.at)
	m.from = e.at
	switch {
	case e.what == "fail" && m.status == "down":
		m.cause = "failure"
		m.incidents[len(m.incidents)-1].Failures++
	case e.what == "fail":
		m.open("failure", e.at)
	default:
		if m.status == "down" {
			m.resolve("recovered", e.at)
		}
		m.status = "up"
	}
}

// finish ends the run that a ping names, or the only one when it names none.
func (m *model) finish(e modelEvent) {
	for _, r := range m.runs {
		if r.id == e.run {
			m.forget(e.run)
			return
		}
	}
	if e.run == "" && len(m.runs) == 1 {
		m.runs = nil
	}
}

// giveUp forgets the runs that have taken too long: they were told of, or
// their time ran out while nothing was judged.
func (m *model) giveUp(second int) {
	var left []modelRun
	for _, r := range m.runs {
		if !r.told && (m.limit() == 0 || r.start+m.limit() >= second) {
			left = append(left, r)
		}
	}
	m.runs = left
}

func (m *model) forget(id string) {
	var left []modelRun
	for _, r := range m.runs {
		if r.id != id {
			left = append(left, r)
		}
	}
	m.runs = left
}

func (m *model) pause(second int) {
	m.silence(second)
	if m.status == "down" {
		m.resolve("paused", second)
	}
	if m.status != "paused" {
		m.status, m.runs = "paused", nil
	}
}

func (m *model) resume(second int) {
	if m.status != "paused" {
		return
	}
	m.runs = nil
	m.status = "new"
	if m.pinged {
		m.status, m.from = "up", second
	}
}

// edit judges anew from the last ping: the seconds since the beginning are
// gone through again under the new rule.
func (m *model) edit(rule modelRule, second int) {
	m.silence(second)
	m.rule = rule
	if m.status == "paused" || m.cause == "failure" {
		return
	}
	again := *m
	again.status, again.cause, again.incidents, again.runs = "up", "", nil, nil
	if m.from < 0 {
		again.status = "new"
	}
	for _, r := range m.runs {
		again.runs = append(again.runs, modelRun{id: r.id, start: r.start})
	}
	for s := 0; s <= second; s++ {
		again.silence(s)
	}
	m.runs = again.runs
	switch {
	case m.status == "down" && again.status == "down": // it stays as it was
	case m.status == "down":
		m.status = again.status
		m.resolve("edited", second)
	case again.status == "down":
		m.open(again.cause, again.incidents[0].Opened)
	default:
		m.status = again.status
	}
}
