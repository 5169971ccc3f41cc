// Package view describes the packages below it, which turn data into HTML. It
// contains only the tests that check every page.
//
// Each page is a struct with its data and a component that renders it:
//
//	heartbeatview.List(heartbeatview.ListPage{…}).Render(ctx, w)
//
//	heartbeatview  list, detail page, form and preview of heartbeats
//	incidentview   list and detail page of incidents, acknowledgement by link
//	channelview    list and form of channels
//	accountview    sign-in, account, team, API keys, settings, audit log
//	docsview       the manual
//	layout         frames around pages, and pages that any part may show: errors, confirmations
//	ui             controls, time, status signs, tables and drawings that pages share
//	paths          the addresses of the pages and of their forms
//
// Imports lead downwards only: pages → layout → ui; paths imports nothing. heartbeatview also
// uses incidentview, for the incidents of a heartbeat.
//
// The structs are plain: times are UTC instants, durations are durations, counts
// are numbers, statuses and kinds are the strings of the API. These packages
// alone decide how values read ("Late by 3m, down in 7m") and look. A part of a
// page that changes while the page is open, such as a row of a list, is a
// component with an id: the page and the event stream render it the same way.
//
// These packages do not use the store, requests or rules. They read no clock: the
// current time is part of the page. The context carries only the origin of forms,
// see [overdue/internal/web/view/ui.WithOrigin].
//
// Invariants:
//
//   - No page contains a style attribute, an inline script or handler, or a data:
//     URI: the content security policy is default-src 'self'.
//   - Every form is a plain POST or GET that works without script.
//   - A page gets no data that its reader must not see; if a field is empty, its
//     part is left out. A page for a viewer contains no ping URL.
//   - Every <time> has its instant in UTC, every status a word next to its sign,
//     every control a label.
//   - The same data gives the same bytes.
//
// The rules of the design are in static/assets/style.css.
package view
