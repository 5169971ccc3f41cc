package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// longestNote is in characters.
const longestNote = 2000

// IncidentQuery says which incidents are listed. Empty members do not filter.
type IncidentQuery struct {
	State     string
	Heartbeat string // id or ref
	Page
}

// IncidentDetail is an incident with all that happened and who was told.
type IncidentDetail struct {
	monitor.Incident
	Timeline   []monitor.Entry // with the attempts at telling, oldest first
	Deliveries []store.Delivery
}

// Incidents lists the incidents of the actor's project, newest first.
func (d *Desk) Incidents(ctx context.Context, a auth.Actor, q IncidentQuery) (Listing[monitor.Incident], error) {
	var listing Listing[monitor.Incident]
	if err := may(a, auth.Read); err != nil {
		return listing, err
	}
	state := monitor.State(q.State)
	if state != "" && !slices.Contains([]monitor.State{monitor.Open, monitor.Acknowledged, monitor.Resolved}, state) {
		return listing, monitor.Wrong(monitor.Invalid, "state", "There is no state %q: ask for open, acknowledged or resolved.", q.State)
	}
	from, limit, err := q.place("incidents")
	if err != nil {
		return listing, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		filter := store.IncidentFilter{Project: a.Project.Key, State: state, Before: from.Key, Limit: limit + 1}
		if q.Heartbeat != "" {
			h, err := heartbeat(tx, a, q.Heartbeat)
			if err != nil {
				return aboutField(err, "heartbeat")
			}
			filter.Heartbeat = h.Key
		}
		items, err := tx.Incidents(filter)
		if err != nil {
			return err
		}
		listing = cut(items, limit, "incidents", func(i monitor.Incident) int64 { return i.Number })
		return veilIncidents(tx, a, listing.Items)
	})
	return listing, err
}

// Incident returns one with its timeline.
func (d *Desk) Incident(ctx context.Context, a auth.Actor, id string) (detail IncidentDetail, err error) {
	if err := may(a, auth.Read); err != nil {
		return detail, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		detail, err = incident(tx, a, id)
		return err
	})
	return detail, err
}

// incident reads one with its timeline.
func incident(tx *store.Tx, a auth.Actor, id string) (IncidentDetail, error) {
	var detail IncidentDetail
	if !askable(id) {
		return detail, absent("incident")
	}
	i, err := tx.Incident(a.Project.Key, id)
	if err != nil {
		return detail, err
	}
	if detail.Incident, err = veiledIncident(tx, a, i); err != nil {
		return detail, err
	}
	if detail.Timeline, err = tx.Timeline(i); err != nil {
		return detail, err
	}
	if detail.Deliveries, err = tx.Deliveries(id); err != nil {
		return detail, err
	}
	if err := veilStory(tx, a, i.HeartbeatID, detail.Timeline, detail.Deliveries); err != nil {
		return detail, err
	}
	names, err := tx.ChannelNames(a.Project.Key)
	if err != nil {
		return detail, err
	}
	for _, delivery := range detail.Deliveries {
		for _, try := range delivery.Tries {
			detail.Timeline = append(detail.Timeline, monitor.Entry{
				At: try.At, Kind: "delivery", Text: attempted(names[delivery.Channel], delivery.Event, try),
			})
		}
	}
	slices.SortStableFunc(detail.Timeline, func(a, b monitor.Entry) int { return a.At.Compare(b.At) })
	return detail, nil
}

// attempted tells how one attempt at a delivery went.
func attempted(channel string, event monitor.Event, try store.Attempt) string {
	verdict := map[string]string{
		"sent":    "was told",
		"retry":   "could not be told, and is tried again",
		"refused": "refused",
	}[try.Outcome]
	text := fmt.Sprintf("“%s” %s (%s)", channel, verdict, event)
	if try.Status != 0 {
		text += fmt.Sprintf(", status %d", try.Status)
	}
	if try.Detail != "" {
		text += ": " + try.Detail
	}
	return text
}

// AcknowledgeIncident notes that the actor takes care of it, which stops its
// reminders. Doing so again changes nothing; a resolved one needs nobody.
func (d *Desk) AcknowledgeIncident(ctx context.Context, a auth.Actor, id string) (IncidentDetail, error) {
	return d.onIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (stir, error) {
		done, err := tx.Acknowledge(i, a.Name, now)
		if err != nil {
			return stir{}, err
		}
		if done {
			return stir{owed: true, touched: i.Heartbeat}, note(tx, a, now, deed{action: "incident.acknowledge", target: numbered(i)})
		}
		// Somebody was first, or it is over: read again which.
		if i, err = tx.Incident(a.Project.Key, i.ID); err == nil && i.State() == monitor.Resolved {
			err = monitor.Wrong(monitor.Conflict, "", "Incident #%d is resolved already: there is nothing to acknowledge.", i.Number)
		}
		return stir{}, err
	})
}

// AddNote writes a note on an incident's timeline, also after its end.
func (d *Desk) AddNote(ctx context.Context, a auth.Actor, id, text string, found monitor.Faults) (IncidentDetail, error) {
	return d.onIncident(ctx, a, id, func(tx *store.Tx, i monitor.Incident, now time.Time) (stir, error) {
		f := &faults{list: slices.Clone(found)}
		text, fault := soundNote(text)
		if fault != nil {
			f.add(fault)
		}
		if err := f.err(); err != nil {
			return stir{}, err
		}
		n, err := tx.CountTimeline(i.ID, "note")
		if err == nil && n >= maxNotes {
			err = atMost("text", maxNotes, "notes on this incident", "Write the next one where your team keeps longer texts.")
		}
		if err != nil {
			return stir{}, err
		}
		return stir{touched: i.Heartbeat}, addNote(tx, a, i, text, now)
	})
}

// soundNote returns a validated note, or a fault.
func soundNote(text string) (string, *monitor.Fault) {
	text = strings.TrimSpace(text)
	switch {
	case text == "" || utf8.RuneCountInString(text) > longestNote:
		return text, monitor.Wrong(monitor.Invalid, "text", "Write a note of 1 to %d characters.", longestNote)
	case !printable(text, "\t\r\n"):
		return text, monitor.Wrong(monitor.Invalid, "text", "A note must not contain control characters: write plain text.")
	}
	return text, nil
}

// addNote writes a note on the timeline of an incident.
func addNote(tx *store.Tx, a auth.Actor, i monitor.Incident, text string, now time.Time) error {
	if err := tx.Note(i.ID, "note", a.Name+": "+text, now); err != nil {
		return err
	}
	return note(tx, a, now, deed{"incident.note", numbered(i), short(text)})
}

// numbered names an incident as people do.
func numbered(i monitor.Incident) string { return fmt.Sprintf("#%d of %s", i.Number, i.HeartbeatName) }

// onIncident runs a change of one incident, and returns it as it then is.
func (d *Desk) onIncident(ctx context.Context, a auth.Actor, id string, fn func(*store.Tx, monitor.Incident, time.Time) (stir, error)) (detail IncidentDetail, err error) {
	if err := may(a, auth.ChangeIncidents); err != nil {
		return detail, err
	}
	if !askable(id) {
		return detail, absent("incident")
	}
	now := stamp()
	err = d.change(ctx, func(tx *store.Tx) (stir, error) {
		i, err := tx.Incident(a.Project.Key, id)
		if err != nil {
			return stir{}, err
		}
		s, err := fn(tx, i, now)
		if err != nil {
			return s, err
		}
		detail, err = incident(tx, a, id)
		return s, err
	})
	return detail, err
}
