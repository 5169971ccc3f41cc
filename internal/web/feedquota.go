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

// noPlace is the error of a page above a limit, in words for people.
func noPlace(text string) *httpd.Problem {
	return httpd.NewProblem(http.StatusServiceUnavailable, text).RetryAfter(breathEvery)
}

// makePlace ensures that there is a place for one more live page. A person with few
// pages may displace a page of a person with more, so that nobody can use up the
// places of others.
func (f *Feed) makePlace(by owner) error {
	mine, here := 0, 0
	for e := range f.ears[allKeys] {
		if e.person == by.person {
			mine++
		}
		if e.address == by.address {
			here++
		}
	}
	if mine >= maxLivePagesPerPerson {
		return noPlace(fmt.Sprintf("You have %d live pages open, the maximum. This page shows no updates until you close another and reload it.", mine))
	}
	if here >= maxLivePagesPerAddress && by.address != "" && !f.displace(mine, func(e *ear) bool { return e.address == by.address }) {
		return noPlace(fmt.Sprintf("There are %d live pages open at your address, the maximum. This page shows no updates until one is closed and you reload it.", here))
	}
	limit := f.MaxLivePages
	if limit == 0 {
		limit = maxLivePages
	}
	if total := len(f.ears[allKeys]); total >= limit && !f.displace(mine, func(*ear) bool { return true }) {
		return noPlace(fmt.Sprintf("This server has %d live pages open, the maximum. This page shows no updates until one is closed and you reload it.", total))
	}
	return nil
}

// displace ends the oldest live page of the person who has most among those
// asked about, if that is still more than one who has mine will have.
func (f *Feed) displace(mine int, among func(*ear) bool) bool {
	counts := map[string]int{}
	for e := range f.ears[allKeys] {
		counts[e.person]++
	}
	var victim *ear
	for e := range f.ears[allKeys] {
		if !among(e) || counts[e.person] <= mine+1 {
			continue
		}
		if victim == nil || counts[e.person] > counts[victim.person] ||
			counts[e.person] == counts[victim.person] && e.began.Before(victim.began) {
			victim = e
		}
	}
	if victim == nil {
		return false
	}
	f.remove(victim)
	close(victim.end)
	return true
}

// liveOwner is whose live page a visit opens. The address is empty where the
// limit per address does not apply: on this machine, from where everybody seems
// to come if a proxy on it is not trusted.
func (v *visit) liveOwner() owner {
	by, network := owner{person: v.who.ID}, httpd.NetworkOf(v.source())
	if network.IsValid() && !network.Addr().IsLoopback() {
		by.address = network.String()
	}
	return by
}
