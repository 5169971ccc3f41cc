package monitor

import (
	"errors"
	"fmt"
	"testing"
)

func TestFault_IsFoundInAWrappedError(t *testing.T) {
	err := fmt.Errorf("create heartbeat: %w", Faultf(Conflict, "slug", "%q is taken.", "backup"))
	fault, ok := errors.AsType[*Fault](err)
	if !ok || fault.Kind != Conflict || fault.Field != "slug" || fault.Error() != `"backup" is taken.` {
		t.Errorf("%#v, %v", fault, ok)
	}
}

func TestFaults_ErrorIsTheFirstMessage(t *testing.T) {
	faults := Faults{Faultf(Invalid, "name", "A name is needed."), Faultf(Invalid, "grace", "Too long.")}
	if got := faults.Error(); got != "A name is needed." {
		t.Errorf("%q", got)
	}
	if got := (Faults{}).Error(); got == "" {
		t.Error("no faults say nothing at all")
	}
}
