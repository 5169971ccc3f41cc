//go:build !linux

package httpd

import (
	"net/http"
	"time"
)

// DataAge returns how long ago the last data on a request's connection arrived.
// Only Linux reports it.
func DataAge(*http.Request) (waited time.Duration, known bool) { return 0, false }
