// Package storetest gives tests a real, empty store on every supported database.
//
// Tests never skip a database: without PostgreSQL they fail, and the error says what
// to install.
package storetest
