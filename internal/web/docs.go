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

// mostChoices is how many heartbeats a reader may choose from: the newest, for
// who reads this is wiring one up.
const mostChoices = 50

// noID stands in the ping URL of a reader who has none.
const noID = "YOUR-ID"

// library is the manual with all that its pages are drawn from, read when
// somebody first asks.
type library struct {
	book      func() (*book, error)
	reference func() ([]view.OperationGroup, error)
	throttle  *throttle
}

// newLibrary returns the manual of an installation. document is the description
// of its API; without one the reference only says where it is.
func newLibrary(base string, document func() ([]byte, error)) *library {
	return &library{
		book: sync.OnceValues(openBook),
		reference: sync.OnceValues(func() ([]view.OperationGroup, error) {
			if document == nil {
				return nil, nil
			}
			written, err := document()
			if err != nil {
				return nil, err
			}
			s, err := readSpec(written)
			if err != nil {
				return nil, err
			}
			return s.groups(base), nil
		}),
		throttle: newThrottle(),
	}
}

// docRoutes are the pages of the manual. Everybody may read it.
func (s *Site) docRoutes() []route {
	l := newLibrary(s.Base, s.Document)
	return []route{
		{pattern: "GET /docs", needs: open, handle: func(v *visit) error { return v.redirect(view.FirstPath) }},
		{pattern: "GET /docs/{page}", needs: open, handle: l.page},
		{pattern: "GET /docs/search", needs: open, handle: l.search},
		{pattern: "POST /docs/feedback", needs: open, handle: l.answer},
		{pattern: "GET /feedback", needs: auth.ReadFeedback, handle: l.feedback},
	}
}

// surroundings are what is around every page of the manual.
func (l *library) surroundings(v *visit) (*book, view.Manual, error) {
	b, err := l.book()
	if err != nil {
		return nil, view.Manual{}, err
	}
	return b, view.Manual{Clock: v.clock, Theme: v.theme(), Nav: b.nav, SignedIn: v.who.Known()}, nil
}

// page shows one page.
func (l *library) page(v *visit) error {
	return l.show(v, v.r.PathValue("page"), view.DocAnswer{Kept: v.r.URL.Query().Has("noted")})
}

// show draws a page, with an answer to it that was kept or could not be.
func (l *library) show(v *visit, slug string, answer view.DocAnswer) error {
	b, m, err := l.surroundings(v)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if answer.Comment.Error != "" {
		status = refused
	}
	before, after := b.around(slug)
	if slug == referenceSlug {
		groups, err := l.reference()
		if err != nil {
			return err
		}
		return v.showStatus(status, view.Reference(view.ReferencePage{
			Manual: m, BaseURL: v.site.Base + apiPrefix, Spec: specPath, Groups: groups, Before: before, After: after, Answer: answer,
		}))
	}
	c := b.pages[slug]
	if c == nil {
		return monitor.Wrong(monitor.Missing, "", "The manual has no such page.")
	}
	who, err := v.reader(slug)
	if err != nil {
		return err
	}
	return v.showStatus(status, view.Doc(view.DocPage{
		Manual: m, Slug: slug, Title: c.title, Lede: c.lede, Contents: c.contents, Body: c.body(who), Next: c.next,
		Before: before, After: after, Answer: answer,
	}))
}

// body draws all parts of a page for a reader.
func (c *chapter) body(r docReader) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, p := range c.parts {
			if err := p(r).Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// reader is the visitor as the manual knows them: with the ping URL of the
// heartbeat that they chose, or else of their newest.
func (v *visit) reader(slug string) (docReader, error) {
	who := docReader{base: v.site.Base, pingURL: v.site.pingBase() + noID}
	if !v.actor.SeesPingURLs() {
		return who, nil
	}
	newest, err := v.site.Desk.Newest(v.ctx(), v.actor, mostChoices)
	if err != nil || len(newest) == 0 {
		return who, err
	}
	chosen := newest[0]
	if key := v.r.URL.Query().Get("heartbeat"); key != "" {
		h, err := v.site.Desk.Heartbeat(v.ctx(), v.actor, key)
		if err != nil {
			return who, err
		}
		chosen = h
	}
	who.pingURL = v.site.pingBase() + chosen.ID
	who.choice = view.DocChoice{Slug: slug, Chosen: chosen.Ref}
	listed := false
	for _, h := range newest {
		listed = listed || h.Ref == chosen.Ref
		who.choice.Choices = append(who.choice.Choices, view.DocHeartbeat{Key: h.Ref, Name: h.Name})
	}
	if !listed {
		who.choice.Choices = append(who.choice.Choices, view.DocHeartbeat{Key: chosen.Ref, Name: chosen.Name})
	}
	return who, nil
}

// search shows where something is told.
func (l *library) search(v *visit) error {
	b, m, err := l.surroundings(v)
	if err != nil {
		return err
	}
	groups, err := l.reference()
	if err != nil {
		return err
	}
	m.Query = strings.TrimSpace(v.r.URL.Query().Get("q"))
	return v.show(view.DocSearch(view.SearchPage{Manual: m, Hits: find(append(b.sections(), referenceSections(groups)...), m.Query)}))
}

// sections are what the search looks through, in the order of the manual.
func (b *book) sections() []docSection {
	var all []docSection
	for _, l := range b.order {
		if c := b.pages[l.Slug]; c != nil {
			all = append(all, c.sections...)
		}
	}
	return all
}
