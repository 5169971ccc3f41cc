package notify

import "fmt"

// RecipientResult is the result of one attempt for one recipient.
type RecipientResult struct {
	Recipient string
	Err       *SendError // nil: they have the message
}

// Recipients returns the recipients of a channel that have separate results, or nil
// if the kind has one destination.
func Recipients(kind string, set Settings) []string {
	k, known := KindOf(kind)
	if !known || k.Recipients == nil {
		return nil
	}
	return k.Recipients(set)
}

// recipientsOf returns which recipients of the settings this attempt is for.
func (n Notification) recipientsOf(all []string) []string {
	if len(n.Recipients) > 0 {
		return n.Recipients
	}
	return all
}

// receipt returns the result of the offer for each recipient. A message that reached
// at least one of them is delivered, and the receipt names the others. Otherwise it
// is a refusal, which is final if it is final for all of them.
func (o *smtpAttempt) receipt() (Receipt, error) {
	var all []RecipientResult
	for _, address := range o.delivered {
		all = append(all, RecipientResult{Recipient: address})
	}
	for _, n := range o.deferred {
		all = append(all, RecipientResult{n.address, &SendError{Status: n.code, Reason: n.text}})
	}
	for _, n := range o.rejected {
		all = append(all, RecipientResult{n.address, &SendError{Status: n.code, Reason: n.text, Permanent: true}})
	}
	failed := append(append([]recipientFailure{}, o.deferred...), o.rejected...)
	switch {
	case len(o.delivered) == 0 && len(failed) > 0:
		return Receipt{}, &SendError{
			Status: failed[0].code, Reason: shorten(listFailures(failed), maxDetail), Permanent: len(o.deferred) == 0, Recipients: all,
		}
	case len(failed) > 0:
		detail := fmt.Sprintf("Sent to %d of %d; %s", len(o.delivered), len(all), listFailures(failed))
		return Receipt{Status: 250, Detail: shorten(detail, maxDetail), Recipients: all}, nil
	}
	return Receipt{Status: 250, Detail: o.lastReply, Recipients: all}, nil
}
