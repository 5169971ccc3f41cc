package docsite

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"

	"overdue/docs/manual"
	"overdue/internal/web/view/docsview"
)

// ReferenceSlug is the slug of the API reference, which is generated from the
// OpenAPI document.
const ReferenceSlug = "api"

// referenceTitle is the title of the API reference.
const referenceTitle = "API reference"

// navGroup is one heading of the navigation with its pages.
type navGroup struct {
	title string
	slugs []string
}

// navigation returns the order of the manual.
func navigation() []navGroup {
	return []navGroup{
		{"Start", []string{"first-heartbeat", "integrations", "self-hosting"}},
		{"How it works", []string{"statuses", "schedules", "grace-period", "incidents", "delivery"}},
		{"Use", []string{"pinging", "channels", "alert-policy", "maintenance", "people"}},
		{"Reference", []string{"command-line", ReferenceSlug, "configuration", "operations"}},
	}
}

// Manual is the parsed manual.
type Manual struct {
	Nav   []docsview.NavGroup
	Order []docsview.Link  // all pages, one after the other
	Pages map[string]*Page // by slug, without the API reference
}

// Load parses the manual that the program contains.
func Load() (*Manual, error) { return parseManual(manual.Files(), navigation()) }

// parseManual parses the pages of the navigation. It fails if a page is missing
// from the navigation, if a link leads nowhere, or if a page holds HTML.
func parseManual(files fs.FS, shelves []navGroup) (*Manual, error) {
	b := &Manual{Pages: map[string]*Page{}}
	for _, s := range shelves {
		group := docsview.NavGroup{Title: s.title}
		for _, slug := range s.slugs {
			title := referenceTitle
			if slug != ReferenceSlug {
				c, err := parsePage(files, slug)
				if err != nil {
					return nil, fmt.Errorf("manual: %s: %w", slug, err)
				}
				b.Pages[slug], title = c, c.Title
			}
			group.Pages = append(group.Pages, docsview.Link{Slug: slug, Title: title})
		}
		b.Nav = append(b.Nav, group)
		b.Order = append(b.Order, group.Pages...)
	}
	if err := b.checkComplete(files); err != nil {
		return nil, err
	}
	return b, b.checkLinks()
}

// Sections returns what the search covers, in the order of the manual.
func (b *Manual) Sections() []Section {
	var all []Section
	for _, l := range b.Order {
		if c := b.Pages[l.Slug]; c != nil {
			all = append(all, c.sections...)
		}
	}
	return all
}

// TitleOrSlug returns the title of a page, or the slug if the page no longer
// exists.
func (b *Manual) TitleOrSlug(slug string) string { return cmp.Or(b.Title(slug), slug) }

// checkComplete checks that the navigation contains every page.
func (b *Manual) checkComplete(files fs.FS) error {
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return fmt.Errorf("manual: %w", err)
	}
	for _, name := range names {
		if slug := strings.TrimSuffix(name, ".md"); b.Pages[slug] == nil {
			return fmt.Errorf("manual: %s is missing from the navigation", slug)
		}
	}
	return nil
}

// checkLinks checks all links between pages, and adds the titles of the pages to
// read next.
func (b *Manual) checkLinks() error {
	for slug, c := range b.Pages {
		for _, to := range c.links {
			if !b.has(to) {
				return fmt.Errorf("manual: %s links to %s, which does not exist", slug, to)
			}
		}
		for i, n := range c.Next {
			if c.Next[i].Title = b.Title(n.Slug); c.Next[i].Title == "" {
				return fmt.Errorf("manual: %s: next page %s does not exist", slug, n.Slug)
			}
		}
	}
	return nil
}

// has reports whether a link target such as "statuses#late" exists.
func (b *Manual) has(place string) bool {
	slug, id, within := strings.Cut(place, "#")
	c := b.Pages[slug]
	if c == nil {
		return slug == ReferenceSlug && !within
	}
	return !within || c.ids[id]
}

// Title returns the title of a page, or "" if there is no such page.
func (b *Manual) Title(slug string) string {
	for _, l := range b.Order {
		if l.Slug == slug {
			return l.Title
		}
	}
	return ""
}

// Neighbours returns the pages before and after a page.
func (b *Manual) Neighbours(slug string) (before, after docsview.Link) {
	for i, l := range b.Order {
		if l.Slug != slug {
			continue
		}
		if i > 0 {
			before = b.Order[i-1]
		}
		if i+1 < len(b.Order) {
			after = b.Order[i+1]
		}
	}
	return before, after
}
