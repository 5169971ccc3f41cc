// Package web is the face for people: it takes requests of browsers, asks
// package manage or auth, and answers with pages of package view.
//
//	request ─▶ headers ─▶ same origin? ─▶ session ─▶ route: who, which project, may they?
//	                                                    │
//	              view.Page ◀─ handler ─▶ manage.Service, auth.People
//	                              └─▶ *monitor.Fault ─▶ the form again, or a page that says so
//
// It refuses to decide what is valid and who may: manage does. It refuses to
// know how a page looks: view does. It never reads the database itself.
//
// Invariants:
//
//   - every page is reached through one table of routes, and every route says
//     what right it needs; a route that says nothing stops the start;
//   - a GET changes nothing, and a POST from another origin is refused;
//   - a page goes out whole or not at all: it is drawn before it is sent;
//   - nothing on a page comes from another origin, and no script is in it.
package web
