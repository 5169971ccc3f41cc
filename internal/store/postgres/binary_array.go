package postgres

import (
	"encoding/binary"

	"overdue/internal/store/dialect"
)

// arrayType is the PostgreSQL type of an array and of its elements, as the object ids
// of pg_type.
type arrayType struct{ array, element uint32 }

// arrayTypes are the types that columns of a dialect.Batch can have.
var arrayTypes = map[string]arrayType{
	"bigint":  {1016, 20},
	"boolean": {1000, 16},
	"bytea":   {1001, 17},
	"text":    {1009, 25},
	"xid":     {1011, 28},
}

// nullLength is the length of an element that is NULL.
const nullLength = 0xFFFFFFFF

// binaryArray returns one column of rows in the binary format of an array
// (array_send in PostgreSQL's arrayfuncs.c): the number of dimensions, whether an
// element can be NULL, the type of the elements, their number, the index of the first,
// and each element after its length.
func binaryArray(column dialect.Column, rows [][]any, at int) []byte {
	b := make([]byte, 0, 20+12*len(rows))
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, arrayTypes[column.Type].element)
	b = binary.BigEndian.AppendUint32(b, uint32(len(rows)))
	b = binary.BigEndian.AppendUint32(b, 1)
	for _, row := range rows {
		b = appendElement(b, row[at])
	}
	return b
}

// appendElement appends an element after its length.
func appendElement(b []byte, value any) []byte {
	switch v := value.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(v))
	case uint32:
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), v)
	case string:
		return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
	case []byte:
		if v != nil {
			return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
	case bool:
		if b = binary.BigEndian.AppendUint32(b, 1); v {
			return append(b, 1)
		}
		return append(b, 0)
	}
	return binary.BigEndian.AppendUint32(b, nullLength)
}
