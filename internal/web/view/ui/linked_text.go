package ui

import "strings"

// textPart is plain text or a link.
type textPart struct{ text, url string }

// linkedLines splits a text into lines, and each line into text and links.
func linkedLines(text string) [][]textPart {
	var lines [][]textPart
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n") {
		lines = append(lines, linkedParts(line))
	}
	return lines
}

// linkedParts finds the http and https URLs of a line. Punctuation at the end of a URL
// belongs to the sentence.
func linkedParts(line string) []textPart {
	var parts []textPart
	for line != "" {
		start := urlStart(line)
		if start < 0 {
			return append(parts, textPart{text: line})
		}
		end := start + len(line[start:])
		if space := strings.IndexAny(line[start:], " \t\u00a0<>\"“”«»"); space >= 0 {
			end = start + space
		}
		url := trimSentence(line[start:end])
		if start > 0 {
			parts = append(parts, textPart{text: line[:start]})
		}
		shown := strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://")
		if shown == "" || shown == url || isUserInfo(shown) {
			parts = append(parts, textPart{text: url})
		} else {
			parts = append(parts, textPart{text: shown, url: url})
		}
		line = line[start+len(url):]
	}
	return parts
}

// isUserInfo reports whether the text that follows the scheme names a user. The name
// could look like a host, so such a URL is not a link.
func isUserInfo(shown string) bool {
	authority, _, _ := strings.Cut(shown, "/")
	return strings.Contains(authority, "@")
}

// urlStart returns the position of the first URL of a line, or -1.
func urlStart(line string) int {
	first := -1
	for _, scheme := range []string{"https://", "http://"} {
		if i := strings.Index(line, scheme); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

// trimSentence removes punctuation from the end of a URL, and a closing bracket that
// the URL does not open.
func trimSentence(url string) string {
	for {
		cut := strings.TrimRight(url, ".,;:!?'")
		if strings.HasSuffix(cut, ")") && strings.Count(cut, "(") < strings.Count(cut, ")") {
			cut = strings.TrimSuffix(cut, ")")
		}
		if cut == url {
			return url
		}
		url = cut
	}
}
