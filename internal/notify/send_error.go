package notify

import (
	"fmt"
	"time"

	"overdue/internal/notify/setting"
)

// Receipt is the response of a provider that accepted the message.
type Receipt struct {
	// Status is the status code of the provider: HTTP, or SMTP for email.
	Status int
	// Detail is the start of its response, in one line without secrets.
	Detail string
	// Recipients are the results per recipient, nil for a kind without recipients.
	Recipients []RecipientResult
	// Thread identifies the message at the service: later notifications about the same
	// incident have it in their Thread.
	Thread string
	// Settings are members of the settings that the service changed, such as the new id
	// of a chat. The channel must be updated.
	Settings setting.Values
}

// SendError describes why a message was not delivered. It is the only error of Send.
type SendError struct {
	// Status is the status code of the provider, 0 if there was no response.
	Status int
	// Reason is the start of the response or, without one, a sentence that
	// explains the error. It contains no secrets.
	Reason string
	// Permanent means that a retry cannot succeed until a person changes something.
	Permanent bool
	// RetryAfter is the minimum delay before the next attempt that the provider
	// asked for, at most a day. 0: none.
	RetryAfter time.Duration
	// Uncertain means that the message may have been delivered: the connection
	// ended after the message and before the response.
	Uncertain bool
	// Recipients are the results per recipient, nil if the error concerns the
	// whole channel.
	Recipients []RecipientResult

	// cause is set if the context of the caller ended, to distinguish a stop
	// from an error of the provider.
	cause error
}

// Error returns the error in one line.
func (r *SendError) Error() string {
	switch {
	case r.Status == 0:
		return "not delivered: " + r.Reason
	case r.Reason == "":
		return fmt.Sprintf("rejected with status %d", r.Status)
	}
	return fmt.Sprintf("rejected with status %d: %s", r.Status, r.Reason)
}

// Unwrap returns the error of the caller's context, if it ended the attempt.
func (r *SendError) Unwrap() error { return r.cause }
