// Package pingid finds ids of heartbeats in text. An id gives the right to ping, so
// it is replaced in every text that is sent, or that is shown to people without that
// right: jobs print their own command line, and people paste addresses.
//
// An id is recognised in upper and lower case, with and without hyphens, with
// percent-encoded characters, in UTF-16, and with escape sequences of a terminal
// in between, which are taken out later and would otherwise put it together again.
package pingid
