package heartbeatview

import (
	"strings"
	"testing"
	"time"
)

func TestDurationSparkline_EndsAtTheNewestRun(t *testing.T) {
	s := DurationSparkline{10 * time.Second, 20 * time.Second}
	if got := s.points(); got != "64.5,9.0 69.0,3.0" {
		t.Errorf("points are %q", got)
	}
	if x, y := s.end(); x != "69.0" || y != "3.0" {
		t.Errorf("the newest lies at %s,%s", x, y)
	}
	if long := make(DurationSparkline, 40); len(strings.Fields(long.points())) != sparkPoints || !strings.HasPrefix(long.points(), "1.0,15.0") {
		t.Errorf("a long curve is %q", long.points())
	}
}
