package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/docsview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// saveFeedback keeps what a reader thought of a page.
func (l *docsHandlers) saveFeedback(v *request) error {
	b, err := l.manual()
	if err != nil {
		return err
	}
	page, helpful := v.formValue("page"), v.formValue("helpful")
	if b.Title(page) == "" || helpful != "yes" && helpful != "no" {
		return httpd.NewProblem(http.StatusBadRequest, "An answer is yes or no, to a page of the manual.")
	}
	if !l.feedbackLimit.Allow(v.clientAddress(), v.now) {
		return monitor.Faultf(monitor.RateLimited, "", "There were many answers from here just now. Try again in a few minutes.")
	}
	err = v.site.Service.AddFeedback(v.ctx(), v.actor, page, helpful == "yes", v.formValue("comment"))
	if wrong, about := fieldErrors(err); about {
		return l.renderPage(v, page, docsview.FeedbackAnswer{Helpful: helpful, Comment: ui.Input{Value: v.formValue("comment"), Error: wrong["comment"]}})
	}
	if err != nil {
		return err
	}
	return v.redirect(paths.Doc(page) + "?noted=1#helpful")
}

// showFeedback shows an owner what readers answered.
func (l *docsHandlers) showFeedback(v *request) error {
	b, err := l.manual()
	if err != nil {
		return err
	}
	told, err := v.site.Service.Feedback(v.ctx(), v.actor, manage.PageQuery{Cursor: v.r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	p := docsview.FeedbackPage{Shell: v.shell("")}
	for _, s := range told.Scores {
		p.Pages = append(p.Pages, docsview.PageScore{Slug: s.Page, Title: b.TitleOrSlug(s.Page), Yes: s.Yes, No: s.No})
	}
	for _, c := range told.Comments.Items {
		p.Comments = append(p.Comments, docsview.Comment{
			At: c.At, Slug: c.Page, Title: b.TitleOrSlug(c.Page), Helpful: c.Helpful, Text: c.Comment, By: c.Person,
		})
	}
	p.Pager = commentPager(v.r.URL.Query(), told.Comments)
	return v.render(docsview.Feedback(p))
}

// commentPager leads through the comments, which are read forwards: back means
// to the beginning. What was seen before is only counted for the reader.
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

// TitleOrSlug is the title of a page, or its slug when the manual has it no more.
func (b *Manual) TitleOrSlug(slug string) string { return cmp.Or(b.Title(slug), slug) }
