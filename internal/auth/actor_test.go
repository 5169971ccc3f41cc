package auth_test

import (
	"testing"

	"overdue/internal/auth"
	"overdue/internal/monitor"
)

func TestMay_EveryRoleHasTheRightsOfTheTable(t *testing.T) {
	rights := []auth.Right{
		auth.Read, auth.SeePingURLs, auth.ChangeHeartbeats, auth.ChangeIncidents, auth.ChangeChannels,
		auth.ManageKeys, auth.ManagePeople, auth.SeeAudit, auth.ChangeProject, auth.DeleteProject, auth.ReadFeedback,
	}
	for role, want := range map[auth.Role]string{
		0:           "...........",
		auth.Viewer: "x..........",
		auth.Member: "xxxxx......",
		auth.Admin:  "xxxxxxxxx..",
		auth.Owner:  "xxxxxxxxxxx",
	} {
		got := ""
		for _, r := range rights {
			if (auth.Actor{Role: role}).May(r) {
				got += "x"
			} else {
				got += "."
			}
		}
		if got != want {
			t.Errorf("role %d: %s, want %s", role, got, want)
		}
	}
	for _, a := range []struct {
		actor auth.Actor
		want  bool
	}{
		{auth.Actor{Role: auth.Member}, false},
		{auth.Actor{Role: auth.Admin}, true},
		{auth.Actor{Role: auth.Member, Kind: monitor.ActorAPIKey}, true},
		{auth.Actor{Role: auth.Viewer, Kind: monitor.ActorAPIKey}, false},
	} {
		if a.actor.May(auth.RetryAlerts) != a.want {
			t.Errorf("%+v may retry alerts: %t", a.actor, !a.want)
		}
	}
	if (auth.Actor{Role: auth.Owner}).May(0) {
		t.Error("the owner has an unknown right")
	}
	if !auth.Operator(monitor.Project{}, "root").May(auth.DeleteProject) {
		t.Error("the operator lacks a right")
	}
}
