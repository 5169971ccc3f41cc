package notify

import (
	"slices"
	"sync"
)

// mostTaken bounds how many half-delivered e-mails are remembered.
const mostTaken = 1000

// taken remembers who already has an e-mail that the mail server took for some
// recipients only. Without it every retry would write to them again, up to a
// hundred times a day. It is memory and no record: after a restart or on another
// node they get the message once more, which at-least-once allows.
type taken struct {
	mu    sync.Mutex
	by    map[string][]string // alert id to recipients
	order []string            // alert ids, oldest first
}

// newTaken returns an empty memory.
func newTaken() *taken { return &taken{by: map[string][]string{}} }

// remember notes that the recipients have the message of the alert.
func (t *taken) remember(alert string, to []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.by[alert]; !known {
		t.order = append(t.order, alert)
	}
	t.by[alert] = append(t.by[alert], to...)
	if len(t.order) > mostTaken {
		delete(t.by, t.order[0])
		t.order = slices.Delete(t.order, 0, 1)
	}
}

// forget drops the alert: it is delivered, or given up.
func (t *taken) forget(alert string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.by[alert]; !known {
		return
	}
	delete(t.by, alert)
	t.order = slices.DeleteFunc(t.order, func(a string) bool { return a == alert })
}

// left returns the recipients who do not have the message yet, in their order.
func (t *taken) left(alert string, to []string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var left []string
	for _, address := range to {
		if !slices.Contains(t.by[alert], address) {
			left = append(left, address)
		}
	}
	return left
}
