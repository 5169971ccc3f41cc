// Package process connects the server to its supervisor: it takes over listening
// sockets, reports its state to systemd, and restarts the program in place.
//
//	SIGUSR2 ─▶ the new program checks that it can start (a child with --dry-run)
//	              │ no: logged, the server continues
//	              ▼ yes
//	           stop: no new connections, responses to accepted ones, close the database
//	              ▼
//	           exec: the same process id, with the socket, in which connections wait
//
// It does not know what the server does.
package process
