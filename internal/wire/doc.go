// Package wire converts values of the domain to the JSON types of the contract, which package
// client defines. The API returns them and webhooks send them, so both are the same.
//
// It decides nothing: the caller decides who can see what. It is also the only place that removes
// heartbeat ids from texts that are shown or sent.
package wire
