package notify

import (
	"errors"
	"sync"
	"time"
)

// complainEvery is how often the log repeats that a channel does not work.
const complainEvery = time.Hour

// maxComplaints bounds how many channels are remembered as not working.
const maxComplaints = 10_000

// complaints logs that attempts fail: the first of a channel, and then one an hour
// until an attempt succeeds. Permanent failures are logged by package deliver.
type complaints struct {
	mu   sync.Mutex
	last map[string]time.Time // by project and channel
}

// hear takes the result of one attempt and logs it if it is time to.
func (o *Outside) hear(kind string, n News, err error) {
	if n.Event == EventTest {
		return // whoever asked for it sees the answer
	}
	refusal, _ := errors.AsType[*Refusal](err)
	if refusal != nil && (refusal.Final || refusal.cause != nil) {
		return
	}
	if !o.complaints.due(n.Project+"\x00"+n.Channel, refusal != nil, time.Now()) {
		return
	}
	o.log.Warn("delivery failed, will be retried", "component", "notify", "alert", n.AlertID, "kind", kind, "project", n.Project,
		"channel", n.Channel, "code", refusal.Status, "uncertain", refusal.Uncertain, "reason", HideAddresses(refusal.Body))
}

// due reports whether a failure of a channel is to be logged now. A success forgets
// the channel.
func (c *complaints) due(channel string, failed bool, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !failed {
		delete(c.last, channel)
		return false
	}
	last, known := c.last[channel]
	if known && now.Sub(last) < complainEvery || !known && len(c.last) >= maxComplaints {
		return false
	}
	if c.last == nil {
		c.last = map[string]time.Time{}
	}
	c.last[channel] = now
	return true
}
