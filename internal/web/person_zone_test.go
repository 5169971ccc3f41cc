package web

import (
	"net/url"
	"testing"
	"time"
)

func TestSetPersonZone_PagesUseItAndSchedulesKeepTheirs(t *testing.T) {
	onEach(t, func(w *fixture) {
		const zone = "Pacific/Kiritimati" // 14 hours ahead of UTC: another day
		_, i := w.failHeartbeat("backup", time.Minute)
		there := i.OpenedAt.In(time.FixedZone(zone, 14*3600)).Format("Mon 2 Jan, 15:04")
		w.expectNone(w.get("member", "/incidents"), there)
		w.expectHTML(w.get("member", "/account"), 200, "Times are shown in UTC", `placeholder="UTC"`)
		w.expectHTML(w.post("member", "/account/zone", url.Values{"timezone": {"Nowhere/None"}}), 422, `value="Nowhere/None"`)
		w.expectRedirect(w.post("member", "/account/zone", url.Values{"timezone": {zone}}), "/account")
		w.expectHTML(w.get("member", "/account"), 200, "Times are shown in "+zone, `value="`+zone+`"`)
		w.expectHTML(w.get("member", "/incidents"), 200, there, `data-tz="`+zone+`"`, "Times in "+zone+"</p>")
		w.expectHTML(w.get("member", "/incidents/none"), 404, `data-tz="`+zone+`"`)
		w.expectHTML(w.get("viewer", "/incidents"), 200, `data-tz="UTC"`) // the zone of the project
		w.expectHTML(w.get("member", "/heartbeats/new"), 200, `name="cron_timezone"`, `value="UTC"`)
		preview := w.get("member", "/channels/new?kind=webhook")
		w.expectNone(preview, zone+"</dd>") // alerts use the zone of the project
		w.expectRedirect(w.post("member", "/account/zone", url.Values{"timezone": {" "}}), "/account")
		w.expectHTML(w.get("member", "/incidents"), 200, `data-tz="UTC"`)
	})
}
