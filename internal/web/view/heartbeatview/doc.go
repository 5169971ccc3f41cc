// Package heartbeatview renders the list of heartbeats, the page of one
// heartbeat, and the form with its preview.
package heartbeatview
