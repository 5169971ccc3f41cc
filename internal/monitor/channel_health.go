package monitor

import (
	"strconv"
	"strings"
	"time"
)

// Limits after which a channel is Failing and no longer Retrying.
const (
	// FailingAfter is the maximum time since the first failed attempt.
	FailingAfter = 5 * time.Minute
	// FailingAttempts is the number of failed attempts of one alert.
	FailingAttempts = 3
)

// ChannelState says whether a channel delivers alerts. The values are part of the API.
type ChannelState string

// The states of a channel.
const (
	ChannelStateUntested ChannelState = "untested" // nothing was ever sent
	ChannelStateWorking  ChannelState = "working"  // the last attempt succeeded
	ChannelStateRetrying ChannelState = "retrying" // the last attempt failed, a short time ago
	ChannelStateFailing  ChannelState = "failing"  // alerts are not delivered
)

// DeliveryResult is the result of one attempt, for one recipient or for the whole
// channel.
type DeliveryResult struct {
	Recipient  string // "" if the channel has one destination, or if the result is the same for all
	Delivered  bool
	Permanent  bool // a retry cannot help
	StatusCode int  // of the provider's response, 0 if none exists
	Reason     string
}

// ChannelFailure is why a channel, or one recipient of it, does not receive alerts.
type ChannelFailure struct {
	Channel     string
	Recipient   string    // "" for the whole channel
	Since       time.Time // of the first failed attempt after the last success
	LastFailed  time.Time // of the last failed attempt
	Attempts    int       // the highest number of failed attempts of one alert
	Failing     bool
	StatusCode  int
	Reason      string
	NotifiedAt  time.Time // when the other channels were notified, zero if not yet
	LoggedAt    time.Time // when it was last logged, zero if not yet
	RecoveredAt time.Time // zero while it fails
}

// String returns who does not receive alerts and why, such as "ann@example.com: 550 5.1.1 no such
// user".
func (f ChannelFailure) String() string {
	text := f.Reason
	if f.StatusCode != 0 {
		text = strings.TrimSpace(strconv.Itoa(f.StatusCode) + " " + text)
	}
	if text == "" {
		text = "no response recorded"
	}
	if f.Recipient == "" {
		return text
	}
	return f.Recipient + ": " + text
}

// IsFailing reports whether the state is failing, not retrying. pending says whether an alert waits
// for its next attempt. A failed test alert is not retried, so time alone does not make the state
// failing.
func (f ChannelFailure) IsFailing(pending bool, now time.Time) bool {
	return f.Failing || f.Attempts >= FailingAttempts || pending && now.Sub(f.Since) >= FailingAfter
}

// ChannelHealth is the state of a channel, with the failures behind it.
type ChannelHealth struct {
	State       ChannelState
	Failures    []ChannelFailure // of the channel and its recipients
	Pending     int              // alerts that are not delivered yet, except future reminders
	NextAttempt time.Time        // zero if none is scheduled
}

// EvaluateHealth returns the health of a channel as of now. pending is the number of alerts that
// are not delivered yet, and next is the time of the next attempt.
func (c Channel) EvaluateHealth(failures []ChannelFailure, pending int, next, now time.Time) ChannelHealth {
	h := ChannelHealth{State: ChannelStateUntested, Failures: failures, Pending: pending, NextAttempt: next}
	if !c.LastDelivery.IsZero() {
		h.State = ChannelStateWorking
	}
	for _, f := range failures {
		if h.State != ChannelStateFailing {
			h.State = ChannelStateRetrying
		}
		if f.IsFailing(pending > 0, now) {
			h.State = ChannelStateFailing
		}
	}
	return h
}

// Reason returns why the channel does not deliver, or "" if it does.
func (h ChannelHealth) Reason() string {
	var all []string
	for _, f := range h.Failures {
		all = append(all, f.String())
	}
	return strings.Join(all, "; ")
}

// FailingFor returns the recipients that do not receive alerts while others do, or nil if the whole
// channel fails.
func (h ChannelHealth) FailingFor() []string {
	var names []string
	for _, f := range h.Failures {
		if f.Recipient == "" {
			return nil
		}
		names = append(names, f.Recipient)
	}
	return names
}
