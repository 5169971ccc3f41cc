package message_test

import (
	"strings"
	"testing"

	"overdue/internal/notify/message"
)

func TestHeaderToken_IsSafeInEveryHeader(t *testing.T) {
	got := message.HeaderToken("a\r\nB: é>" + strings.Repeat("x", 500))
	if len(got) != message.MaxTokenLength || !strings.HasPrefix(got, "a--B----x") {
		t.Errorf("token %q of %d bytes", got, len(got))
	}
}
