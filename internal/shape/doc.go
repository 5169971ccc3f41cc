// Package shape is the only place that turns values of the domain into the
// JSON shapes of the contract, which package client defines. The API answers
// with them and webhooks carry them, so both say the same.
//
// It decides nothing: the caller says who may see what. It is also the only place
// that removes heartbeat ids from texts that are shown or sent.
package shape
