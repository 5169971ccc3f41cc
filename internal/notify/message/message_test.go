package message_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"overdue/client"
	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
)

func TestMessage_EveryEventHasItsText(t *testing.T) {
	three := 3
	tests := []struct {
		name          string
		change        func(*message.Notification)
		subject, lead string
	}{
		{
			"opened", func(*message.Notification) {}, "[Down] Nightly backup: no ping since 03:00 UTC",
			"Nightly backup is Down: no ping since 03:00 UTC. It was due at 04:00:04, with a grace period of 1h.",
		},
		{
			"never pinged", func(n *message.Notification) { n.LastPing = time.Time{} }, "[Down] Nightly backup: no first ping by 04:00 UTC",
			"Nightly backup is Down: no first ping by 04:00 UTC. It was due at 04:00:04, with a grace period of 1h.",
		},
		{
			"never pinged, without a schedule of its own yet", func(n *message.Notification) { n.LastPing, n.Due = time.Time{}, time.Time{} },
			"[Down] Nightly backup: no first ping by 05:00 UTC", "Nightly backup is Down: no first ping by 05:00 UTC.",
		},
		{
			"failed", func(n *message.Notification) { n.Cause, n.ExitCode = "failure", &three },
			"[Down] Nightly backup: the job failed with exit code 3", "Nightly backup is Down: the job failed with exit code 3.",
		},
		{
			"failed without a code", func(n *message.Notification) { n.Cause = "failure" },
			"[Down] Nightly backup: the job reported a failure", "Nightly backup is Down: the job reported a failure.",
		},
		{
			"overran", func(n *message.Notification) { n.Cause, n.MaxRunTime = "overran", 90*time.Minute },
			"[Down] Nightly backup: the job ran longer than 1h 30m", "Nightly backup is Down: the job ran longer than 1h 30m.",
		},
		{
			"too short", func(n *message.Notification) { n.Cause = "too_short" },
			"[Down] Nightly backup: the job finished too soon after its start", "Nightly backup is Down: the job finished too soon after its start.",
		},
		{
			"not started", func(n *message.Notification) { n.Cause = "not_started" },
			"[Down] Nightly backup: the job had not started in time",
			"Nightly backup is Down: the job had not started in time. It was due at 04:00:04.",
		},
		{
			"another day and year", func(n *message.Notification) {
				n.LastPing, n.Due = time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC), n.At.Add(-24*time.Hour)
			},
			"[Down] Nightly backup: no ping since Wed 31 Dec 2025 23:59 UTC",
			"Nightly backup is Down: no ping since Wed 31 Dec 2025 23:59 UTC. It was due at Tue 13 Oct 05:00:04, with a grace period of 1h.",
		},
		{
			"another zone", func(n *message.Notification) { n.Zone = time.FixedZone("Test/Zone", 2*3600) }, "[Down] Nightly backup: no ping since 05:00 Test/Zone",
			"Nightly backup is Down: no ping since 05:00 Test/Zone. It was due at 06:00:04, with a grace period of 1h.",
		},
		{
			"reminder", func(n *message.Notification) { n.Event, n.DownFor = message.EventReminder, 125*time.Minute }, "[Still down] Nightly backup: for 2h 5m",
			"Nightly backup is still Down, for 2h 5m now: no ping since 03:00 UTC.",
		},
		{
			"acknowledged", func(n *message.Notification) { n.Event, n.AcknowledgedBy = message.EventAcknowledged, "Mara" }, "[Acknowledged] Nightly backup: by Mara",
			"Mara acknowledged the incident. Nightly backup is still Down: no ping since 03:00 UTC.",
		},
		{
			"acknowledged by a link", func(n *message.Notification) { n.Event = message.EventAcknowledged }, "[Acknowledged] Nightly backup: through the link of an alert",
			"The incident was acknowledged through the link of an alert. Nightly backup is still Down: no ping since 03:00 UTC.",
		},
		{
			"recovered", func(n *message.Notification) {
				n.Event, n.DownFor, n.Resolution = message.EventResolved, 22*time.Minute, "recovered"
			},
			"[Up] Nightly backup: recovered after 22m",
			"Nightly backup is Up again. It was Down for 22m, since 05:00 UTC. Cause: Missed ping.",
		},
		{
			"edited", func(n *message.Notification) {
				n.Event, n.DownFor, n.Resolution = message.EventResolved, time.Minute, "edited"
			},
			"[Resolved] Nightly backup: its settings were edited",
			"Nightly backup is no longer Down: its settings were edited, and the new settings would not have opened the incident." +
				" It was Down for 1m, since 05:00 UTC. Cause: Missed ping.",
		},
		{
			"paused", func(n *message.Notification) {
				n.Event, n.DownFor, n.Resolution = message.EventResolved, time.Minute, "paused"
			},
			"[Resolved] Nightly backup: paused",
			"Nightly backup was paused. It was Down for 1m, since 05:00 UTC. Cause: Missed ping.",
		},
		{
			"deleted", func(n *message.Notification) { n.Event, n.Resolution = message.EventResolved, "deleted" },
			"[Resolved] Nightly backup: deleted",
			"Nightly backup was deleted. It was Down for less than 1s, since 05:00 UTC. Cause: Missed ping.",
		},
		{
			"late", func(n *message.Notification) { n.Event, n.Deadline = message.EventLate, n.At.Add(time.Hour) }, "[Late] Nightly backup: no ping since 03:00 UTC",
			"Nightly backup is Late: no ping since 03:00 UTC. Without a ping, an incident opens at 06:00:04.",
		},
		{
			"channel failing", func(n *message.Notification) {
				n.Event, n.Failing = message.EventChannelFailing, &message.FailingChannel{Channel: "Old hook", Reason: "404 gone."}
			},
			"[Channel failing] Old hook: alerts are not delivered",
			"Alerts are not being delivered through the channel Old hook. Last error: 404 gone.",
		},
		{
			"channel failing for one recipient", func(n *message.Notification) {
				n.Event, n.Failing = message.EventChannelFailing, &message.FailingChannel{Channel: "Mail", Recipient: "ann@example.com", Reason: "451 full"}
			},
			"[Channel failing] Mail for ann@example.com: alerts are not delivered",
			"Alerts are not being delivered through the channel Mail for ann@example.com. Last error: 451 full.",
		},
		{
			"channel recovered", func(n *message.Notification) {
				n.Event, n.Failing = message.EventChannelRecovered, &message.FailingChannel{Channel: "Old hook", Since: n.At.Add(-time.Hour)}
			},
			"[Channel recovered] Old hook: alerts are delivered again",
			"Alerts are delivered again through the channel Old hook. It had been failing since 04:00:04.",
		},
		{
			"blackout", func(n *message.Notification) {
				n.Event, n.Blackout = message.EventBlackout, unknownRuns(n.At.Add(-20*time.Minute), n.At, "A", "B")
			},
			"[Not watching] Overdue was not watching from 04:40 to 05:00 UTC",
			"Overdue was not watching from 04:40:04 to 05:00:04 UTC (20m). Stopped and started again. These heartbeats were due in that time and cannot be evaluated: A, B.",
		},
		{
			"blackout without harm", func(n *message.Notification) {
				n.Event, n.Blackout = message.EventBlackout, unknownRuns(n.At.Add(-time.Hour), n.At)
			},
			"[Not watching] Overdue was not watching from 04:00 to 05:00 UTC",
			"Overdue was not watching from 04:00:04 to 05:00:04 UTC (1h). Stopped and started again. No heartbeat was due in that time.",
		},
		{
			"test", func(n *message.Notification) { n.Event, n.Heartbeat = message.EventTest, "" }, "[Test] alerts of Production are delivered here",
			"This is a test alert for the channel Ops mail. Alerts of Production will look like this.",
		},
		{
			"an event of the future", func(n *message.Notification) { n.Event = "heartbeat.sings" },
			"[Notification] Nightly backup: heartbeat.sings", "Nightly backup heartbeat.sings.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := messagetest.Missed()
			test.change(&n)
			m := n.Message()
			if m.Subject != test.subject {
				t.Errorf("subject %q\n   want %q", m.Subject, test.subject)
			}
			if m.Lead != test.lead {
				t.Errorf("lead %q\nwant %q", m.Lead, test.lead)
			}
			if m.Tone == "" || m.Footer == "" {
				t.Errorf("message %+v misses its tone or footer", m)
			}
		})
	}
}

func TestMessage_ExplainsInTheZoneOfTheOtherTimes(t *testing.T) {
	n := messagetest.Missed()
	n.Zone = time.FixedZone("UTC+2", 2*60*60)
	n.Explanation = "last ping 2026-10-14 03:00:04 UTC + interval 1 h = due 2026-10-14 04:00:04 UTC; no ping arrived."
	want := message.Fact{"Why", "last ping Wed 14 Oct 05:00:04 + interval 1 h = due Wed 14 Oct 06:00:04; no ping arrived."}
	if facts := n.Message().Facts; !slices.Contains(facts, want) {
		t.Errorf("facts %v do not contain %v", facts, want)
	}
}

func TestMessage_ListsTheKnownFacts(t *testing.T) {
	want := []message.Fact{
		{"Heartbeat", "Nightly backup"},
		{"Project", "Production"},
		{"Incident", "#482"},
		{"Cause", "Missed ping"},
		{"Down since", "Wed 14 Oct 05:00:04"},
		{"Last ping", "Wed 14 Oct 03:00:04"},
		{"Expected", "every 1 h"},
		{"Due", "Wed 14 Oct 04:00:04"},
		{"Grace period", "1h"},
		{"Why", "03:00:04 + 1h + 1h of grace = 05:00:04."},
		{"Times in", "UTC"},
	}
	if diff := cmp.Diff(want, messagetest.Missed().Message().Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if got := (message.Notification{Event: message.EventTest}).Message().Facts; got != nil {
		t.Errorf("facts of nothing: %v", got)
	}
}

func TestMessage_OffersToAcknowledgeOnlyOpenIncidents(t *testing.T) {
	n := messagetest.Missed()
	want := []message.Link{{"Open incident #482", n.URL}, {"Acknowledge", n.AckURL}}
	if diff := cmp.Diff(want, n.Message().Links); diff != "" {
		t.Errorf("links when opened (-want +got):\n%s", diff)
	}
	n.Event = message.EventResolved
	m := n.Message()
	if diff := cmp.Diff(want[:1], m.Links); diff != "" || m.Output != "" {
		t.Errorf("tail %q and links when resolved (-want +got):\n%s", m.Output, diff)
	}
}

// unknownRuns returns a blackout in which a run of each heartbeat was due. It is evaluated again an hour later.
func unknownRuns(from, to time.Time, names ...string) *client.BlackoutDetail {
	b := &client.BlackoutDetail{Blackout: client.Blackout{Number: 14, From: from, To: to, Cause: "stop", Detail: new("Stopped and started again."), Unknown: len(names)}}
	for _, name := range names {
		b.Heartbeats = append(b.Heartbeats, client.BlackoutEffect{HeartbeatRef: "r", HeartbeatName: name, Effect: "unknown", NextAt: new(to.Add(time.Hour))})
	}
	return b
}

func TestMessage_ABlackoutSaysWhenEachHeartbeatIsJudgedAgain(t *testing.T) {
	n := messagetest.Missed()
	n = message.Notification{Event: message.EventBlackout, At: n.At, Project: "Production", Zone: n.Zone, Blackout: unknownRuns(n.At.Add(-time.Hour), n.At, "A", "B", "C")}
	n.Blackout.Heartbeats[1].NextAt = new(n.At.Add(24 * time.Hour))
	n.Blackout.Moved = 2
	n.Blackout.Heartbeats = append(n.Blackout.Heartbeats, client.BlackoutEffect{HeartbeatName: "moved", Effect: "moved"})
	want := []message.Fact{
		{"Project", "Production"},
		{"Evaluated again", "A, C from Wed 14 Oct 06:00:04; B from Thu 15 Oct 05:00:04"},
		{"Moved", "2 deadlines, by 1h"},
		{"Times in", "UTC"},
	}
	if diff := cmp.Diff(want, n.Message().Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	body := n.Body()
	if body.Blackout == nil || body.Blackout.Number != 14 || len(body.Blackout.Heartbeats) != 4 {
		t.Errorf("body of the webhook: %+v", body.Blackout)
	}
	n.Blackout = unknownRuns(n.At.Add(-time.Hour), n.At, "A")
	if lead := n.Message().Lead; !strings.Contains(lead, "This heartbeat was due in that time and cannot be evaluated: A.") {
		t.Error(lead)
	}
}

func TestMessage_ABlackoutNamesALimitedNumber(t *testing.T) {
	n := message.Notification{Event: message.EventBlackout, Blackout: unknownRuns(time.Time{}, time.Time{}, slices.Repeat([]string{strings.Repeat("x", 500)}, 100)...)}
	n.Blackout.Unknown = 300
	lead := n.Message().Lead
	if !strings.Contains(lead, " and 280 more.") || len(lead) > 5000 {
		t.Errorf("lead of %d bytes: …%s", len(lead), lead[len(lead)-40:])
	}
}

func TestOutputTail_KeepsTheEndInWholeLines(t *testing.T) {
	long := strings.Repeat("first line\n", 400) + "\x1b[31mred\x1b[0m\r\nlast\x00 line\n\n"
	got := message.OutputTail(long)
	if len(got) > message.MaxOutput || !strings.HasPrefix(got, "first line\n") || !strings.HasSuffix(got, "\nred\nlast line") {
		t.Errorf("%d bytes: %.20q…%q", len(got), got, got[len(got)-30:])
	}
	if got := message.OutputTail(strings.Repeat("å", 3000) + "x"); len(got) > message.MaxOutput || !strings.HasPrefix(got, "…å") {
		t.Errorf("one long line begins %.10q", got)
	}
}

func TestMessage_AnyTextIsCleanAndLimited(t *testing.T) {
	events := []string{
		message.EventOpened, message.EventReminder, message.EventAcknowledged, message.EventResolved, message.EventLate, message.EventChannelFailing, message.EventChannelRecovered, message.EventBlackout, message.EventTest, "x\ny",
	}
	rapid.Check(t, func(t *rapid.T) {
		hostile := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"a\r\nBcc: x@example.com", "\u202eexe", "line\u2028line", "\xff\xfe", strings.Repeat("long ", 1000), "",
		}))
		n := messagetest.Missed()
		n.Event = rapid.SampledFrom(events).Draw(t, "event")
		n.Heartbeat, n.Project, n.Channel = hostile.Draw(t, "heartbeat"), hostile.Draw(t, "project"), hostile.Draw(t, "channel")
		n.AcknowledgedBy, n.Explanation, n.Schedule, n.Output = hostile.Draw(t, "by"), hostile.Draw(t, "sum"), hostile.Draw(t, "schedule"), hostile.Draw(t, "tail")
		n.URL = hostile.Draw(t, "url")
		n.Failing = &message.FailingChannel{Channel: hostile.Draw(t, "failing"), Recipient: hostile.Draw(t, "recipient"), Reason: hostile.Draw(t, "detail")}
		n.Blackout = unknownRuns(n.At.Add(-time.Hour), n.At, hostile.Draw(t, "unjudged"))
		n.Blackout.Detail = new(hostile.Draw(t, "why not watched"))
		m := n.Message()
		texts := []string{m.Subject, m.Lead, m.Footer}
		for _, f := range m.Facts {
			texts = append(texts, f.Label, f.Value)
		}
		for _, l := range m.Links {
			texts = append(texts, l.Label, l.URL)
		}
		for _, text := range texts {
			if strings.ContainsAny(text, "\x00\x1b\x7f\u0085\r\n\u2028\u202e\u2066") || strings.ToValidUTF8(text, "") != text {
				t.Fatalf("%q is not one clean line", text)
			}
		}
		if n := len([]rune(m.Subject)); n > message.MaxLineLength {
			t.Fatalf("subject of %d characters", n)
		}
		if len(m.Output) > message.MaxOutput {
			t.Fatalf("tail of %d bytes", len(m.Output))
		}
	})
}

func TestFormatDuration_UsesTwoUnitsRoundedDown(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "less than 1s", 999 * time.Millisecond: "less than 1s", 41900 * time.Millisecond: "41s", 7 * time.Minute: "7m",
		17519 * time.Second: "4h 51m", 24 * time.Hour: "1d", 51*time.Hour + 59*time.Minute: "2d 3h", 24*time.Hour + 5*time.Minute: "1d",
		61 * time.Second: "1m 1s",
	} {
		if got := message.FormatDuration(d); got != want {
			t.Errorf("%v is %q; want %q", d, got, want)
		}
	}
}

func TestOutputTail_RemovesTerminalSequences(t *testing.T) {
	for raw, want := range map[string]string{
		"\x1b]0;backup running\x07copied":                    "copied",
		"\x1b]8;;https://example.com\x1b\\log\x1b]8;;\x1b\\": "log",
		"\x1b]0;never ended\ncopied":                         "\ncopied",
		"\x1bP1$r0m\x1b\\copied":                             "copied",
		"\x1b(B\x1b[mcopied\x1b[38:2:1:2:3m.":                "copied.",
		"]0;typed by the job":                                "]0;typed by the job",
	} {
		if got := message.OutputTail(raw); got != want {
			t.Errorf("%q: %q; want %q", raw, got, want)
		}
	}
}

func TestMessage_ALongNameLeavesRoomForTheCauseInTheSubject(t *testing.T) {
	n := messagetest.Missed()
	n.Heartbeat = "Nightly backup of the shop database and of all that belongs to it"
	m := n.Message()
	if want := "[Down] Nightly backup of the shop database and of all …: no ping since 03:00 UTC"; m.Subject != want {
		t.Errorf("subject %q\n   want %q", m.Subject, want)
	}
	if !strings.HasPrefix(m.Lead, n.Heartbeat+" is Down") {
		t.Errorf("lead %q; want the whole name", m.Lead)
	}
}
