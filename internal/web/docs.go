package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/docsite"
	"overdue/internal/web/view/docsview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// maxHeartbeatChoices is the number of heartbeats that a reader can choose from,
// newest first.
const maxHeartbeatChoices = 50

// docsHandlers serve the manual. It is parsed at the first request.
type docsHandlers struct {
	manual        func() (*docsite.Manual, error)
	reference     func() ([]docsview.OperationGroup, error)
	feedbackLimit *docsite.FeedbackLimiter
}

// newDocsHandlers returns the handlers of an installation with this base URL.
// document returns its OpenAPI document; if it is nil, the reference only links to
// the document.
func newDocsHandlers(base string, document func() ([]byte, error)) *docsHandlers {
	return &docsHandlers{
		manual: sync.OnceValues(docsite.Load),
		reference: sync.OnceValues(func() ([]docsview.OperationGroup, error) {
			if document == nil {
				return nil, nil
			}
			written, err := document()
			if err != nil {
				return nil, err
			}
			s, err := docsite.ParseOpenAPI(written)
			if err != nil {
				return nil, err
			}
			return s.Groups(base), nil
		}),
		feedbackLimit: docsite.NewFeedbackLimiter(),
	}
}

// docRoutes returns the routes of the manual, which is public.
func (s *Site) docRoutes() []route {
	l := newDocsHandlers(s.BaseURL, s.OpenAPI)
	return []route{
		{pattern: "GET /docs", right: anyone, handle: func(req *request) error { return req.redirect(paths.FirstHeartbeatDoc) }},
		{pattern: "GET /docs/{page}", right: anyone, handle: l.showPage},
		{pattern: "GET /docs/search", right: anyone, handle: l.search},
		{pattern: "POST /docs/feedback", right: anyone, handle: l.saveFeedback},
		{pattern: "GET /feedback", right: auth.ReadFeedback, handle: l.showFeedback},
	}
}

// layout returns the manual and what surrounds each of its pages.
func (l *docsHandlers) layout(req *request) (*docsite.Manual, docsview.DocShell, error) {
	b, err := l.manual()
	if err != nil {
		return nil, docsview.DocShell{}, err
	}
	return b, docsview.DocShell{Clock: req.clock, Theme: req.theme(), Nav: b.Nav, SignedIn: req.person.SignedIn()}, nil
}

// showPage shows one page.
func (l *docsHandlers) showPage(req *request) error {
	return l.renderPage(req, req.r.PathValue("page"), docsview.FeedbackAnswer{Saved: req.r.URL.Query().Has("noted")})
}

// renderPage shows a page, with feedback that was saved or is invalid.
func (l *docsHandlers) renderPage(req *request, slug string, answer docsview.FeedbackAnswer) error {
	b, m, err := l.layout(req)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if answer.Comment.Error != "" {
		status = statusInvalid
	}
	before, after := b.Neighbours(slug)
	if slug == docsite.ReferenceSlug {
		groups, err := l.reference()
		if err != nil {
			return err
		}
		return req.renderStatus(status, docsview.APIReference(docsview.APIReferencePage{
			DocShell: m, BaseURL: req.site.BaseURL + docsite.APIPrefix, SpecPath: docsite.SpecPath, Groups: groups, Before: before, After: after, Answer: answer,
		}))
	}
	c := b.Pages[slug]
	if c == nil {
		return monitor.Faultf(monitor.NotFound, "", "The manual has no page at this address.")
	}
	who, err := req.docsReader(slug)
	if err != nil {
		return err
	}
	return req.renderStatus(status, docsview.Article(docsview.Page{
		DocShell: m, Slug: slug, Title: c.Title, Lede: c.Lede, Contents: c.Contents, Body: c.Body(who), Next: c.Next,
		Before: before, After: after, Answer: answer,
	}))
}

// docsReader returns the reader of a page, with the ping URL of the chosen or the
// newest heartbeat.
func (req *request) docsReader(slug string) (docsite.Reader, error) {
	who := docsite.Reader{BaseURL: req.site.BaseURL, PingURL: req.site.pingBase() + docsite.PlaceholderID}
	if !req.actor.SeesPingURLs() {
		return who, nil
	}
	newest, err := req.site.Service.NewestHeartbeats(req.ctx(), req.actor, maxHeartbeatChoices)
	if err != nil || len(newest) == 0 {
		return who, err
	}
	chosen := newest[0]
	if key := req.r.URL.Query().Get("heartbeat"); key != "" {
		h, err := req.site.Service.Heartbeat(req.ctx(), req.actor, key)
		if err != nil {
			return who, err
		}
		chosen = h
	}
	who.PingURL = req.site.pingBase() + chosen.ID
	who.Choice = docsview.HeartbeatChoice{Slug: slug, Chosen: chosen.Ref}
	listed := false
	for _, h := range newest {
		listed = listed || h.Ref == chosen.Ref
		who.Choice.Choices = append(who.Choice.Choices, docsview.HeartbeatOption{Key: h.Ref, Name: h.Name})
	}
	if !listed {
		who.Choice.Choices = append(who.Choice.Choices, docsview.HeartbeatOption{Key: chosen.Ref, Name: chosen.Name})
	}
	return who, nil
}

// search shows the results of a search.
func (l *docsHandlers) search(req *request) error {
	b, m, err := l.layout(req)
	if err != nil {
		return err
	}
	groups, err := l.reference()
	if err != nil {
		return err
	}
	m.Query = strings.TrimSpace(req.r.URL.Query().Get("q"))
	return req.render(docsview.Search(docsview.SearchPage{DocShell: m, Results: docsite.Search(append(b.Sections(), docsite.ReferenceSections(groups)...), m.Query)}))
}

// saveFeedback saves whether a page helped a reader.
func (l *docsHandlers) saveFeedback(req *request) error {
	b, err := l.manual()
	if err != nil {
		return err
	}
	page, helpful := req.formValue("page"), req.formValue("helpful")
	if b.Title(page) == "" || helpful != "yes" && helpful != "no" {
		return httpd.NewProblem(http.StatusBadRequest, "The feedback must be yes or no, about a page of the manual.")
	}
	if !l.feedbackLimit.Allow(req.clientAddress(), req.now) {
		return monitor.Faultf(monitor.RateLimited, "", "Too much feedback from your address. Try again in a few minutes.")
	}
	err = req.site.Service.AddFeedback(req.ctx(), req.actor, page, helpful == "yes", req.formValue("comment"))
	if wrong, about := fieldErrors(err); about {
		return l.renderPage(req, page, docsview.FeedbackAnswer{Helpful: helpful, Comment: ui.Input{Value: req.formValue("comment"), Error: wrong["comment"]}})
	}
	if err != nil {
		return err
	}
	return req.redirect(paths.Doc(page) + "?noted=1#helpful")
}

// showFeedback shows the feedback of readers to owners.
func (l *docsHandlers) showFeedback(req *request) error {
	b, err := l.manual()
	if err != nil {
		return err
	}
	list, err := req.site.Service.Feedback(req.ctx(), req.actor, manage.PageQuery{Cursor: req.r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	p := docsview.FeedbackPage{Shell: req.shell("")}
	for _, s := range list.Scores {
		p.Pages = append(p.Pages, docsview.PageScore{Slug: s.Page, Title: b.TitleOrSlug(s.Page), Yes: s.Yes, No: s.No})
	}
	for _, c := range list.Comments.Items {
		p.Comments = append(p.Comments, docsview.Comment{
			At: c.At, Slug: c.Page, Title: b.TitleOrSlug(c.Page), Helpful: c.Helpful, Text: c.Comment, By: c.Person,
		})
	}
	p.Pager = commentPager(req.r.URL.Query(), list.Comments)
	return req.render(docsview.Feedback(p))
}

// commentPager returns the pager of the comments. They can be read only forwards,
// so "back" leads to the first page. The query counts the comments on earlier
// pages.
func commentPager(q url.Values, l manage.ListPage[monitor.Feedback]) ui.Pager {
	seen, err := strconv.Atoi(q.Get("seen"))
	if err != nil || seen < 0 {
		seen = 0
	}
	p := ui.Pager{First: seen + 1, Last: seen + len(l.Items), Total: -1}
	if q.Get("cursor") != "" {
		p.Prev = paths.DocsFeedback
	}
	if l.Next != "" {
		p.Next = paths.DocsFeedback + "?" + url.Values{"cursor": {l.Next}, "seen": {strconv.Itoa(p.Last)}}.Encode()
	}
	return p
}
