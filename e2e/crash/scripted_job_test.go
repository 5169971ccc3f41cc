package crash_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// scriptedJob is a job that sends one ping after another, each until it is
// acknowledged. So the order of the stored pings is known.
type scriptedJob struct {
	id       string
	conn     *pingConn
	recorder *pingRecorder
	r        *rand.Rand
}

// sendUntilAcknowledged repeats a ping until it is acknowledged or ctx ends. On a busy
// machine a start of the server takes seconds: the pause between the attempts keeps
// their number below maxPingsPerHeartbeat.
func (s *scriptedJob) sendUntilAcknowledged(ctx context.Context, signal string) bool {
	for {
		if s.recorder.send(s.conn, s.id, http.MethodPost, signal, "").ok() {
			return true
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return false
		}
	}
}

// alternateFailures reports failures and recoveries alternately until more ends, and
// then a last failure if endsDown is set. It returns the number of acknowledged
// failures.
func (s *scriptedJob) alternateFailures(ctx, more context.Context, endsDown bool) (failures int) {
	defer s.conn.close()
	for more.Err() == nil {
		if !s.sendUntilAcknowledged(ctx, "/fail") {
			return failures
		}
		failures++
		sleep(more, randomDuration(s.r, 0, 600*time.Millisecond))
		if !s.sendUntilAcknowledged(ctx, "") {
			return failures
		}
		sleep(more, randomDuration(s.r, 0, 600*time.Millisecond))
	}
	if endsDown && s.sendUntilAcknowledged(ctx, "/fail") {
		failures++
	}
	return failures
}

// alternateSilence alternates until more ends between frequent pings and a pause that
// is longer than the interval and the grace period, which are one second each. It ends
// with a ping.
func (s *scriptedJob) alternateSilence(ctx, more context.Context) {
	defer s.conn.close()
	for more.Err() == nil {
		for range 2 + s.r.IntN(8) {
			if !s.sendUntilAcknowledged(ctx, "") {
				return
			}
			sleep(more, 200*time.Millisecond)
		}
		sleep(more, randomDuration(s.r, 2200*time.Millisecond, 3500*time.Millisecond))
	}
	s.sendUntilAcknowledged(ctx, "")
}
