package channelview

import "overdue/internal/web/view/ui"

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
	if d.State == "sent" {
		return "Test alert delivered"
	}
	return "Test alert not delivered"
}

// testAnswerTook returns how long the test took, or "".
func testAnswerTook(d ui.Delivery) string {
	if d.Latency == 0 {
		return ""
	}
	return "in " + ui.Latency(d.Latency)
}
