package app

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLogger_DurationsHaveTheirUnitInEveryFormat(t *testing.T) {
	for _, format := range []string{"json", "text", "auto"} {
		var log bytes.Buffer
		Options{LogLevel: "info", LogFormat: format, Err: &log}.logger().Info("request", "took", 5500*time.Microsecond)
		if !strings.Contains(log.String(), "5.5ms") {
			t.Errorf("%s: %s", format, log.String())
		}
	}
}
