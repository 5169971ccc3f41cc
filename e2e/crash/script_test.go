package crash_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// script is one job whose pings come one after the other, each sent again
// until it is acknowledged. So the order of what is stored is known.
type script struct {
	id   string
	wire *wire
	book *book
	r    *rand.Rand
}

// say repeats a ping until it is acknowledged or ctx ends. On a busy machine a start
// takes seconds: the pause between the attempts keeps their number below mostPings.
func (s *script) say(ctx context.Context, signal string) bool {
	for {
		if s.book.send(s.wire, s.id, http.MethodPost, signal, "").ok() {
			return true
		}
		if !rest(ctx, 100*time.Millisecond) {
			return false
		}
	}
}

// fail reports failures and recoveries alternately until more ends, and then a last
// failure if endsDown is set. It returns the number of acknowledged failures.
func (s *script) fail(ctx, more context.Context, endsDown bool) (failures int) {
	defer s.wire.close()
	for more.Err() == nil {
		if !s.say(ctx, "/fail") {
			return failures
		}
		failures++
		rest(more, between(s.r, 0, 600*time.Millisecond))
		if !s.say(ctx, "") {
			return failures
		}
		rest(more, between(s.r, 0, 600*time.Millisecond))
	}
	if endsDown && s.say(ctx, "/fail") {
		failures++
	}
	return failures
}

// silence pings often for a while and then not at all for longer than the
// interval and grace of a second each, in turn until more ends. It ends with a
// ping, and silence after it.
func (s *script) silence(ctx, more context.Context) {
	defer s.wire.close()
	for more.Err() == nil {
		for range 2 + s.r.IntN(8) {
			if !s.say(ctx, "") {
				return
			}
			rest(more, 200*time.Millisecond)
		}
		rest(more, between(s.r, 2200*time.Millisecond, 3500*time.Millisecond))
	}
	s.say(ctx, "")
}
