package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Age is how long something is kept; 0 means forever.
type Age time.Duration

// Limits of an age that is not 0. The largest one fits a time.Duration.
const (
	minAge = 24 * time.Hour
	maxAge = 36500 * 24 * time.Hour
)

// ageUnits are the units of an age.
var ageUnits = []struct {
	suffix string
	size   time.Duration
}{{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"h", time.Hour}}

// UnmarshalText parses "90d", "12w", "36h", or "forever", which is also "0".
func (a *Age) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSpace(string(text)))
	if s == "forever" || s == "0" {
		*a = 0
		return nil
	}
	for _, unit := range ageUnits {
		number, found := strings.CutSuffix(s, unit.suffix)
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
		if !found || err != nil {
			continue
		}
		if n > uint64(maxAge/unit.size) {
			return fmt.Errorf("%q: must be at most 36500d, or forever", text)
		}
		if *a = Age(time.Duration(n) * unit.size); time.Duration(*a) < minAge {
			return fmt.Errorf("%q: must be at least 1d, or forever", text)
		}
		return nil
	}
	return fmt.Errorf("%q: must be a number of days such as 90d, or forever", text)
}
