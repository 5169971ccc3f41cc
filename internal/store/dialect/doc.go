// Package dialect is the only place that knows where SQLite and PostgreSQL
// differ: SQL fragments, list arguments, writing many rows at once, and the
// meaning of driver errors. Every other statement is one text for both.
package dialect
