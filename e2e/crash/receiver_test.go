package crash_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/client"
)

// receiver is a server that receives the alerts.
type receiver struct {
	*httptest.Server
	mu             sync.Mutex
	alerts         []receivedAlert
	slow           func() time.Duration
	unansweredBase string // base URL of the server whose alerts get no response; "" for none
	closed         chan struct{}
}

// receivedAlert is one received message.
type receivedAlert struct {
	incident, event string
	alert, header   string // alert id in the body and in the header
	url             string
	answered        bool
}

// newReceiver starts a receiver and creates a channel for it.
func newReceiver(t *testing.T, api *client.Client) *receiver {
	t.Helper()
	r := &receiver{slow: func() time.Duration { return 0 }, closed: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(r.receive))
	t.Cleanup(func() {
		close(r.closed)
		r.Close()
	})
	kind, name := "webhook", "receiver"
	_, err := api.CreateChannel(t.Context(), client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": r.URL}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// receive accepts one message. It is delivered when it is answered. If the sender
// crashes before that, it sends the message again with the same id.
func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	var body client.Notification
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil || body.Incident == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	here := len(r.alerts)
	r.alerts = append(r.alerts, receivedAlert{
		incident: body.Incident.ID, event: body.Event, alert: body.AlertID, header: req.Header.Get("webhook-id"), url: body.URL,
	})
	answer := time.After(r.slow())
	if r.unansweredBase != "" && strings.HasPrefix(body.URL, r.unansweredBase+"/") {
		answer = nil
	}
	r.mu.Unlock()
	select {
	case <-answer:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.alerts[here].answered = true
	case <-req.Context().Done():
	case <-r.closed:
	}
}

// all returns the received messages.
func (r *receiver) all() []receivedAlert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.alerts)
}

// verify checks that the alerts of every incident were delivered in order, and that
// duplicates have the same id: a server that is killed while it sends an alert sends
// it again.
func (r *receiver) verify(t *testing.T, incidents []client.IncidentDetail, kills int) {
	t.Helper()
	arrived := map[string][]receivedAlert{}
	for _, n := range r.all() {
		if n.alert == "" || n.header != n.alert {
			t.Errorf("webhook-id is %q and alert_id %q", n.header, n.alert)
		}
		arrived[n.incident] = append(arrived[n.incident], n)
	}
	for _, i := range incidents {
		want := []string{"incident.opened"}
		if i.ResolvedAt != nil {
			want = append(want, "incident.resolved")
		}
		verifyAlerts(t, i.Number, arrived[i.ID], want, kills)
		delete(arrived, i.ID)
	}
	for id, notices := range arrived {
		t.Errorf("received %s of incident %s, which does not exist", notices[0].event, id)
	}
}

// verifyAlerts checks the received alerts of one incident.
func verifyAlerts(t *testing.T, number int64, arrived []receivedAlert, want []string, kills int) {
	t.Helper()
	var order []string
	ids, copies, answered := map[string]string{}, map[string]int{}, map[string]bool{}
	for _, n := range arrived {
		if copies[n.event]++; copies[n.event] == 1 {
			order, ids[n.event] = append(order, n.event), n.alert
		}
		if ids[n.event] != n.alert {
			t.Errorf("incident %d: %s arrived with the ids %s and %s", number, n.event, ids[n.event], n.alert)
		}
		if copies[n.event] > 1+kills {
			t.Errorf("incident %d: %s arrived %d times; the server was killed %d times", number, n.event, copies[n.event], kills)
		}
		answered[n.event] = answered[n.event] || n.answered
	}
	if !slices.Equal(order, want) {
		t.Errorf("incident %d: received %q; want %q", number, order, want)
	}
	for _, event := range order {
		if !answered[event] {
			t.Errorf("incident %d: %s was sent but never acknowledged", number, event)
		}
	}
}
