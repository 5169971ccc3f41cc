package browser_test

import "testing"

func TestIncidentList_HasTheTimeDownAtEveryWidth(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	h := createHeartbeat(t, s.newClient(t), "archive", "24h", "1h")
	ping(t, *h.PingURL+"/fail")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	for _, width := range []int64{360, 390, 768, 1024, 1280, 1920} {
		b.resize(width)
		b.navigate("/incidents")
		b.expectNoSidewaysScroll()
		if !mustEvaluate[bool](b, `document.querySelector('[data-label="Down for"]').checkVisibility()`) {
			b.Errorf("at %d px, the list of incidents has no time down", width)
		}
	}
}
