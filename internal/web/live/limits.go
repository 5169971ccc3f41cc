package live

import (
	"fmt"
	"net/http"

	"overdue/internal/httpd"
)

// The maximum number of live pages on one node. A page above a limit works without
// updates, and its script connects again later.
const (
	MaxPages           = 1000
	MaxPagesPerPerson  = 20
	MaxPagesPerAddress = 50
)

// limitError returns the error of a page above a limit. The text is for people.
func limitError(text string) *httpd.Problem {
	return httpd.NewProblem(http.StatusServiceUnavailable, text).RetryAfter(keepAliveInterval)
}

// makeRoom makes room for one more live page. A person with few pages may evict a
// page of a person with more, so no one can use up the pages of others.
func (f *Feed) makeRoom(by Subscriber) error {
	ofPerson, ofAddress := 0, 0
	for s := range f.subscriptions {
		if s.Person == by.Person {
			ofPerson++
		}
		if s.Address == by.Address {
			ofAddress++
		}
	}
	if ofPerson >= MaxPagesPerPerson {
		return limitError(fmt.Sprintf("You have %d live pages open, the maximum. This page shows no updates until you close another and reload it.", ofPerson))
	}
	sameAddress := func(s *subscription) bool { return s.Address == by.Address }
	if by.Address != "" && ofAddress >= MaxPagesPerAddress && !f.evict(ofPerson, sameAddress) {
		return limitError(fmt.Sprintf("There are %d live pages open at your address, the maximum. This page shows no updates until one is closed and you reload it.", ofAddress))
	}
	limit := f.MaxPages
	if limit == 0 {
		limit = MaxPages
	}
	if total := len(f.subscriptions); total >= limit && !f.evict(ofPerson, func(*subscription) bool { return true }) {
		return limitError(fmt.Sprintf("This server has %d live pages open, the maximum. This page shows no updates until one is closed and you reload it.", total))
	}
	return nil
}

// evict ends the oldest live page of the person with the most pages, among the
// pages that match, and reports whether it ended one. ofPerson is the number of
// pages of the person who opens a new one: afterwards, the other person must still
// have more pages than this person.
func (f *Feed) evict(ofPerson int, match func(*subscription) bool) bool {
	counts := map[string]int{}
	for s := range f.subscriptions {
		counts[s.Person]++
	}
	var victim *subscription
	for s := range f.subscriptions {
		if !match(s) || counts[s.Person] <= ofPerson+1 {
			continue
		}
		if victim == nil || counts[s.Person] > counts[victim.Person] ||
			counts[s.Person] == counts[victim.Person] && s.started.Before(victim.started) {
			victim = s
		}
	}
	if victim == nil {
		return false
	}
	f.remove(victim)
	close(victim.done)
	return true
}
