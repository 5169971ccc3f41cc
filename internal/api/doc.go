// Package api is the face for programs: JSON under /api/v1, described by the
// OpenAPI document that it serves about itself.
//
//	request ──▶ ServeMux ──▶ authenticate ──▶ endpoint ──▶ manage.Service
//	               │ no such path or method      │ read the body, strictly
//	               ▼                             ▼
//	         problem+json ◀── any error ── shape.Heartbeat … ──▶ JSON
//
// It refuses to decide anything about heartbeats: who may and what is valid is
// asked of package manage, how a thing looks in JSON of package shape. The
// pings themselves are taken elsewhere (package ingest); here they are only
// described.
//
// Invariants:
//
//   - whatever goes wrong is answered as application/problem+json;
//   - a member or a query parameter that is not known is refused by its name,
//     never ignored;
//   - the document and the answers agree: the tests hold every answer against it;
//   - answers may gain members, so the document allows further ones there; in
//     requests it does not.
package api
