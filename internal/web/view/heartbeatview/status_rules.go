package heartbeatview

import "overdue/internal/web/view/ui"

// statusRule is one thing that would change the status.
type statusRule struct {
	text, note, tone string
	editPath         string // where to change the rule; empty for no link
}

// rulesTitle is the heading of the rules.
func (p DetailPage) rulesTitle() string {
	if p.Heartbeat.Status == "down" {
		return "Next steps"
	}
	return "An incident also opens when"
}

// rules returns what would change the status: for a heartbeat that is Down, what
// resolves the incident, otherwise what would open one besides silence.
func (p DetailPage) rules(c ui.Clock) []statusRule {
	h := p.Heartbeat
	switch h.Status {
	case "paused":
		return nil
	case "down":
		return h.rulesWhileDown(c)
	}
	limit := h.runLimit()
	var all []statusRule
	if limit > 0 {
		all = append(all, statusRule{
			text: "a run takes longer than " + ui.ExactDuration(limit) + ui.If(h.MaxRunTime == 0, ", the grace period", ""),
			note: ui.If(p.Stats.UsualRunTime > 0, p.Stats.usualText(), "It needs a start signal. No run was measured yet."),
		})
	}
	failure := "the job reports a failure or an exit code other than 0"
	if h.AlertAfter > 1 {
		failure = ui.Itoa(h.AlertAfter) + " runs in a row fail"
	}
	all = append(all, statusRule{text: failure, note: ui.If(h.AlertAfter > 1, "Failed runs now: "+ui.Itoa(h.FailedRuns)+" of "+ui.Itoa(h.AlertAfter)+".", "")})
	if h.MinRunTime > 0 {
		all = append(all, statusRule{text: "a run succeeds in less than " + ui.ExactDuration(h.MinRunTime)})
	}
	return all
}

// rulesWhileDown returns what resolves the open incident.
func (h Heartbeat) rulesWhileDown(c ui.Clock) []statusRule {
	incident := "the incident"
	if h.Incident != nil {
		incident = "incident #" + ui.Itoa(h.Incident.Number)
	}
	all := []statusRule{{text: "A success ping resolves " + incident, tone: "up"}}
	if h.Incident != nil && h.Incident.Cause == "overran" {
		long := statusRule{text: "If the job needs longer, raise the maximum run time"}
		if h.Editable {
			long.editPath = string(h.path("/edit"))
		}
		all = append(all, long)
	}
	if h.Due.After(c.Now) {
		all = append(all, statusRule{text: "The next run is due " + c.DateTime(h.Due)})
	}
	return all
}
