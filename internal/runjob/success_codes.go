package runjob

import (
	"fmt"
	"strconv"
	"strings"
)

// SuccessCodes are the exit codes that count as a success. The zero value contains only
// 0.
type SuccessCodes struct {
	text  string
	codes map[int]bool
}

// ParseSuccessCodes parses a list of exit codes and ranges, such as "0,1,10-12".
func ParseSuccessCodes(text string) (SuccessCodes, error) {
	s := SuccessCodes{text: text, codes: map[int]bool{}}
	if text == "" {
		return SuccessCodes{}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		first, err := parseExitCode(low)
		if err != nil {
			return SuccessCodes{}, fmt.Errorf("--success-codes %q: %w", text, err)
		}
		last, err := parseExitCode(high)
		if err != nil {
			return SuccessCodes{}, fmt.Errorf("--success-codes %q: %w", text, err)
		}
		if last < first {
			return SuccessCodes{}, fmt.Errorf("--success-codes %q: the range %d-%d must begin with the smaller number", text, first, last)
		}
		for code := first; code <= last; code++ {
			s.codes[code] = true
		}
	}
	return s, nil
}

func parseExitCode(text string) (int, error) {
	code, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is not an exit code: write numbers from 0 to 255, separated by commas", text)
	}
	return int(code), nil
}

// override reports whether an exit code means something else than to the server, and
// returns a line that says so.
func (s SuccessCodes) override(code int) (success bool, line string, overruled bool) {
	if s.codes == nil || s.codes[code] == (code == 0) {
		return code == 0, "", false
	}
	if s.codes[code] {
		return true, fmt.Sprintf("overdue run: exit code %d counts as a success (--success-codes %s)\n", code, s.text), true
	}
	return false, fmt.Sprintf("overdue run: exit code %d counts as a failure (--success-codes %s)\n", code, s.text), true
}
