package web

import "testing"

func TestRenderError_SignedInPeopleKeepTheSidebar(t *testing.T) {
	onEach(t, func(w *fixture) {
		const sidebar = `class="sidebar"`
		for path, back := range map[string]string{"/nowhere": "/heartbeats", "/incidents/none": "/incidents", "/channels/none": "/channels", "/docs/none": "/docs"} {
			a := w.get("member", path)
			w.expectHTML(a, 404, sidebar, `<a class="btn btn-primary" href="`+back+`">`, `name="from"`)
			w.expectNone(w.get("", path), sidebar)
		}
		w.expectHTML(w.get("viewer", "/channels/new"), 403, sidebar)
		w.expectHTML(w.get("member", "/heartbeats/bulk"), 404, sidebar)
		w.expectHTML(w.get("", "/docs/none"), 404, "Search the docs", `<a class="btn btn-primary" href="/docs">`)
	})
}
