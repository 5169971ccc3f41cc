package listindex

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// separator ends each text, and separates its parts. No text that people search for
// contains it.
const separator = "\x00"

// setTexts stores what a search matches, in lower case: name, slug and description.
//
// If a field or tag contains the id of the heartbeat, a second part has the same without
// the id, and a further part has each tag without it: readers who must not see
// ids search in these parts.
func (c *chunk) setTexts(i int, r Row) {
	name := strings.ToLower(r.Name)
	c.nameLen[i] = uint16(min(len(name), 1<<16-1))
	text := strings.Join([]string{name, strings.ToLower(r.Slug), strings.ToLower(r.Description)}, " ")
	c.flags[i] &^= ownIDFlag
	if containsOwnID(r, text) {
		c.flags[i] |= ownIDFlag
		text += separator + withoutID(text, r.ID)
		for _, tag := range r.Tags {
			text += separator + withoutID(strings.ToLower(tag), r.ID)
		}
	}
	c.replaceText(i, []byte(text+separator))
}

// containsOwnID reports whether the texts or tags of a heartbeat contain its id.
func containsOwnID(r Row, text string) bool {
	bare := strings.ReplaceAll(r.ID, "-", "")
	if strings.Contains(text, r.ID) || strings.Contains(text, bare) {
		return true
	}
	for _, tag := range r.Tags {
		if tag = strings.ToLower(tag); strings.Contains(tag, r.ID) || strings.Contains(tag, bare) {
			return true
		}
	}
	return false
}

// withoutID removes an id from a text, with and without hyphens.
func withoutID(text, id string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, id, ""), strings.ReplaceAll(id, "-", ""), "")
}

// textStart returns where the text of a row begins.
func (c *chunk) textStart(i int) uint32 {
	if i == 0 {
		return 0
	}
	return c.textEnd[i-1]
}

// text returns the text of a row, without the separator at its end.
func (c *chunk) text(i int) []byte { return c.texts[c.textStart(i) : c.textEnd[i]-1] }

// name returns the name of a row in lower case.
func (c *chunk) name(i int) []byte {
	start := c.textStart(i)
	return c.texts[start : start+uint32(c.nameLen[i])]
}

// replaceText replaces the text of a row.
func (c *chunk) replaceText(i int, text []byte) {
	start, end := int(c.textStart(i)), int(c.textEnd[i])
	if i == c.n-1 {
		c.texts = append(c.texts[:start], text...)
	} else {
		replaced := make([]byte, 0, len(c.texts)-(end-start)+len(text))
		c.texts = append(append(append(replaced, c.texts[:start]...), text...), c.texts[end:]...)
	}
	grown := uint32(start + len(text) - end)
	for n := i; n < c.n; n++ {
		c.textEnd[n] += grown
	}
}

// visibleText returns the part of the text of a row that a reader can find. tags are the
// searched tags if the tags of the row contain its id.
func (c *chunk) visibleText(i int, ids bool) (text []byte, tags []byte) {
	text = c.text(i)
	if c.flags[i]&ownIDFlag == 0 {
		return text, nil
	}
	full, rest, _ := bytes.Cut(text, []byte(separator))
	if ids {
		return full, nil
	}
	text, tags, _ = bytes.Cut(rest, []byte(separator))
	return text, tags
}

// markMatches sets the marks of the rows whose text contains q, which is in lower case and
// not empty. It skips rows whose texts contain their own id.
func (c *chunk) markMatches(q []byte, marks *[chunkSize]bool) {
	clear(marks[:c.n])
	for at, i := 0, 0; ; {
		next := bytes.Index(c.texts[at:], q)
		if next < 0 {
			return
		}
		at += next
		for int(c.textEnd[i]) <= at {
			i++
		}
		marks[i] = c.flags[i]&ownIDFlag == 0
		if at = int(c.textEnd[i]); i == c.n-1 {
			return
		}
	}
}

// firstDigits returns the number that the first eight hexadecimal digits of an id represent, or 0
// if it begins with something else.
func firstDigits(id string) uint32 {
	var digits [4]byte
	if len(id) < 8 {
		return 0
	}
	if _, err := hex.Decode(digits[:], []byte(id[:8])); err != nil {
		return 0
	}
	return uint32(digits[0])<<24 | uint32(digits[1])<<16 | uint32(digits[2])<<8 | uint32(digits[3])
}
