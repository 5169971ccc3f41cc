package runjob

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSignals_SignalAfterTheJobShortensTheWait(t *testing.T) {
	s := &signals{received: make(chan os.Signal, 1)}
	ctx, cancel := s.cancelAfterSignal(context.Background())
	defer cancel()
	began := time.Now()
	s.received <- syscall.SIGTERM
	<-ctx.Done()
	if took := time.Since(began); took < lateSignalTimeout || took > lateSignalTimeout+5*time.Second {
		t.Errorf("ended after %v; want %v, enough time for a server that answers", took, lateSignalTimeout)
	}
	if cause := context.Cause(ctx); !strings.Contains(cause.Error(), "terminated") {
		t.Errorf("cause %v", cause)
	}
}
