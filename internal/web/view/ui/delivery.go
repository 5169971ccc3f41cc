package ui

import "time"

// Delivery is one alert to one channel.
type Delivery struct {
	Channel, Kind string
	Recipient     string // the only recipient of this alert; empty means the whole channel
	Message       string // "Down", "Reminder", "Recovered"
	State         string // pending, retrying, sent or failed
	Attempts      int
	Latency       time.Duration // of the last attempt; 0 if there was no answer
	Response      string        // "200 ok"
	Advice        string        // a sentence that says what to do
	NextAttempt   time.Time     // zero if there is no next attempt
	At            time.Time     // of the last attempt
}

func (d Delivery) latencyText() string {
	if d.Latency == 0 {
		return ""
	}
	return Latency(d.Latency)
}
