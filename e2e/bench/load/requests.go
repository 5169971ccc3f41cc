package load

// Requests makes the requests of a load, which differ only in the id that they contain.
// It needs no memory for each of them.
type Requests struct {
	N      int                                // number of different requests
	parts  []string                           // around the ids
	id     func(buf []byte, i int) []byte     // appends the id of request i
	answer func(status int, body []byte) bool // reports whether a response is as expected
}

// Pings returns one ping request per heartbeat. id appends the id of heartbeat i.
func Pings(n int, id func(buf []byte, i int) []byte) Requests {
	return PingsOf(n, "", id)
}

// PingsOf is Pings with a signal after the id, such as "/fail".
func PingsOf(n int, signal string, id func(buf []byte, i int) []byte) Requests {
	return Requests{
		N: n, id: id, answer: isStoredPing,
		parts: []string{"POST /api/v1/hb/", signal + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n"},
	}
}

// PingsTo returns one ping request for each of the ids.
func PingsTo(ids []string) Requests {
	return Pings(len(ids), func(buf []byte, i int) []byte { return append(buf, ids[i]...) })
}

// isStoredPing reports whether a response means that a ping was stored.
func isStoredPing(status int, body []byte) bool { return status == 200 && string(body) == "OK" }

// appendTo appends request i to buf.
func (r *Requests) appendTo(buf []byte, i int) []byte {
	for k, part := range r.parts {
		if k > 0 {
			buf = r.id(buf, i)
		}
		buf = append(buf, part...)
	}
	return buf
}
