package web

import "strings"

// browsers and systems are what is looked for in a user agent, in order: what
// pretends to be another stands before it.
var (
	browserTokens = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systemTokens = [][2]string{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"CrOS", "ChromeOS"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	}
)

// BrowserName names a browser for people, as it calls itself: "Firefox on Linux".
// It may lie, so nothing depends on it.
func BrowserName(agent string) string {
	name, system := firstMatch(browserTokens, agent), firstMatch(systemTokens, agent)
	switch {
	case name != "" && system != "":
		return name + " on " + system
	case name != "":
		return name
	case system != "":
		return "A browser on " + system
	}
	return "Unknown browser"
}

// firstMatch returns the name of the first mark that a text has.
func firstMatch(marks [][2]string, text string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return ""
}
