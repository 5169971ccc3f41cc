package provider

import (
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"overdue/internal/notify/message"
)

// webAddress matches the addresses in texts of people. It ends at characters that have a meaning in a markup, so an
// address can stay as it is: chats detect addresses before emphasis.
var webAddress = regexp.MustCompile("https?://[^\\s<>\"'`*()\\[\\]|\\\\^{}~@$]+")

// outsideURLs returns an escape function that treats addresses in a text separately. An escaped address would not open.
func outsideURLs(escape, address func(string) string) func(string) string {
	return func(text string) string {
		var b strings.Builder
		last := 0
		for _, at := range webAddress.FindAllStringIndex(text, -1) {
			b.WriteString(escape(text[last:at[0]]))
			b.WriteString(address(text[at[0]:at[1]]))
			last = at[1]
		}
		b.WriteString(escape(text[last:]))
		return b.String()
	}
}

// asIs returns a text unchanged.
func asIs(text string) string { return text }

// inertMentions separates @ from the name after it with a zero width space, so that the name is not a mention.
var inertMentions = strings.NewReplacer("@", "@\u200b")

// lineStart matches characters that begin a heading or a list.
var lineStart = regexp.MustCompile(`(?m)^([ \t]*)([#+-])`)

// backslash returns an escape function of Markdown. It escapes the special characters, and mentions.
func backslash(special string) func(string) string {
	pairs := []string{"@", "@\u200b"}
	for _, r := range special {
		pairs = append(pairs, string(r), `\`+string(r))
	}
	replacer := strings.NewReplacer(pairs...)
	return func(text string) string {
		return lineStart.ReplaceAllString(replacer.Replace(text), `${1}\${2}`)
	}
}

// codeBlock returns the output of a job as a code block of Markdown.
func codeBlock(text string) string {
	return "```\n" + strings.NewReplacer("```", "`\u200b`\u200b`", "@", "@\u200b").Replace(text) + "\n```"
}

var (
	linkLabels = strings.NewReplacer("[", "(", "]", ")")
	linkURLs   = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "[", "%5B", "]", "%5D", "|", "%7C", `\`, "%5C", "`", "%60", "*", "%2A", " ", "%20")
)

// markdownLink returns a link of Markdown.
func markdownLink(label, url string) string {
	return "[" + linkLabels.Replace(label) + "](" + linkURLs.Replace(url) + ")"
}

// utf16Count is the size of a text in UTF-16 code units, in which services that are written in JavaScript count.
func utf16Count(text string) int { return len(utf16.Encode([]rune(text))) }

// escapeWithin returns a text that is cut before it is escaped, so that the escaped text fits.
func escapeWithin(escape func(string) string, text string, limit int, size func(string) int) string {
	for n := utf8.RuneCountInString(text); n > 1; n = n * 3 / 4 {
		if escaped := escape(message.Shorten(text, n)); size(escaped) <= limit {
			return escaped
		}
	}
	return "…"
}

// addQuery adds parameters to an address.
func addQuery(url, parameters string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameters
	}
	return url + "?" + parameters
}

// isQuiet reports whether a message needs no sound: it requires no action.
func isQuiet(n message.Notification, m message.Message) bool {
	return m.Tone == "up" || m.Tone == "quiet" || severity(n) == "info"
}
