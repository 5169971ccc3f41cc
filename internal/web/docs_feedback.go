package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
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
		return l.renderPage(v, page, view.DocFeedback{Helpful: helpful, Comment: view.Input{Value: v.formValue("comment"), Error: wrong["comment"]}})
	}
	if err != nil {
		return err
	}
	return v.redirect(view.DocPath(page) + "?noted=1#helpful")
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
	p := view.FeedbackPage{Shell: v.shell("")}
	for _, s := range told.Scores {
		p.Pages = append(p.Pages, view.DocPageFeedback{Slug: s.Page, Title: b.TitleOrSlug(s.Page), Yes: s.Yes, No: s.No})
	}
	for _, c := range told.Comments.Items {
		p.Comments = append(p.Comments, view.DocComment{
			At: c.At, Slug: c.Page, Title: b.TitleOrSlug(c.Page), Helpful: c.Helpful, Text: c.Comment, By: c.Person,
		})
	}
	p.Pager = commentPager(v.r.URL.Query(), told.Comments)
	return v.render(view.Feedback(p))
}

// commentPager leads through the comments, which are read forwards: back means
// to the beginning. What was seen before is only counted for the reader.
func commentPager(q url.Values, l manage.ListPage[monitor.Feedback]) view.Pager {
	seen, err := strconv.Atoi(q.Get("seen"))
	if err != nil || seen < 0 {
		seen = 0
	}
	p := view.Pager{First: seen + 1, Last: seen + len(l.Items), Total: -1}
	if q.Get("cursor") != "" {
		p.Prev = view.FeedbackPath
	}
	if l.Next != "" {
		p.Next = view.FeedbackPath + "?" + url.Values{"cursor": {l.Next}, "seen": {strconv.Itoa(p.Last)}}.Encode()
	}
	return p
}

// TitleOrSlug is the title of a page, or its slug when the manual has it no more.
func (b *Manual) TitleOrSlug(slug string) string { return cmp.Or(b.Title(slug), slug) }
