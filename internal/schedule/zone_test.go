package schedule

import (
	"errors"
	"testing"
	"time"
)

func TestCanonicalZone(t *testing.T) {
	for name, want := range map[string]string{
		"": "UTC", "UTC": "UTC", "Etc/UTC": "UTC", "Zulu": "UTC", "Europe/Berlin": "Europe/Berlin", " Europe/Berlin ": "Europe/Berlin",
		"US/Eastern": "America/New_York", "Asia/Calcutta": "Asia/Kolkata", "Europe/Kiev": "Europe/Kyiv",
		"Europe/Oslo": "Europe/Oslo", "Etc/GMT+5": "Etc/GMT+5", "America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires",
	} {
		if got, err := CanonicalZone(name); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %s", name, got, err, want)
		}
	}
}

func TestCanonicalZone_ProblemsSayWhatToWrite(t *testing.T) {
	const other = " is not a time zone name: write a name such as Europe/Berlin, America/New_York or UTC"
	for name, want := range map[string]string{
		"europe/isle of man":  "“europe/isle of man” is not a time zone name: write Europe/Isle_of_Man",
		"us/eastern":          "“us/eastern” is not a time zone name: write America/New_York",
		"utc":                 "“utc” is not a time zone name: write UTC",
		"CEST":                "“CEST” is not a time zone name: write a name such as Europe/Berlin",
		"+02:00":              "“+02:00” is an offset, not a time zone: write a name such as Europe/Berlin",
		"Local":               "“Local”" + other,
		"localtime":           "“localtime”" + other,
		"posix/Europe/Berlin": "“posix/Europe/Berlin”" + other,
		"right/Europe/Berlin": "“right/Europe/Berlin”" + other,
		"../../etc/passwd":    "“../../etc/passwd”" + other,
		"Europe":              "“Europe”" + other,
		"Mars/Olympus_Mons":   "“Mars/Olympus_Mons”" + other,
	} {
		got, err := CanonicalZone(name)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Message != want {
			t.Errorf("%q:\n got %q, %v\nwant %s", name, got, err, want)
		}
	}
}

func TestCanonicalZone_EveryAliasKeepsTheSameTime(t *testing.T) {
	for old, today := range zoneAliases {
		if zoneAliases[today] != "" {
			t.Errorf("%s leads to %s, which is an alias itself", old, today)
		}
		a, b := location(t, old), location(t, today)
		for at := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2030; at = at.Add(29 * 24 * time.Hour) {
			_, x := at.In(a).Zone()
			if _, y := at.In(b).Zone(); x != y {
				t.Errorf("%s is not %s at %s", old, today, at)
				break
			}
		}
	}
	for _, zone := range zoneAbbreviations {
		if !isZone(zone) {
			t.Errorf("%s is suggested but not known", zone)
		}
	}
}
