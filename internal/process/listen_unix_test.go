//go:build unix

package process

import (
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// passSocket makes the next call of Listen or CheckListen find a duplicate of the socket.
func passSocket(t *testing.T, l net.Listener, h Handover) {
	t.Helper()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	original, err := keepOnExec(f)
	if err != nil {
		t.Fatal(err)
	}
	if h.FD, err = syscall.Dup(original); err != nil { // Listen closes it
		t.Fatal(err)
	}
	env, err := withHandover(nil, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(handoverVariable, env[0][len(handoverVariable)+1:])
}

// listenLocal opens a socket on any loopback port.
func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Listener
}

func TestListen_TakesTheSocketOfThePreviousProgram(t *testing.T) {
	old := listenLocal(t)
	stopped := time.Now().Add(-time.Second)
	passSocket(t, old, Handover{Listen: "same", StoppedAccepting: stopped, Dropped: 3})
	l, err := Listen("same")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() != old.Addr().String() || l.Held || !l.Previous.StoppedAccepting.Equal(stopped) || l.Previous.Dropped != 3 {
		t.Errorf("%s, %+v; want %s", l.Addr(), l.Previous, old.Addr())
	}
	if _, left := os.LookupEnv(handoverVariable); left {
		t.Error("child processes would get the variable")
	}
}

func TestListen_OpensAnotherSocketIfTheAddressChanged(t *testing.T) {
	old := listenLocal(t)
	passSocket(t, old, Handover{Listen: old.Addr().String()})
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() == old.Addr().String() {
		t.Error("it listens on the previous address")
	}
}

func TestListen_KeepsASocketOfSystemdWhateverTheAddressIs(t *testing.T) {
	old := listenLocal(t)
	passSocket(t, old, Handover{Listen: "previous", Held: true})
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() != old.Addr().String() || !l.Held {
		t.Errorf("listens on %s, held %t; want %s of systemd", l.Addr(), l.Held, old.Addr())
	}
}

func TestCheckListen_TriesOnlyAnotherAddress(t *testing.T) {
	busy := listenLocal(t)
	address := busy.Addr().String()
	if err := CheckListen(address); err != nil {
		t.Errorf("next to no server: %v", err)
	}
	passSocket(t, busy, Handover{Listen: address})
	if err := CheckListen(address); err != nil {
		t.Errorf("the address of the running server: %v", err)
	}
	passSocket(t, busy, Handover{Listen: "another"})
	if err := CheckListen(address); err == nil {
		t.Error("no error for an address that is in use")
	}
}
