// Package load sends requests to a server and measures the responses.
//
//	Round ─────── n connections, each sends one request after another: the highest rate
//	StartPaced ── a constant arrival rate, whatever the server answers: the latency of a
//	              request counts from its planned time, so a stall is not omitted
//
// A connection does as little work as possible, because it shares the processors with
// the server under test: it builds requests in a buffer, and reads only the checked part
// of a response.
package load
