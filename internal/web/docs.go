package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// maxHeartbeatChoices is how many heartbeats a reader may choose from: the newest, for
// who reads this is wiring one up.
const maxHeartbeatChoices = 50

// placeholderID stands in the ping URL of a reader who has none.
const placeholderID = "YOUR-ID"

// docsHandlers is the manual with all that its pages are drawn from, read when
// somebody first asks.
type docsHandlers struct {
	manual        func() (*Manual, error)
	reference     func() ([]view.OperationGroup, error)
	feedbackLimit *FeedbackLimiter
}

// newDocsHandlers returns the manual of an installation. document is the description
// of its API; without one the reference only says where it is.
func newDocsHandlers(base string, document func() ([]byte, error)) *docsHandlers {
	return &docsHandlers{
		manual: sync.OnceValues(Load),
		reference: sync.OnceValues(func() ([]view.OperationGroup, error) {
			if document == nil {
				return nil, nil
			}
			written, err := document()
			if err != nil {
				return nil, err
			}
			s, err := ParseOpenAPI(written)
			if err != nil {
				return nil, err
			}
			return s.Groups(base), nil
		}),
		feedbackLimit: NewFeedbackLimiter(),
	}
}

// docRoutes are the pages of the manual. Everybody may read it.
func (s *Site) docRoutes() []route {
	l := newDocsHandlers(s.BaseURL, s.OpenAPI)
	return []route{
		{pattern: "GET /docs", right: anyone, handle: func(v *request) error { return v.redirect(view.FirstHeartbeatPath) }},
		{pattern: "GET /docs/{page}", right: anyone, handle: l.showPage},
		{pattern: "GET /docs/search", right: anyone, handle: l.search},
		{pattern: "POST /docs/feedback", right: anyone, handle: l.saveFeedback},
		{pattern: "GET /feedback", right: auth.ReadFeedback, handle: l.showFeedback},
	}
}

// layout are what is around every page of the manual.
func (l *docsHandlers) layout(v *request) (*Manual, view.DocShell, error) {
	b, err := l.manual()
	if err != nil {
		return nil, view.DocShell{}, err
	}
	return b, view.DocShell{Clock: v.clock, Theme: v.theme(), Nav: b.Nav, SignedIn: v.person.SignedIn()}, nil
}

// showPage shows one page.
func (l *docsHandlers) showPage(v *request) error {
	return l.renderPage(v, v.r.PathValue("page"), view.DocFeedback{Saved: v.r.URL.Query().Has("noted")})
}

// renderPage draws a page, with an answer to it that was kept or could not be.
func (l *docsHandlers) renderPage(v *request, slug string, answer view.DocFeedback) error {
	b, m, err := l.layout(v)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if answer.Comment.Error != "" {
		status = statusInvalid
	}
	before, after := b.Neighbours(slug)
	if slug == ReferenceSlug {
		groups, err := l.reference()
		if err != nil {
			return err
		}
		return v.renderStatus(status, view.APIReference(view.APIReferencePage{
			DocShell: m, BaseURL: v.site.BaseURL + APIPrefix, SpecPath: SpecPath, Groups: groups, Before: before, After: after, Answer: answer,
		}))
	}
	c := b.Pages[slug]
	if c == nil {
		return monitor.Faultf(monitor.NotFound, "", "The manual has no such page.")
	}
	who, err := v.docsReader(slug)
	if err != nil {
		return err
	}
	return v.renderStatus(status, view.Doc(view.DocPage{
		DocShell: m, Slug: slug, Title: c.Title, Lede: c.Lede, Contents: c.Contents, Body: c.Body(who), Next: c.Next,
		Before: before, After: after, Answer: answer,
	}))
}

// Body draws all parts of a page for a reader.
func (c *Page) Body(r Reader) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range c.parts {
			if err := p(r).Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// docsReader is the visitor as the manual knows them: with the ping URL of the
// heartbeat that they chose, or else of their newest.
func (v *request) docsReader(slug string) (Reader, error) {
	who := Reader{BaseURL: v.site.BaseURL, PingURL: v.site.pingBase() + placeholderID}
	if !v.actor.SeesPingURLs() {
		return who, nil
	}
	newest, err := v.site.Service.NewestHeartbeats(v.ctx(), v.actor, maxHeartbeatChoices)
	if err != nil || len(newest) == 0 {
		return who, err
	}
	chosen := newest[0]
	if key := v.r.URL.Query().Get("heartbeat"); key != "" {
		h, err := v.site.Service.Heartbeat(v.ctx(), v.actor, key)
		if err != nil {
			return who, err
		}
		chosen = h
	}
	who.PingURL = v.site.pingBase() + chosen.ID
	who.Choice = view.DocHeartbeatChoice{Slug: slug, Chosen: chosen.Ref}
	listed := false
	for _, h := range newest {
		listed = listed || h.Ref == chosen.Ref
		who.Choice.Choices = append(who.Choice.Choices, view.DocHeartbeat{Key: h.Ref, Name: h.Name})
	}
	if !listed {
		who.Choice.Choices = append(who.Choice.Choices, view.DocHeartbeat{Key: chosen.Ref, Name: chosen.Name})
	}
	return who, nil
}

// search shows where something is told.
func (l *docsHandlers) search(v *request) error {
	b, m, err := l.layout(v)
	if err != nil {
		return err
	}
	groups, err := l.reference()
	if err != nil {
		return err
	}
	m.Query = strings.TrimSpace(v.r.URL.Query().Get("q"))
	return v.render(view.DocSearch(view.DocSearchPage{DocShell: m, Results: Search(append(b.Sections(), ReferenceSections(groups)...), m.Query)}))
}

// Sections are what the search looks through, in the order of the manual.
func (b *Manual) Sections() []Section {
	var all []Section
	for _, l := range b.Order {
		if c := b.Pages[l.Slug]; c != nil {
			all = append(all, c.sections...)
		}
	}
	return all
}
