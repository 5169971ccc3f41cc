// Package bulkload fills databases for benchmarks with more rows than the store could
// write one transaction at a time.
//
// It writes the tables of schema 17, the last one before the benchmarks of scale. Every
// later version migrates it when it opens the database. So one file serves two builds of
// Overdue, and no build can read rows that it would not write itself.
package bulkload
