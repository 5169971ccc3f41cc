// Package client talks to Overdue: it sends pings and calls the API.
//
// It is the public face of the contract in Go. The JSON shapes are said here
// once: the server answers with these types, webhooks carry them, the command
// line and the tests read them. The package imports nothing but the standard
// library, and nothing of the server.
//
// A job in Go sends its own ping when it has done its work:
//
//	err := client.Send(ctx, os.Getenv("PING_URL"), client.PingOptions{})
//
// Send is patient: it retries what may pass and returns nil only once the ping
// is stored. Calls of the API are not repeated, because most of them change
// something; Problem.Retryable tells whether repeating one makes sense.
package client
