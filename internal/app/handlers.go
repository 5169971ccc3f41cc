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
	"overdue/internal/web/live"
	"overdue/internal/web/view/paths"
)

// handlers serve people and programs.
type handlers struct {
	service *manage.Service
	people  *auth.People
	site    *web.Site
}

// newHandlers creates the handlers. base is the base URL of the pages.
func newHandlers(ctx context.Context, o Options, e *Engine, outside *notify.Sender, base string) (handlers, error) {
	f := handlers{
		service: manage.New(manage.Options{DB: e.db, Snapshot: e.evaluableUntil, Signals: e.signals(), SendTest: e.sendTest, CheckHere: outside.CheckHere, UnavailableKinds: unavailableKinds(o), MaxHeartbeats: o.MaxHeartbeats}),
		people:  auth.NewPeople(e.db, strings.HasPrefix(base, "https://"), auth.PasswordCost),
	}
	f.people.Log = e.log
	links, err := manage.NewAckLinks(ctx, e.db)
	if err != nil {
		return f, err
	}
	e.dispatcher.AckURL = func(incident, channel string) string {
		return base + paths.Acknowledge(links.Token(incident, channel))
	}
	seal, err := manage.FormSecret(ctx, e.db)
	if err != nil {
		return f, err
	}
	feed := &live.Feed{
		MaxPages: o.maxLivePages(), Rejected: func(from string) { e.rejections.Add(httpd.TooManyLivePages, from) },
	}
	if e.db.IsShared() {
		feed.PollInterval = live.SharedPollInterval
	}
	e.Pinged, e.Changed = feed.Pinged, feed.Changed
	options := web.Options{
		Feed: feed, AckLinks: links, FormSecret: seal,
		Service: f.service, People: f.people, BaseURL: base, Version: o.Version, Logger: e.log,
		OpenAPI:       func() ([]byte, error) { return api.OpenAPI(api.Options{BaseURL: base, Version: o.Version}) },
		ClientAddress: o.clientAddress, ServerStatus: e.serverStatus,
	}
	if outside.HasMailServer() {
		options.SendMail = outside.SendMail
	}
	f.site, err = web.New(options)
	return f, err
}

// maxLivePages reserves three quarters of the connections for pings and pages.
func (o Options) maxLivePages() int { return min(max(o.connectionLimits().Total/4, 1), 1000) }

// ensureOwner creates the owner from the settings, or returns the one-time link
// that creates the owner. The link is empty if there is an owner.
func (f handlers) ensureOwner(ctx context.Context, o Options, base string) (link string, err error) {
	if o.OwnerEmail != "" {
		if _, err := f.people.AddOwner(ctx, o.OwnerEmail, o.OwnerPassword, time.Now().UTC()); err != nil {
			return "", err
		}
	}
	token, needed, err := f.people.CreateSetupLink(ctx)
	if err != nil || !needed {
		return "", err
	}
	return base + paths.Setup + "?" + url.Values{"token": {token}}.Encode(), nil
}

// unavailableKinds returns the kinds of channel that the options turn off, with the reason.
func unavailableKinds(o Options) map[string]string {
	if o.ExecDir == "" {
		return map[string]string{"exec": "Needs a server with --exec-dir."}
	}
	return nil
}
