package schedule

import (
	"strconv"
	"strings"

	"overdue/internal/schedule/wallclock"
)

// Suggestion is a valid schedule with the meaning of a rejected expression.
type Suggestion struct {
	Kind    string // one of the kinds below
	Text    string // the schedule
	Zone    string // IANA name of the zone in the expression; "" if it has none
	Dialect string // program whose syntax was recognized, such as "Quartz"
	Note    string // what else to change, as a sentence; "" if nothing
}

// The kinds of a Suggestion, as in the API.
const (
	KindInterval   = "interval"
	KindCron       = "cron"
	KindOnCalendar = "oncalendar"
)

// dialect is the schedule syntax of another program. The table below is the rule by which
// expressions are recognized and translated. Each row describes the syntax in words, with its
// source.
type dialect struct {
	name            string // in [Suggestion.Dialect]
	title           string // of an expression, with an article
	phrase          string // the dialect as a clause
	layouts         []string
	sundayNumber    int    // number of Sunday in the day of week
	oneQuestionMark bool   // exactly one of the two day fields must be "?"
	rangesWrap      bool   // a range can wrap around, such as 22-4
	note            string // about every translation, as a sentence
	rule            string
	source          string
}

// A layout lists the fields in order: second, minute, hour, Day of month, Month, Weekday and year.
const (
	fiveFields   = "mhDMW"
	secondsFirst = "smhDMW"
	sevenFields  = "smhDMWy"
	yearLast     = "mhDMWy"
)

var (
	quartz = dialect{
		name: "Quartz", title: "a Quartz expression", phrase: "in Quartz", layouts: []string{secondsFirst, sevenFields}, sundayNumber: 1, oneQuestionMark: true, rangesWrap: true,
		rule: "Six fields beginning with the second, or seven ending with the year. Exactly one of day of month and day of week is “?”. " +
			"Sunday is 1 and Saturday 7. L, W, LW and # are supported; L alone in the day of week is Saturday. Ranges may wrap.",
		source: "Quartz 2.3 CronExpression, class documentation; not tried",
	}
	spring = dialect{
		name: "Spring", title: "a line with seconds first, as in Spring, robfig/cron and node-cron", phrase: "with seconds first, as in Spring, robfig/cron and node-cron", layouts: []string{secondsFirst}, sundayNumber: 0,
		rule: "Six fields beginning with the second. “?” is “*”. Monday is 1, Sunday 0 or 7. L, LW, W and # are supported. " +
			"robfig/cron with seconds, node-cron, cron-parser, croner and NCrontab number the days alike. " +
			"If both day fields are restricted, both must match in Spring and node-cron, one in robfig/cron, cron-parser and croner.",
		source: "Spring Framework 6 CronExpression.parse, Javadoc; NCrontab, README; robfig/cron 3.0.1, node-cron 4.6.0, cron-parser 5.10.6 and croner 11.0.1, tried",
	}
	cronexpr = dialect{
		name: "cronexpr", title: "a line with the year last, as in Nomad and supercronic", phrase: "with the year last, as in Nomad and supercronic", layouts: []string{yearLast, sevenFields}, sundayNumber: 0,
		rule:   "Six fields ending with the year, or seven with the second first. Sunday is 0 or 7. Nomad and supercronic use it.",
		source: "gorhill/cronexpr, README; hashicorp/cronexpr 1.1.3 and supercronic 0.2.48, tried",
	}
	eventBridge = dialect{
		name: "EventBridge", title: "an EventBridge expression", phrase: "in EventBridge", layouts: []string{yearLast}, sundayNumber: 1, oneQuestionMark: true,
		note: "Choose the time zone too: EventBridge rules run in UTC, schedules in the zone that they name.",
		rule: "cron(…) around six fields ending with the year. Exactly one of the day fields is “?”. Sunday is 1. " +
			"rate(value unit) is an interval, at(time) a single run. Rules run in UTC, schedules in a zone of their choice.",
		source: "Amazon EventBridge Scheduler user guide, “Schedule types”; not tried",
	}
	plainCron = dialect{
		name: "robfig/cron", title: "a line of robfig/cron", phrase: "in robfig/cron", layouts: []string{fiveFields}, sundayNumber: 0,
		rule: "Five fields in which “?” is “*”, and a step may follow a single number: 5/15 is 5-59/15. " +
			"TZ= or CRON_TZ= before the line names a zone. @every takes a duration.",
		source: "robfig/cron v3, doc.go; Kubernetes, “CronJob”, time zones",
	}
)

// layoutField returns the field for a letter of a layout.
func layoutField(letter byte) cronField {
	switch letter {
	case 'm':
		return minuteField
	case 'h':
		return hourField
	case 'D':
		return dayField
	case 'M':
		return monthField
	case 'W':
		return weekdayField
	}
	return cronField{name: "second", plural: "seconds", max: 59}
}

// meaning is an expression as one dialect interprets it.
type meaning struct {
	dialect         string
	title           string
	phrase          string
	kind            string
	text            string // "" if Overdue has no equivalent schedule
	noEquivalent    string // why text is empty, as a clause
	note            string
	sundayNumber    int
	numbersWeekdays bool // the day of week has numbers
}

// parse interprets an expression in the dialect. It returns false if the expression is not valid in
// it.
func (d dialect) parse(fields []string) (meaning, bool) {
	for _, layout := range d.layouts {
		if len(layout) == len(fields) {
			return d.parseLayout(layout, fields)
		}
	}
	return meaning{}, false
}

// parseLayout is parse for one layout.
func (d dialect) parseLayout(layout string, fields []string) (meaning, bool) {
	x := translation{dialect: d, cronFields: map[byte]string{}, sets: map[byte]wallclock.Bitset{}}
	for i := range layout {
		if !x.translateField(layout[i], fields[i]) {
			return meaning{}, false
		}
	}
	if d.oneQuestionMark && x.questionMarks != 1 {
		return meaning{}, false
	}
	r := meaning{dialect: d.name, title: d.title, phrase: d.phrase, kind: KindCron, noEquivalent: x.noCronEquivalent, note: d.note, sundayNumber: d.sundayNumber, numbersWeekdays: x.numbersWeekdays}
	switch {
	case x.cronFields['D'] != "*" && x.cronFields['W'] != "*":
		r.noEquivalent = "both day fields are restricted, and programs disagree whether one or both must match"
		return r, true
	case x.severalSeconds.Size() > 1:
		r = x.translateSubMinute(r)
	case x.second != 0 && r.noEquivalent == "":
		r.noEquivalent = "it runs at second " + strconv.Itoa(x.second) + ", and a cron line has no seconds"
	}
	if r.noEquivalent != "" {
		if text, ok := x.onCalendar(); ok {
			r.kind, r.text, r.noEquivalent = KindOnCalendar, text, ""
		}
		return r, true
	}
	if r.text != "" {
		return r, true // an interval
	}
	var line []string
	for i := range len(fiveFields) {
		line = append(line, x.cronFields[fiveFields[i]])
	}
	r.text = strings.Join(line, " ")
	if _, err := parseCron(r.text, "UTC"); err != nil {
		r.text, r.noEquivalent = "", "it never occurs"
	}
	return r, true
}
