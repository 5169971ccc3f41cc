package api

import "strings"

// etag writes a version as an entity tag (RFC 9110, section 8.8.3).
func etag(version string) string { return `"` + version + `"` }

// versions are those that If-Match names, none for any. A weak tag matches nothing
// (RFC 9110, section 13.1.1).
func (i IfMatch) versions() []string {
	text := strings.TrimSpace(i.IfMatch)
	if text == "" || text == "*" {
		return nil
	}
	var all []string
	for tag := range strings.SplitSeq(text, ",") {
		tag = strings.TrimSpace(tag)
		if version := strings.Trim(tag, `"`); tag == etag(version) {
			all = append(all, version)
		}
	}
	if all == nil {
		return []string{"none"} // no version is called so
	}
	return all
}
