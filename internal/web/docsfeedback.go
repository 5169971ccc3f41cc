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

// answer keeps what a reader thought of a page.
func (l *library) answer(v *visit) error {
	b, err := l.book()
	if err != nil {
		return err
	}
	page, helpful := v.text("page"), v.text("helpful")
	if b.title(page) == "" || helpful != "yes" && helpful != "no" {
		return httpd.NewProblem(http.StatusBadRequest, "An answer is yes or no, to a page of the manual.")
	}
	if !l.throttle.allows(v.source(), v.now) {
		return monitor.Wrong(monitor.Limited, "", "There were many answers from here just now. Try again in a few minutes.")
	}
	err = v.site.Desk.AddFeedback(v.ctx(), v.actor, page, helpful == "yes", v.text("comment"))
	if wrong, about := wrongs(err); about {
		return l.show(v, page, view.DocAnswer{Helpful: helpful, Comment: view.Input{Value: v.text("comment"), Error: wrong["comment"]}})
	}
	if err != nil {
		return err
	}
	return v.redirect(view.DocPath(page) + "?noted=1#helpful")
}

// feedback shows an owner what readers answered.
func (l *library) feedback(v *visit) error {
	b, err := l.book()
	if err != nil {
		return err
	}
	told, err := v.site.Desk.Feedback(v.ctx(), v.actor, manage.Page{Cursor: v.r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	p := view.FeedbackPage{Shell: v.shell("")}
	for _, s := range told.Scores {
		p.Pages = append(p.Pages, view.DocScore{Slug: s.Page, Title: b.named(s.Page), Yes: s.Yes, No: s.No})
	}
	for _, c := range told.Comments.Items {
		p.Comments = append(p.Comments, view.DocComment{
			At: c.At, Slug: c.Page, Title: b.named(c.Page), Helpful: c.Helpful, Text: c.Comment, By: c.Person,
		})
	}
	p.Pager = commentPager(v.r.URL.Query(), told.Comments)
	return v.show(view.Feedback(p))
}

// commentPager leads through the comments, which are read forwards: back means
// to the beginning. What was seen before is only counted for the reader.
func commentPager(q url.Values, l manage.Listing[monitor.Feedback]) view.Pager {
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

// named is the title of a page, or its slug when the manual has it no more.
func (b *book) named(slug string) string { return cmp.Or(b.title(slug), slug) }
