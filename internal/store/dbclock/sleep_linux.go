package dbclock

import (
	"time"

	"golang.org/x/sys/unix"
)

// timeAsleep returns how long the machine has slept since it started: CLOCK_BOOTTIME
// includes sleep, and CLOCK_MONOTONIC does not (clock_gettime(2)).
func timeAsleep() time.Duration {
	var boot, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - awake.Nano())
}
