package channelview

import (
	"strings"

	"overdue/internal/web/view/ui"
)

// TestAnswerID is the id of the result of a test on the form. The browser scrolls to
// it.
const TestAnswerID = "test-answer"

// RowID returns the id of the row of a channel.
func RowID(id string) string { return "channel-" + id }

// TestedChannel is the channel that was just tested from the list.
type TestedChannel struct {
	ID     string
	Answer ui.Delivery
}

// testAnswerTitle returns the result of a test in words.
func testAnswerTitle(d ui.Delivery) string {
	title := ui.If(d.State == "sent", "Test alert delivered", "Test alert not delivered")
	if d.Latency != 0 {
		title += " in " + ui.Latency(d.Latency)
	}
	return title
}

// isSentence reports whether a response is an explanation and not the words of the service.
func isSentence(text string) bool {
	return strings.HasSuffix(text, ".") && strings.Contains(text, " ") && strings.ToUpper(text[:1]) == text[:1]
}
