// Package client sends pings to Overdue and calls its API.
//
// It is the public Go client. It also defines the JSON of the contract once: the server answers with
// these types, webhooks contain them, and the command line and the tests decode them. The package
// imports only the standard library.
//
// A job in Go sends its own ping after its work:
//
//	err := client.Send(ctx, os.Getenv("PING_URL"), client.PingOptions{})
//
// Send retries temporary errors and returns nil only after the ping is stored. Calls of the API are not
// retried, because most of them change something; Problem.Retryable reports whether a retry makes sense.
package client
