package notify

import "fmt"

// RecipientResult is the result of one attempt for one recipient.
type RecipientResult struct {
	Recipient string
	Refusal   *Refusal // nil: they have the message
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

// attempted returns which recipients of the settings this attempt is for.
func (n News) attempted(all []string) []string {
	if len(n.Recipients) > 0 {
		return n.Recipients
	}
	return all
}

// result returns the result of the offer for each recipient. A message that reached
// at least one of them is delivered, and the receipt names the others. Otherwise it
// is a refusal, which is final if it is final for all of them.
func (o *offer) result() (Receipt, error) {
	var all []RecipientResult
	for _, address := range o.took {
		all = append(all, RecipientResult{Recipient: address})
	}
	for _, n := range o.later {
		all = append(all, RecipientResult{n.address, &Refusal{Status: n.code, Body: n.text}})
	}
	for _, n := range o.never {
		all = append(all, RecipientResult{n.address, &Refusal{Status: n.code, Body: n.text, Final: true}})
	}
	failed := append(append([]no{}, o.later...), o.never...)
	switch {
	case len(o.took) == 0 && len(failed) > 0:
		return Receipt{}, &Refusal{
			Status: failed[0].code, Body: shorten(list(failed), mostDetail), Final: len(o.later) == 0, Recipients: all,
		}
	case len(failed) > 0:
		detail := fmt.Sprintf("Sent to %d of %d; %s", len(o.took), len(all), list(failed))
		return Receipt{Status: 250, Detail: shorten(detail, mostDetail), Recipients: all}, nil
	}
	return Receipt{Status: 250, Detail: o.answer, Recipients: all}, nil
}
