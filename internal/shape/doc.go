// Package shape is the only place that turns values of the domain into the
// JSON shapes of the contract, which package client defines. The API answers
// with them and webhooks carry them, so both say the same.
//
// It refuses to decide anything: who may see what is told by the caller.
package shape
