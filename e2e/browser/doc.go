// Package browser drives the real binary with a real browser, Chromium, as a person
// does: it reads, clicks and types, and checks the accessibility tree.
//
// Only these tests check pages as a browser shows them. They see only pages:
// the data of a journey is created with the command line and the API.
//
//	journey ── tab (own cookies) ── Chromium, one for the package ──▶ overdue serve, one for each journey
//
// A journey consists of steps. Each step is a subtest that is named after its promise.
// Every journey also fails on any fault that its tab reports: a violation of the
// content security policy, a console error, an uncaught exception, a request that
// fails or gets an unexpected error status, and a last page that is wider than a
// narrow screen.
//
// No journey waits for a fixed time. Every step is repeated until it succeeds, up to a
// deadline, so a slow machine only makes it slower. Silence is real: heartbeats have
// intervals of a few seconds.
package browser
