package schedule

import (
	"strings"
	"time"
)

// CanonicalZone returns the name the tz database uses today for a time zone: "US/Eastern"
// is "America/New_York", "" is "UTC". The error is a [*Problem] that says what to write.
//
// Zones are looked up as [time.LoadLocation] does; a program that must not depend
// on the files of its machine imports time/tzdata.
func CanonicalZone(name string) (canonical string, err error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "UTC", nil
	}
	if isZone(name) {
		return currentZoneName(name), nil
	}
	return "", unknownZoneProblem(name)
}

// currentZoneName returns the name of today.
func currentZoneName(name string) string {
	if today, ok := zoneAliases[name]; ok {
		return today
	}
	return name
}

// loadLocation returns the location of a zone that Zone let pass.
func loadLocation(zone string) (*time.Location, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, unknownZoneProblem(zone)
	}
	return loc, nil
}

// isZone reports whether name is a zone. "Local" is the zone of the machine, which
// is nobody's schedule; the other names that are refused are files beside the zones.
func isZone(name string) bool {
	if len(name) > 40 || strings.Trim(name, zoneLetters) != "" {
		return false
	}
	switch first, _, _ := strings.Cut(name, "/"); first {
	case "Local", "localtime", "posixrules", "posix", "right", "Factory":
		return false
	}
	_, err := time.LoadLocation(currentZoneName(name))
	return err == nil
}

// zoneLetters keeps paths such as "../x" from ever being looked up as files.
const zoneLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-"

// zoneAbbreviations are what people write for a zone, and a zone they may mean.
// None is accepted: IST alone stands for three.
var zoneAbbreviations = map[string]string{
	"AEDT": "Australia/Sydney", "AEST": "Australia/Sydney", "BRT": "America/Sao_Paulo",
	"BST": "Europe/London", "CDT": "America/Chicago", "CEST": "Europe/Berlin",
	"CST": "America/Chicago", "EDT": "America/New_York", "EEST": "Europe/Helsinki",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "MDT": "America/Denver",
	"MSK": "Europe/Moscow", "NZDT": "Pacific/Auckland", "NZST": "Pacific/Auckland",
	"PDT": "America/Los_Angeles", "PST": "America/Los_Angeles", "SGT": "Asia/Singapore",
	"WEST": "Europe/Lisbon", "Z": "UTC",
}

// unknownZoneProblem says what may have been meant, from the likeliest to the least.
func unknownZoneProblem(name string) error {
	if zone, ok := zoneAbbreviations[strings.ToUpper(name)]; ok {
		return problemf("%s is not the name of a time zone: write a place, such as %s", quote(name), zone)
	}
	if zone := fixZoneCase(name); isZone(zone) {
		return problemf("%s is not the name of a time zone: write %s", quote(name), currentZoneName(zone))
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return problemf("%s is an offset, not a time zone: write a place, such as Europe/Berlin", quote(name))
	}
	return problemf("%s is not the name of a time zone: write one such as Europe/Berlin, America/New_York or UTC", quote(name))
}

// fixZoneCase turns "europe/isle of man" into "Europe/Isle_of_Man".
func fixZoneCase(name string) string {
	if upper := strings.ToUpper(name); len(name) <= 3 {
		return upper
	}
	b := []byte(strings.ReplaceAll(strings.ToLower(name), " ", "_"))
	start := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && !strings.ContainsRune("/_-", rune(b[i])) {
			continue
		}
		switch word := string(b[start:i]); {
		case word == "", word == "of", word == "es", word == "au":
		case len(word) == 2: // US
			copy(b[start:], strings.ToUpper(word))
		default:
			b[start] = strings.ToUpper(word[:1])[0]
		}
		start = i + 1
	}
	return string(b)
}
