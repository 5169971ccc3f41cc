package web

import (
	"net/http"
	"net/http/httptest"
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
		w.expectHTML(w.get("member", "/incidents"), 200, there, `data-tz="`+zone+`"`, "Times in "+zone+" <a")
		w.expectHTML(w.get("member", "/incidents/none"), 404, `data-tz="`+zone+`"`)
		w.expectHTML(w.get("viewer", "/incidents"), 200, `data-tz="UTC"`) // the zone of the project
		w.expectHTML(w.get("member", "/heartbeats/new"), 200, `name="cron_timezone"`, `value="UTC"`)
		preview := w.get("member", "/channels/new?kind=webhook")
		w.expectNone(preview, zone+"</dd>") // alerts use the zone of the project
		w.expectRedirect(w.post("member", "/account/zone", url.Values{"timezone": {" "}}), "/account")
		w.expectHTML(w.get("member", "/incidents"), 200, `data-tz="UTC"`)
	})
}

func TestPages_UseTheZoneOfTheBrowserByDefault(t *testing.T) {
	onEach(t, func(w *fixture) {
		get := func(path, zone string) response {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.AddCookie(&http.Cookie{Name: "zone", Value: zone})
			return w.send("member", r)
		}
		w.expectHTML(get("/incidents", "Asia/Tokyo"), 200, `data-tz="Asia/Tokyo"`, "Times in Asia/Tokyo <a")
		w.expectHTML(get("/account", "Asia/Tokyo"), 200, "Times are shown in Asia/Tokyo", `placeholder="Asia/Tokyo"`)
		for _, invalid := range []string{"", "Nowhere/None", "Local", "../../etc/passwd"} {
			w.expectHTML(get("/incidents", invalid), 200, `data-tz="UTC"`) // the zone of the project
		}
		w.expectRedirect(w.post("member", "/account/zone", url.Values{"timezone": {"Europe/Berlin"}}), "/account")
		w.expectHTML(get("/incidents", "Asia/Tokyo"), 200, `data-tz="Europe/Berlin"`)
		w.expectHTML(get("/account", "Asia/Tokyo"), 200, `value="Europe/Berlin"`, `placeholder="Asia/Tokyo"`)
	})
}
