//go:build !linux

package httpd

import (
	"net/http"
	"time"
)

// Waited returns how long ago the last data of a request's connection arrived.
// Only Linux tells.
func Waited(*http.Request) (waited time.Duration, known bool) { return 0, false }
