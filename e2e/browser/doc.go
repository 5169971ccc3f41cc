// Package browser drives the real binary through a real browser, Chromium, as a
// person does: what they read, click and type, and what a screen reader is told.
//
// It is the only place that judges a page as a browser shows it. It refuses to
// look behind the pages: what a journey needs beforehand is made through the
// command line and the API, as a customer would.
//
//	journey ── tab (own cookies) ── Chromium, one for the package ──▶ overdue serve, one for each journey
//
// Whatever a journey is about, it fails on anything that a tab reports beside
// it: a breach of the content security policy, an error on the console, an
// exception that nobody caught, a request that failed or was answered with an
// error that the journey did not announce, and a last page that is wider than a
// narrow screen.
//
// Nothing waits for a time to pass. Every step is tried again until it comes
// true, up to a deadline, so that a slow machine only makes it slow. Silence is
// real: heartbeats have intervals of a few seconds.
package browser
