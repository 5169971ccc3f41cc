// Package bulkload fills databases for benchmarks with more rows than the store could
// write one transaction at a time.
//
// It writes the tables of schema 17, the last one before the benchmarks existed. Every later
// build migrates them when it opens the database. So an earlier and a later build of Overdue
// can be measured with copies of the same database.
package bulkload
