// Package pingid finds heartbeat ids in text. An id gives the right to ping, so it is replaced in
// every text that is sent, or shown to people without that right: jobs print their own command
// line, and people paste ping URLs.
//
// It recognizes an id in upper and lower case, with and without hyphens, with percent-encoded
// characters, in UTF-16, and with terminal escape sequences between its digits, which are removed
// later and would otherwise reveal the id.
package pingid
