package notify

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// enhancedCode matches the enhanced status code at the start of a reply (RFC 3463).
var enhancedCode = regexp.MustCompile(`^([245])\.(\d{1,3}\.\d{1,3})\b`)

// badMailbox are the enhanced codes, without their class, that are about the
// mailbox and nothing else (RFC 3463, section 3.2, and RFC 7505): it does not exist,
// its domain does not exist, its address is wrong, it has moved, its domain takes no
// mail.
var badMailbox = []string{"1.1", "1.2", "1.3", "1.6", "1.10"}

// notAboutMailbox matches replies without an enhanced code that are about the sender
// or temporary, not about whether the mailbox exists, such as "550 relay not
// permitted" of Exim.
var notAboutMailbox = regexp.MustCompile(`(?i)relay|\bauth|helo|ehlo|sender|client|reverse|blocked|listed?\b|blacklist|blocklist|` +
	`denied|permitted|policy|spam|\btls\b|\bspf\b|\bdkim\b|\bdmarc\b|too many|quota|\bfull\b`)

// isPermanentReply reports whether a reply says that this recipient can never receive the
// message. The command that it answers does not decide: servers reject a greeting or
// a sender only at the first recipient. Everything that an operator of either side
// can correct is retried.
func isPermanentReply(code int, text string) bool {
	if m := enhancedCode.FindStringSubmatch(text); m != nil {
		return code >= 500 && m[1] == "5" && slices.Contains(badMailbox, m[2])
	}
	// 551 names another address, 553 says that this one is not allowed.
	return slices.Contains([]int{550, 551, 553}, code) && !notAboutMailbox.MatchString(text)
}

// sessionEnds reports whether a reply announces that the server hangs up (RFC 5321,
// section 3.8).
func sessionEnds(code int) bool { return code == 421 }

// sizeLimit reads the parameter of the SIZE extension (RFC 1870); 0 is no limit.
func sizeLimit(parameter string) int64 {
	limit, err := strconv.ParseInt(strings.TrimSpace(parameter), 10, 64)
	if err != nil {
		return 0
	}
	return limit
}
