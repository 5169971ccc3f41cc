package deliver

import (
	"time"

	"overdue/internal/notify"
	"overdue/internal/store"
)

// threadChannels returns the channels whose messages about one incident form a thread.
func threadChannels(channels []store.PendingChannel) map[string]bool {
	threaded := map[string]bool{}
	for _, p := range channels {
		if k, known := notify.KindOf(p.Kind); known && k.Can.Thread {
			threaded[p.Channel] = true
		}
	}
	return threaded
}

// incidentOnChannel identifies the messages about an incident on a channel.
type incidentOnChannel struct{ incident, channel string }

// threads are what services returned for the first messages, by recipient.
type threads map[incidentOnChannel]map[string]string

// readThreads reads the threads of incidents, with one statement.
func readThreads(tx *store.Tx, incidents []string) (threads, error) {
	all := threads{}
	if len(incidents) == 0 {
		return all, nil
	}
	found, err := tx.ThreadsOfIncidents(incidents)
	for _, t := range found {
		key := incidentOnChannel{t.Incident, t.Channel}
		if all[key] == nil {
			all[key] = map[string]string{}
		}
		all[key][t.Recipient] = t.Thread
	}
	return all, err
}

// addThread adds the thread to which the message replies.
func (e *delivery) addThread(tx *store.Tx, f facts) (err error) {
	known := f.threads
	if known == nil && e.alert.Incident != "" && threadChannels([]store.PendingChannel{{Channel: e.channel.ID, Kind: e.channel.Kind}})[e.channel.ID] {
		if known, err = readThreads(tx, []string{e.alert.Incident}); err != nil {
			return err
		}
	}
	e.notification.Threads = known[incidentOnChannel{e.alert.Incident, e.channel.ID}]
	e.notification.Thread = e.notification.Threads[""]
	return nil
}

// threadsOf returns the threads that services returned for messages about incidents.
func threadsOf(results ...sendResult) (all []store.Thread) {
	for _, r := range results {
		if r.alert.Incident == "" {
			continue
		}
		add := func(recipient, thread string) {
			if thread != "" {
				all = append(all, store.Thread{Incident: r.alert.Incident, Channel: r.channel.ID, Recipient: recipient, Thread: thread})
			}
		}
		add("", r.receipt.Thread)
		for _, one := range r.receipt.Recipients {
			add(one.Recipient, one.Thread)
		}
	}
	return all
}

// adoptSettings stores settings that services changed.
func (c *Dispatcher) adoptSettings(tx *store.Tx, results []sendResult, now time.Time) error {
	for _, r := range results {
		if r.err != nil || len(r.receipt.Settings) == 0 || c.AdoptSettings == nil || c.poisoned[r.alert.ID] {
			continue
		}
		if err := c.AdoptSettings(tx, r.channel, r.receipt.Settings, now); err != nil {
			return poisonedError{r.alert.ID, err}
		}
	}
	return nil
}
