// Package transfer is the only place that copies a whole database into another one,
// of the same or of the other kind, and that compares the two.
//
// It has no list of tables: it reads them, with their columns, primary keys and
// references, from the schemas of both databases. Both must have the same schema
// version.
//
//	ReadSchema   the tables of one database
//	Plan         the tables to copy, in an order that satisfies every reference
//	Copier.Run   copies in batches; each batch stores the position that it reached
//	Compare      counts and checksums of each table, read from both databases
package transfer
