package app

import (
	"context"
	"net/url"
	"strings"
	"time"

	"overdue/internal/api"
	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/notify"
	"overdue/internal/web"
	"overdue/internal/web/view"
)

// faces are what people and programs ask of the server.
type faces struct {
	desk   *manage.Desk
	people *auth.People
	site   *web.Site
}

// newFaces puts them together. base is the address of the pages.
func newFaces(ctx context.Context, o Options, e *Engine, outside *notify.Outside, base string) (faces, error) {
	f := faces{
		desk:   manage.New(manage.Options{DB: e.db, Cut: e.until, OnChange: e.Sooner, OnOwed: e.Owed, OnTouched: e.changed, Test: e.test, MaxHeartbeats: o.MaxHeartbeats}),
		people: auth.NewPeople(e.db, strings.HasPrefix(base, "https://")),
	}
	f.people.Log = e.log
	links, err := manage.NewLinks(ctx, e.db)
	if err != nil {
		return f, err
	}
	e.courier.AckURL = func(incident, channel string) string {
		return base + view.AcknowledgePath(links.Token(incident, channel))
	}
	seal, err := manage.FormKey(ctx, e.db)
	if err != nil {
		return f, err
	}
	feed := &web.Feed{
		MaxLivePages: o.maxLivePages(), Rejected: func(from string) { e.rejections.Add(httpd.TooManyLivePages, from) },
	}
	e.Changed = feed.Changed
	options := web.Options{
		Feed: feed, Links: links, Seal: seal,
		Desk: f.desk, People: f.people, Base: base, Version: o.Version, Log: e.log,
		Document: func() ([]byte, error) { return api.Document(api.Options{Base: base, Version: o.Version}) },
		Source:   o.source,
	}
	if outside.Mails() {
		options.Mail = outside.Mail
	}
	f.site, err = web.New(options)
	return f, err
}

// maxLivePages leaves three quarters of the connections to pings and pages.
func (o Options) maxLivePages() int { return min(max(o.limits().Total/4, 1), 1000) }

// owner makes sure that there is an owner, or a way to become it: it returns
// the address of the one-time link, empty when there is an owner.
func (f faces) owner(ctx context.Context, o Options, base string) (link string, err error) {
	if o.OwnerEmail != "" {
		if _, err := f.people.AddOwner(ctx, o.OwnerEmail, o.OwnerPassword, time.Now().UTC()); err != nil {
			return "", err
		}
	}
	token, needed, err := f.people.SetupLink(ctx)
	if err != nil || !needed {
		return "", err
	}
	return base + view.SetupPath + "?" + url.Values{"token": {token}}.Encode(), nil
}
