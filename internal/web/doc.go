// Package web serves the pages for people. It takes requests of browsers, calls
// package manage or auth, and answers with pages of package view.
//
//	request ─▶ headers ─▶ same origin? ─▶ session ─▶ route: person, project, right
//	                                                    │
//	              view ◀─ present ◀─ handler ─▶ manage.Service, auth.People
//	                                    └─▶ *monitor.Fault ─▶ the form again, or an error page
//
// Package manage decides what is valid and who may do it; package view decides how a
// page looks. Package web never reads the database.
//
// Invariants:
//
//   - one table has all routes, and every route names the right that it needs; the
//     server does not start with a route without one;
//   - a GET changes nothing, and a POST from another origin is rejected;
//   - a page is rendered before the first byte is sent;
//   - a page loads nothing from another origin, and contains no inline script.
package web
