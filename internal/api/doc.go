// Package api is the interface for programs: JSON below /api/v1, described by the OpenAPI document that
// it serves.
//
//	request ──▶ ServeMux ──▶ authenticate ──▶ endpoint ──▶ manage.Service
//	               │ unknown path or method      │ decode the body strictly
//	               ▼                             ▼
//	         problem+json ◀── any error ── wire.Heartbeat … ──▶ JSON
//
// It decides nothing about heartbeats: package manage checks rights and values, and package wire
// converts to JSON. Package ingest receives the pings; this package only describes them.
//
// Invariants:
//
//   - Every error is answered as application/problem+json.
//   - An unknown member or query parameter is rejected with its name, never ignored.
//   - The document matches the answers: the tests validate every answer against it.
//   - Answers may get new members, so the document allows additional members there, but not in requests.
package api
