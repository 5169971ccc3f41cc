package present

import (
	"testing"

	"overdue/internal/monitor"
)

func TestPingFlagTexts_CoverEveryFlag(t *testing.T) {
	for i, name := range monitor.PingFlagNames {
		if texts := PingFlagTexts(1 << i); len(texts) != 1 || texts[0] == "" {
			t.Errorf("%s is shown as %q", name, texts)
		}
	}
}
