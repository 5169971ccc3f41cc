package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	sqlitedriver "modernc.org/sqlite"
)

// Rows are the arguments of a prepared statement that runs once per row. It is the only
// argument of one ExecContext: per row, database/sql and the watch for the end of the
// context would take as long as SQLite.
type Rows struct {
	Values   [][]any // int64, string, []byte, bool or nil
	Last     int     // number of leading values of a row that are the last arguments
	Progress func()  // called after each row
}

// Args returns the arguments of one row in their order.
func (r *Rows) Args(row []any) []any {
	if r.Last == 0 {
		return row
	}
	return append(slices.Clone(row[r.Last:]), row[:r.Last]...)
}

// AcceptRows returns a connection whose prepared statements accept Rows.
func AcceptRows(c driver.Conn) (driver.Conn, error) {
	base, ok := c.(driverConn)
	if !ok {
		return nil, errors.New("the SQLite driver lacks a method")
	}
	return &rowsConn{base}, nil
}

// NewConnector returns a connector whose connections accept Rows.
func NewConnector(dsn string) (driver.Connector, error) {
	c, err := sqlitedriver.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return rowsConnector{c}, nil
}

// rowsConnector opens connections whose prepared statements accept Rows.
type rowsConnector struct{ driver.Connector }

func (c rowsConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return AcceptRows(conn)
}

// driverConn is the interface of the connections of the SQLite driver.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// driverStmt is the interface of the statements of the SQLite driver.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type rowsConn struct{ driverConn }

func (c *rowsConn) Prepare(text string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), text)
}

func (c *rowsConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.driverConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	base, ok := s.(driverStmt)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks a method"), s.Close())
	}
	return &rowsStmt{base}, nil
}

type rowsStmt struct{ driverStmt }

// CheckNamedValue accepts Rows, and leaves all other arguments to database/sql.
func (s *rowsStmt) CheckNamedValue(v *driver.NamedValue) error {
	if _, ok := v.Value.(Rows); ok {
		return nil
	}
	return driver.ErrSkip
}

func (s *rowsStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if len(args) != 1 {
		return s.driverStmt.ExecContext(ctx, args)
	}
	rows, ok := args[0].Value.(Rows)
	if !ok {
		return s.driverStmt.ExecContext(ctx, args)
	}
	return driver.ResultNoRows, s.execRows(ctx, rows)
}

// execRows runs the statement once per row. It ends after the row during which ctx ended: a
// single row waits only for the disk, and no context can interrupt that.
func (s *rowsStmt) execRows(ctx context.Context, rows Rows) error {
	var args []driver.NamedValue
	for _, row := range rows.Values {
		if err := ctx.Err(); err != nil {
			return err
		}
		args = args[:0]
		for _, values := range [...][]any{row[rows.Last:], row[:rows.Last]} {
			for _, value := range values {
				args = append(args, driver.NamedValue{Ordinal: len(args) + 1, Value: value})
			}
		}
		// Without the context: the driver would start a goroutine that watches it.
		if _, err := s.driverStmt.ExecContext(context.WithoutCancel(ctx), args); err != nil {
			return err
		}
		rows.Progress()
	}
	return nil
}
