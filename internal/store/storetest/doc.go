// Package storetest gives tests a real, empty store on every database that
// Overdue promises to run on.
//
// Nothing here skips: a machine without PostgreSQL fails, and says what to
// install.
package storetest
