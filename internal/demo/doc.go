// Package demo fills an empty database with a month of believable data, for
// demonstrations, screenshots and tests of pages.
//
//	jobs ──▶ pings of 30 days ──▶ ApplyPing, Evaluate ──▶ Save
//	                              the same rules as in a server, in simulated time
//	incidents ──▶ acknowledgements, notes, deliveries ──▶ AddAttempt, RecordDelivery
//
// Invariants:
//
//   - The same time gives the same data, except for the ids that the store generates.
//   - Seed sends nothing: it invents the results of deliveries. A server with the data sends
//     its alerts to a Receiver.
package demo
