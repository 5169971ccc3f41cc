package web

import (
	"fmt"
	"net/http"

	"overdue/internal/httpd"
)

// How many pages may be live at a time on one node. A page that finds no place
// works as before, without updates, and tries again.
const (
	maxLivePages           = 1000 // of everybody
	maxLivePagesPerPerson  = 20
	maxLivePagesPerAddress = 50
)

// limitError is the error of a page above a limit, in words for people.
func limitError(text string) *httpd.Problem {
	return httpd.NewProblem(http.StatusServiceUnavailable, text).RetryAfter(keepAliveInterval)
}

// makeRoom ensures that there is a place for one more live page. A person with few
// pages may displace a page of a person with more, so that nobody can use up the
// places of others.
func (f *Feed) makeRoom(by Subscriber) error {
	mine, here := 0, 0
	for e := range f.subscriptions[everySubscription] {
		if e.Person == by.Person {
			mine++
		}
		if e.Address == by.Address {
			here++
		}
	}
	if mine >= maxLivePagesPerPerson {
		return limitError(fmt.Sprintf("You have %d live pages open, the maximum. This page shows no updates until you close another and reload it.", mine))
	}
	if here >= maxLivePagesPerAddress && by.Address != "" && !f.evict(mine, func(e *subscription) bool { return e.Address == by.Address }) {
		return limitError(fmt.Sprintf("There are %d live pages open at your address, the maximum. This page shows no updates until one is closed and you reload it.", here))
	}
	limit := f.MaxLivePages
	if limit == 0 {
		limit = maxLivePages
	}
	if total := len(f.subscriptions[everySubscription]); total >= limit && !f.evict(mine, func(*subscription) bool { return true }) {
		return limitError(fmt.Sprintf("This server has %d live pages open, the maximum. This page shows no updates until one is closed and you reload it.", total))
	}
	return nil
}

// evict ends the oldest live page of the person who has most among those
// asked about, if that is still more than one who has mine will have.
func (f *Feed) evict(mine int, among func(*subscription) bool) bool {
	counts := map[string]int{}
	for e := range f.subscriptions[everySubscription] {
		counts[e.Person]++
	}
	var victim *subscription
	for e := range f.subscriptions[everySubscription] {
		if !among(e) || counts[e.Person] <= mine+1 {
			continue
		}
		if victim == nil || counts[e.Person] > counts[victim.Person] ||
			counts[e.Person] == counts[victim.Person] && e.started.Before(victim.started) {
			victim = e
		}
	}
	if victim == nil {
		return false
	}
	f.remove(victim)
	close(victim.done)
	return true
}

// subscriber is whose live page a visit opens. The address is empty where the
// limit per address does not apply: on this machine, from where everybody seems
// to come if a proxy on it is not trusted.
func (v *request) subscriber() Subscriber {
	by, network := Subscriber{Person: v.person.ID}, httpd.NetworkOf(v.clientAddress())
	if network.IsValid() && !network.Addr().IsLoopback() {
		by.Address = network.String()
	}
	return by
}
