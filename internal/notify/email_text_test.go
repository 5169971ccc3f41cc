package notify

import (
	"strings"
	"testing"
	"time"

	"overdue/internal/notify/message/messagetest"

	"github.com/google/go-cmp/cmp"
)

func TestText_IsWrappedExceptForLinksAndOutput(t *testing.T) {
	n := messagetest.Missed()
	n.Heartbeat, n.Channel = strings.Repeat("name ", 19)+"name", strings.Repeat("channel ", 10)
	n.Explanation = "The last ping came at 03:00:04; 1h interval and 1h grace period end at 05:00:04, and no ping had come in by then at all."
	n.Description = strings.Repeat("do this ", 30) + "\n  indented command"
	n.Output = strings.Repeat("x", 500)
	text := (emailText{n.Message()}).Text()
	for line := range strings.SplitSeq(text, "\n") {
		if len([]rune(line)) > 72 && !strings.Contains(line, "://") && !strings.HasPrefix(line, "| ") {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for _, want := range []string{
		"\nWhy:           The last ping came at 03:00:04; 1h interval and 1h grace\n               period end at 05:00:04, and no ping had come in by then\n               at all.\n",
		"\n    indented command\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
}

func TestMessage_OmitsADetectionWithoutDelay(t *testing.T) {
	n := messagetest.Missed()
	n.DownFor = 400 * time.Millisecond
	if text := (emailText{n.Message()}).Text(); strings.Contains(text, "Down for") {
		t.Errorf("an opened incident says how long it took to notice it:\n%s", text)
	}
	n.DownFor = 20 * time.Minute
	if text := (emailText{n.Message()}).Text(); !strings.Contains(text, "Down for:      20m") {
		t.Errorf("the text lacks the delay:\n%s", text)
	}
}

func TestSplitLinks_FindsLinksWithoutThePunctuationAroundThem(t *testing.T) {
	for line, want := range map[string][]textPart{
		"See https://a.example/x.":        {{Text: "See "}, {"https://a.example/x", "https://a.example/x"}, {Text: "."}},
		"(https://a.example/x)":           {{Text: "("}, {"https://a.example/x", "https://a.example/x"}, {Text: ")"}},
		"https://a.example/x_(y)":         {{"https://a.example/x_(y)", "https://a.example/x_(y)"}},
		"javascript:alert(1) ftp://x ":    {{Text: "javascript:alert(1) ftp://x "}},
		`<a href="https://a.example/x">b`: {{Text: `<a href="`}, {"https://a.example/x", "https://a.example/x"}, {Text: `">b`}},
		"":                                nil,
	} {
		if diff := cmp.Diff(want, splitLinks(line)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}
