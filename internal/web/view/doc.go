// Package view is the only place that turns facts into HTML.
//
// Every page is a struct of facts and a function that draws it:
//
//	view.Heartbeats(view.HeartbeatsPage{…}).Render(ctx, w)
//
// The struct is plain: times are UTC instants, durations are durations, counts
// are numbers, statuses and kinds are the product's own strings. How they read
// ("Late by 3m, down in 7m") and how they look is decided here and nowhere else.
// A part of a page that changes while it is open, such as a row of the list, is
// one component with an id: the page and the live stream draw it the same way.
//
// The package refuses to fetch, to decide and to listen: it knows no store, no
// request and no rule. It takes nothing from the context and reads no clock;
// "now" comes with the page.
//
// Invariants:
//
//   - No page holds a style attribute, an inline script or handler, or a data:
//     URI: the content security policy is default-src 'self'.
//   - Every form is a plain POST or GET that works without script.
//   - What a viewer may not see is not given to the page; where a field is
//     empty its part is left out. A page for a viewer holds no ping URL.
//   - Every <time> carries its instant in UTC, every status its word beside the
//     sign, every control its label.
//   - The same facts give the same bytes.
//
// The look is described in the design of the interface; the rules live in
// static/assets/style.css.
package view
