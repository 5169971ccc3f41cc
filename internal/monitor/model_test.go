package monitor

// The second implementation of the rules. It is written from the words of the
// product, is slow, and shares no code with the first: it knows whole seconds
// only, replays everything from the beginning, and looks at every second.

// modelRule is a rule in whole seconds.
type modelRule struct {
	interval, grace, longest int
	postOnly, manual         bool

	slots      []int // of a calendar; nil for an interval
	early      int   // -1: default
	shortest   int   // minimum run time
	startGrace int   // 0: none
	after      int   // alert threshold
	firstBy    int   // 0: never
}

// modelEvent is one event of the heartbeat in a second.
type modelEvent struct {
	at   int
	what string // success, start, fail, log, pause, resume or edit
	run  string // run id of a ping
	get  bool   // the ping came by GET
	rule modelRule
}

// modelIncident is an incident of the model.
type modelIncident struct {
	Cause    string
	Opened   int
	Resolved int    // undefined while open
	How      string // empty while open
	Failures int    // further failures while it was open
}

// modelRun is an active run.
type modelRun struct {
	id      string
	start   int
	counted bool // it exceeded its time limit, and that was counted
}

// model is the heartbeat of the model. Seconds before the epoch mean never.
type model struct {
	rule        modelRule
	status      string
	cause       string
	from        int
	staleBefore int // time of a pause or resumption
	pinged      bool
	runs        []modelRun
	finished    map[string]int // when each run id ended
	incidents   []modelIncident

	bad     int   // consecutive failures, without the waiting slots
	waiting []int // slots without a run since then
	counted int   // slots up to here are no longer expected

	expecting bool  // slots are expected, since the first ping
	written   int   // slots up to here have an outcome
	ticks     int   // outcomes in the microseconds after it
	openSlots []int // due slots that a run can still answer
	outcomes  []modelOutcome
}

// modelOutcome is the outcome of a slot.
type modelOutcome struct {
	Slot   int
	Ticks  int // microseconds after it
	What   string
	LateBy int
}

// replay returns the heartbeat at the end of a second, after all events up to then in order.
func replay(rule modelRule, events []modelEvent, end int) *model {
	m := &model{rule: rule, status: "new", from: -1, counted: -1, written: -1, staleBefore: -1, finished: map[string]int{}}
	for second := 0; second <= end; second++ {
		m.tick(second)
		for _, e := range events {
			if e.at == second {
				m.apply(e)
			}
		}
		// A ping at the deadline is in time, so silence is evaluated last.
		m.silence(second)
	}
	return m
}

// apply applies one event.
func (m *model) apply(e modelEvent) {
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

// limit returns the maximum run time, 0 for none.
func (m *model) limit() int {
	if m.rule.longest > 0 {
		return m.rule.longest
	}
	return m.rule.grace
}

// expectsPings reports whether a second of silence can change anything.
func (m *model) expectsPings() bool {
	return m.status == "new" || m.status == "up" || m.status == "late"
}

// silence evaluates one second without further pings.
func (m *model) silence(second int) {
	for m.expectsPings() && m.overdueRun(second) {
		m.overrun(second)
	}
	if by := m.rule.firstBy; m.status == "new" && by > 0 && by > m.staleBefore && second >= by && !m.busy(by, second) {
		m.recordFailure(-1, by, false, "missed")
		m.open("missed", by)
	}
	for m.status == "up" || m.status == "late" {
		m.status = "up"
		if len(m.waiting) == 0 {
			break
		}
		m.status = "late"
		if !m.evaluate(second) {
			break
		}
	}
	m.recordExpiredSlots(second)
}

// evaluate counts the silence that ends by a second, and reports whether there can be more.
func (m *model) evaluate(second int) bool {
	if g := m.rule.startGrace; g > 0 && g < m.rule.grace {
		slot := m.waiting[0]
		if second < slot+g || m.busy(slot+g, second) {
			return false
		}
		if slot > m.written {
			m.record(slot, "not_started", 0)
		}
		m.tolerate("not_started", slot+g, 1, slot)
		return true
	}
	if n := m.tolerated(); n <= len(m.waiting) {
		deadline := m.waiting[n-1] + m.rule.grace
		if second >= deadline && !m.busy(deadline, second) {
			m.open("missed", deadline)
		}
	}
	return false
}

// overdueRun reports whether a run exceeds its time limit at a second.
func (m *model) overdueRun(second int) bool {
	for _, r := range m.runs {
		if m.limit() > 0 && second == r.start+m.limit() && !r.counted {
			return true
		}
	}
	return false
}

// markOverruns marks the runs that exceeded their time limit, so that none is counted twice.
func (m *model) markOverruns(second int) {
	var runs []modelRun
	for _, r := range m.runs {
		r.counted = r.counted || second >= r.start+m.limit()
		runs = append(runs, r)
	}
	m.runs = runs
}

// busy reports whether a run that started by a deadline is active and within its time limit.
func (m *model) busy(deadline, second int) bool {
	for _, r := range m.runs {
		if !r.counted && r.start <= deadline && second < r.start+m.limit() {
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
	if ended, known := m.finished[e.run]; e.what == "start" && known && e.at-ended < 3600 {
		return // of a run that has ended
	}
	m.silence(e.at - 1) // a run that covered it can overrun in this second
	if e.what == "start" {
		m.removeRun(e.run)
		m.runs = append(m.runs, modelRun{id: e.run, start: e.at})
		return
	}
	was := m.runs
	if e.run != "" {
		m.finished[e.run] = e.at
	}
	ended := m.finish(e)
	m.pinged = true
	if m.status == "paused" && m.rule.manual {
		return
	}
	m.count(e, ended, was)
}

// finish removes and returns the run that a ping names, or the only one if it names none.
func (m *model) finish(e modelEvent) *modelRun {
	for _, r := range m.runs {
		if r.id == e.run {
			m.removeRun(e.run)
			return &r
		}
	}
	if e.run == "" && len(m.runs) == 1 {
		r := m.runs[0]
		m.runs = nil
		return &r
	}
	return nil
}

// dropExpiredRuns drops the runs that are counted as overrun, or whose time limit passed while
// nothing was evaluated.
func (m *model) dropExpiredRuns(second int) {
	var left []modelRun
	for _, r := range m.runs {
		if !r.counted && (m.limit() == 0 || r.start+m.limit() >= second) {
			left = append(left, r)
		}
	}
	m.runs = left
}

func (m *model) removeRun(id string) {
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
		m.status, m.runs, m.staleBefore = "paused", nil, second
		m.bad, m.waiting, m.openSlots = 0, nil, nil
		if m.written >= 0 {
			m.decide(second)
		}
	}
}

func (m *model) resume(second int) {
	if m.status != "paused" {
		return
	}
	m.runs, m.staleBefore = nil, second
	m.status = "new"
	if m.pinged {
		ahead := m.written
		m.status, m.from, m.expecting = "up", second, true
		m.decide(second)
		m.counted = second
		if m.rule.slots != nil {
			m.counted = max(second, ahead)
		}
	}
}

// edit evaluates again from the last ping: it replays the seconds since then under the new rule.
func (m *model) edit(rule modelRule, second int) {
	m.silence(second)
	m.rule = rule
	if rule.slots == nil && m.from >= 0 {
		m.from = max(m.from, m.staleBefore) // an interval counts from the ping itself
		m.counted = max(m.counted, m.from)
	}
	if m.status == "paused" || m.cause == "failure" {
		return
	}
	again := *m
	again.status, again.cause, again.incidents, again.runs = "up", "", nil, nil
	again.waiting, again.counted, again.openSlots, again.expecting = nil, m.from, nil, false
	if m.from < 0 {
		again.status = "new"
	}
	for _, r := range m.runs {
		again.runs = append(again.runs, modelRun{id: r.id, start: r.start})
	}
	for s := 0; s <= second; s++ {
		again.tick(s)
		again.silence(s)
	}
	m.runs, m.waiting, m.counted = again.runs, again.waiting, again.counted
	switch {
	case m.status == "down" && again.status == "down": // unchanged
	case m.status == "down":
		m.status = again.status
		m.resolve("edited", second)
	case again.status == "down":
		m.open(again.cause, again.incidents[0].Opened)
	default:
		m.status = again.status
	}
}
