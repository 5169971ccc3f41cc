package client

import (
	"fmt"
	"net/url"
	"strings"
)

// PingURL returns the ping URL of a target, which is a ping URL or the id of a heartbeat on
// the server at base.
func PingURL(base, target string) (string, error) {
	if strings.Contains(target, "://") {
		u, err := url.Parse(target)
		if err != nil {
			return "", fmt.Errorf("ping URL: %w", err)
		}
		return target, checkBase(u.Scheme + "://" + u.Host)
	}
	if !isUUID(target) {
		return "", fmt.Errorf("%q is neither a ping URL nor the id of a heartbeat: copy the ping URL from the heartbeat's page", target)
	}
	if err := checkBase(base); err != nil {
		return "", err
	}
	return strings.TrimRight(base, "/") + apiPath + "/hb/" + target, nil
}

// isUUID checks only the form; the server knows which ids exist.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || (!dash && !strings.ContainsRune("0123456789abcdefABCDEF", r)) {
			return false
		}
	}
	return true
}
