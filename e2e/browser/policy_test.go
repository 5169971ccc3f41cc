package browser_test

import (
	"os"
	"path/filepath"
	"testing"

	"overdue/client"
)

func TestPolicies_AreBuiltStepByStepWithAPreview(t *testing.T) {
	t.Parallel()
	s := startOwnedServer(t)
	url, _, _ := startWebhook(t)
	api, kind := s.newClient(t), "webhook"
	var ids []string
	for _, name := range []string{"Ops", "Phone"} {
		c := must[client.Channel](t)(api.CreateChannel(t.Context(), client.ChannelSettings{Kind: &kind, Name: &name, Settings: map[string]any{"url": url}}))
		ids = append(ids, c.ID)
	}
	h := createHeartbeat(t, api, "backup", "24h", "1h")
	b := newTab(t, s)
	b.signIn(ownerEmail, ownerPassword)
	check := func(step, id string) {
		t.Helper()
		mustEvaluate[bool](b, `(() => { document.querySelector('input[name="channel.`+step+`"][value="`+id+`"]').click(); return true; })()`)
	}
	b.step("the preview follows the form before it is saved", func(b *tab) {
		b.followLink("Alert policy")
		b.waitForText("No default policy")
		b.followLink("New policy")
		b.fill("Name", "Nights")
		check("0", ids[0])
		b.waitForText("Of any heartbeat that uses this policy.")
	})
	b.step("steps are added, and the preview has their clock times", func(b *tab) {
		b.submit("Add step")
		b.fill("Delay of step 2", "15m")
		check("1", ids[1])
		b.fill("Then remind every", "30m")
		b.fill("Heartbeat", "backup")
		b.waitForText("Step 2 of policy Nights, repeated every")
		b.waitForText("the project has no default policy")
	})
	b.step("an invalid delay is marked, and nothing is lost", func(b *tab) {
		b.expect(422)
		b.fill("Delay of step 2", "15")
		b.submit("Save")
		b.waitForText("15 has no unit")
		b.expectAccessible()
		b.fill("Delay of step 2", "15m")
	})
	b.step("a saved policy is made the default", func(b *tab) {
		b.submit("Save")
		b.waitForText("No heartbeat uses it.")
		b.submit("Make default")
		b.waitForText("It applies to 1 heartbeat")
		if plan := must[client.Notifications](t)(api.HeartbeatNotifications(t.Context(), h.Ref)); plan.Rule != "default_policy" || len(plan.Notifications) != 3 {
			b.Errorf("%+v", plan)
		}
	})
	if dir := os.Getenv("POLICY_SHOTS"); dir != "" {
		for _, width := range []int64{390, 1280, 1920} {
			b.resize(width)
			b.expectNoSidewaysScroll()
			for _, theme := range []string{"light", "dark"} {
				b.preferTheme(theme)
				for name, path := range map[string]string{"policies": "/policies", "policy": "/policies/nights?try_heartbeat=backup", "policy-new": "/policies/new", "form": "/heartbeats/" + *h.ID + "/edit", "heartbeat": "/heartbeats/" + *h.ID} {
					b.navigate(path)
					b.fullScreenshot(filepath.Join(dir, name+"-"+theme+"-"+map[int64]string{390: "390", 1280: "1280", 1920: "1920"}[width]+".png"))
				}
			}
		}
	}
}
