package schedule

import (
	"strings"
	"time"
)

// CanonicalZone returns the current tz database name of a time zone: "US/Eastern" is
// "America/New_York", "" is "UTC". The error is a [*Problem].
//
// Zones are loaded with [time.LoadLocation]. A program that must not depend on the files of its
// machine imports time/tzdata.
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

// currentZoneName returns the current name of a zone.
func currentZoneName(name string) string {
	if today, ok := zoneAliases[name]; ok {
		return today
	}
	return name
}

// loadLocation returns the location of a zone that CanonicalZone accepted.
func loadLocation(zone string) (*time.Location, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, unknownZoneProblem(zone)
	}
	return loc, nil
}

// isZone reports whether name is a zone. "Local" is the zone of the machine, not of a schedule. The
// other rejected names are files next to the zone files.
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

// zoneLetters ensures that a path such as "../x" is never looked up as a file.
const zoneLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-"

// zoneAbbreviations maps common abbreviations to a zone that the user probably means. None is
// accepted as a zone: IST alone is used for three zones.
var zoneAbbreviations = map[string]string{
	"AEDT": "Australia/Sydney", "AEST": "Australia/Sydney", "BRT": "America/Sao_Paulo",
	"BST": "Europe/London", "CDT": "America/Chicago", "CEST": "Europe/Berlin",
	"CST": "America/Chicago", "EDT": "America/New_York", "EEST": "Europe/Helsinki",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "MDT": "America/Denver",
	"MSK": "Europe/Moscow", "NZDT": "Pacific/Auckland", "NZST": "Pacific/Auckland",
	"PDT": "America/Los_Angeles", "PST": "America/Los_Angeles", "SGT": "Asia/Singapore",
	"WEST": "Europe/Lisbon", "Z": "UTC",
}

// unknownZoneProblem describes which zone the user probably means, the most likely one first.
func unknownZoneProblem(name string) error {
	if zone, ok := zoneAbbreviations[strings.ToUpper(name)]; ok {
		return problemf("%s is not a time zone name: write a name such as %s", quote(name), zone)
	}
	if zone := fixZoneCase(name); isZone(zone) {
		return problemf("%s is not a time zone name: write %s", quote(name), currentZoneName(zone))
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return problemf("%s is an offset, not a time zone: write a name such as Europe/Berlin", quote(name))
	}
	return problemf("%s is not a time zone name: write a name such as Europe/Berlin, America/New_York or UTC", quote(name))
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
