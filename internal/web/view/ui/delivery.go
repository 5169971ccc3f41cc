package ui

import "time"

// Delivery is one alert to one channel.
type Delivery struct {
	Channel, Kind string
	Recipient     string // the only one that it is for; empty for all others of the channel
	Message       string // "Down", "Reminder", "Recovered"
	State         string // pending, retrying, sent or failed
	Attempts      int
	Latency       time.Duration // of the last attempt; 0 when it never answered
	Response      string        // "200 ok"
	Advice        string        // what to do about it, a sentence
	NextAttempt   time.Time     // zero when there is no next attempt
	At            time.Time     // of the last attempt
}

func (d Delivery) latencyText() string {
	if d.Latency == 0 {
		return ""
	}
	return Latency(d.Latency)
}
