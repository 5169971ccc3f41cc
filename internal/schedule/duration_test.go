package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"24h": day, "90m": 90 * time.Minute, "1d 12h": 36 * time.Hour, "1w": 7 * day, "10 min": 10 * time.Minute,
		"1h30m": 90 * time.Minute, "45": 45 * time.Second, "PT5M": 5 * time.Minute, "P1DT2H": 26 * time.Hour,
		"P2W": 14 * day, "pt0.5h": 30 * time.Minute, "1.5 hours": 90 * time.Minute, "0": 0, "366 d": 366 * day,
		"1 hour and 30 minutes": 90 * time.Minute, "1 day, 2 hours": 26 * time.Hour, " 5 MIN ": 5 * time.Minute,
		"1500 ms 500 s": 0, "30 sec": 30 * time.Second, "1\u00a0h 30\u00a0min": 90 * time.Minute, "2000ms": 2 * time.Second,
		"0.1 h": 6 * time.Minute, "30m 1h": 90 * time.Minute,
	} {
		got, err := ParseDuration(text)
		if want == 0 && text != "0" {
			if err == nil {
				t.Errorf("%s: got %s, want a problem", text, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestParseDuration_ProblemsSayWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "the duration is empty: write for example 24h or 15 min",
		"-5m":                    "“-5m” is negative: write a duration without a sign, such as 15 min",
		"367d":                   "“367d” is too long: the maximum is 366 d",
		"366d 1s":                "“366d 1s” is too long: the maximum is 366 d",
		"99999999999999999999":   "“99999999999999999999” is too long: the maximum is 366 d",
		"281474976710656w":       "“281474976710656w” is too long: the maximum is 366 d", // a multiple of 2^64 ns
		"2 months":               "“2 months” has months or years, which have no fixed length: write days, such as 30 d",
		"P1Y":                    "“P1Y” has months or years, which have no fixed length: write days, such as 30 d",
		"P5":                     "“P5” ends in a number without a unit: write s, min, h, d or w after it",
		"PT":                     "“PT” is not an ISO 8601 duration: write for example PT5M or P1DT2H",
		"P1H":                    "“P1H” is not an ISO 8601 duration: write for example PT5M or P1DT2H",
		"1:30":                   "“1:30” looks like a time of day: write a duration such as 1 h 30 min",
		"1,5h":                   "“1,5h” has a decimal comma: write a point, such as 1.5 h",
		"1h30":                   "“1h30” ends in a number without a unit: write s, min, h, d or w after it",
		"5 x":                    "“x” in “5 x” is not a unit: write s, min, h, d or w, such as 15 min",
		"1h 1h":                  "“1h 1h” has the same unit twice: write each unit once, such as 1 h 30 min",
		"1..5h":                  "“1..5” in “1..5h” is not a number: write for example 15 min or 1.5 h",
		"500ms":                  "“500ms” is not a whole number of seconds: write for example 1 s",
		"0.0000000001s":          "“0.0000000001s” is not a whole number of seconds: write for example 1 s",
		"daily":                  "“daily” is not a duration: write for example 24h, 15 min or 1d 12h",
		strings.Repeat("1", 101): "“" + strings.Repeat("1", 40) + "…” is too long to be a duration: write for example 24h or 15 min",
	} {
		_, err := ParseDuration(text)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Message != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", time.Second: "1 s", 45 * time.Second: "45 s", 90 * time.Second: "1 min 30 s", 15 * time.Minute: "15 min",
		24 * time.Hour: "24 h", 36 * time.Hour: "36 h", 48 * time.Hour: "2 d", 60 * time.Hour: "2 d 12 h",
		1500 * time.Millisecond: "1.5 s", -time.Minute: "−1 min", 366 * 24 * time.Hour: "366 d", -1 << 63: "−106751 d 23 h 47 min 16.854775807 s",
	} {
		if got := strings.ReplaceAll(FormatDuration(d), noBreakSpace, " "); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

func TestFormatDuration_IsParsedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(0, int64(maxDuration/time.Second)).Draw(t, "seconds")) * time.Second
		if got, err := ParseDuration(FormatDuration(want)); err != nil || got != want {
			t.Fatalf("%s: got %s, %v", FormatDuration(want), got, err)
		}
	})
}

func TestDurationsWithoutUnit_ListsWhatABareNumberCanMean(t *testing.T) {
	for text, want := range map[string][]string{
		"24": {"24h", "24m", "24s", "24d"}, " 07 ": {"7h", "7m", "7s", "7d"}, "3600": {"3600h", "3600m", "3600s"}, "86400": {"86400m", "86400s"},
		"0": nil, "00": nil, "": nil, "24h": nil, "1.5": nil, "-5": nil, "99999999999": nil, "９": nil,
	} {
		got, bare := DurationsWithoutUnit(text)
		if diff := cmp.Diff(want, got); diff != "" || bare != (want != nil) {
			t.Errorf("%q: %v %v; want %v", text, got, bare, want)
		}
	}
	if got := JoinAlternatives([]string{"24h", "24m", "24d"}); got != "24h, 24m (minutes) or 24d" {
		t.Error(got)
	}
}
