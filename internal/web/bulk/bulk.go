// Package bulk changes one setting of several heartbeats, and undoes the change.
//
// An undo is a form: the setting, its new value, and the previous value of
// each changed heartbeat. It never overwrites a later change: a heartbeat whose
// setting has another value than the new one is left as it is.
//
// Nothing here knows HTTP or HTML.
package bulk

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// Names of the parameters of an undo.
const (
	settingParameter  = "setting"
	tagParameter      = "tag"
	newParameter      = "new"
	idParameter       = "id"
	previousParameter = "was"
)

// Action sets one setting of a heartbeat.
type Action struct {
	PastTense string // begins the result: "Paused 3 heartbeats"
	setting   setting
	value     string
}

// setting is a setting of a heartbeat as text.
type setting struct {
	name  string
	tag   string // of the setting "tag"
	value func(monitor.Heartbeat) string
	set   func(ctx context.Context, svc *manage.Service, a auth.Actor, ref, value string) (monitor.Heartbeat, error)
}

// Failure is a heartbeat that could not be changed.
type Failure struct {
	Name string
	Err  error
}

// Result is the result of an action on several heartbeats.
type Result struct {
	Changed int
	Missing int        // no longer exist
	Undo    url.Values // nil if nothing changed
	Failure *Failure   // the first; the heartbeats after it were not changed
}

// Apply applies the action to heartbeats. It skips those that no longer exist and
// stops at the first failure.
func (act Action) Apply(ctx context.Context, svc *manage.Service, a auth.Actor, ids []string) (r Result) {
	undo := url.Values{settingParameter: {act.setting.name}}
	if act.setting.tag != "" {
		undo.Set(tagParameter, act.setting.tag)
	}
	for _, id := range ids {
		before, err := svc.Heartbeat(ctx, a, id)
		after := before
		if err == nil {
			after, err = act.setting.set(ctx, svc, a, before.Ref, act.value)
		}
		if isMissing(err) {
			r.Missing++
			continue
		}
		if err != nil {
			r.Failure = &Failure{Name: before.Name, Err: err}
			return r
		}
		if was, now := act.setting.value(before), act.setting.value(after); was != now {
			r.Changed++
			undo.Set(newParameter, now)
			undo.Add(idParameter, before.Ref)
			undo.Add(previousParameter, was)
			r.Undo = undo
		}
	}
	return r
}

// UndoResult is the result of an undo.
type UndoResult struct {
	Restored, Skipped int      // skipped: changed or deleted since
	Failure           *Failure // the first; the heartbeats after it were restored
	Failed            int
}

// Undo restores the previous values. A heartbeat whose previous value is no longer
// valid, such as a deleted channel, does not stop the others.
func Undo(ctx context.Context, svc *manage.Service, a auth.Actor, q url.Values) (r UndoResult, err error) {
	s, known := settingByName(q.Get(settingParameter), q.Get(tagParameter))
	ids, previous := q[idParameter], q[previousParameter]
	if !known || len(ids) == 0 || len(ids) != len(previous) || len(ids) > manage.MaxLimit {
		return r, monitor.Faultf(monitor.Invalid, "", "The form to undo the change is incomplete. Open it again from the page.")
	}
	for n, id := range ids {
		h, err := svc.Heartbeat(ctx, a, id)
		if isMissing(err) || err == nil && s.value(h) != q.Get(newParameter) {
			r.Skipped++
			continue
		}
		if err == nil {
			_, err = s.set(ctx, svc, a, h.Ref, previous[n])
		}
		switch {
		case err == nil:
			r.Restored++
		case isMissing(err):
			r.Skipped++
		case isInvalid(err):
			r.Failed++
			if r.Failure == nil {
				r.Failure = &Failure{Name: h.Name, Err: err}
			}
		default:
			return r, err
		}
	}
	return r, nil
}

// OpenIncidents returns the names of the heartbeats whose open incident a pause
// resolves.
func OpenIncidents(ctx context.Context, svc *manage.Service, a auth.Actor, ids []string) (names []string, err error) {
	for _, id := range ids {
		h, err := svc.Heartbeat(ctx, a, id)
		switch {
		case isMissing(err):
		case err != nil:
			return nil, err
		case h.Status == monitor.Down:
			names = append(names, h.Name)
		}
	}
	return names, nil
}

// IDs returns the selected heartbeats of a form.
func IDs(form url.Values) []string {
	ids := slices.Clone(form[idParameter])
	return slices.DeleteFunc(ids[:min(len(ids), manage.MaxLimit)], func(id string) bool { return id == "" })
}

// isMissing reports whether an error says that a heartbeat does not exist.
func isMissing(err error) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == monitor.NotFound
}

// isInvalid reports whether an error says that a value is not valid, or no longer.
func isInvalid(err error) bool {
	if _, several := errors.AsType[monitor.Faults](err); several {
		return true
	}
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == monitor.Invalid
}
