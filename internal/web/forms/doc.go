// Package forms keeps what a person typed when a form cannot be saved.
//
//   - FillForm writes typed values into the HTML of a page;
//   - HeldForm is a form that is carried through a sign-in, encrypted;
//   - Sealer encrypts values that a page must bring back and must not reveal;
//   - secrets.go merges typed, kept and masked secrets of a channel.
//
// The server stores nothing: encrypted values travel in hidden fields, expire, and
// are bound to their form.
package forms
