package docsite

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/web/view/docsview"
)

// Limits of a search.
const (
	maxHits        = 30
	maxTerms       = 8  // further words are ignored
	excerptContext = 80 // bytes of text before and after the first match
)

// The score of a match by its place. A title outranks every heading, and a heading
// every text.
const (
	titleWeight     = 100
	headingWeight   = 10
	textWeight      = 1
	wholeWordFactor = 2 // compared with the beginning of a word
)

// Section is the unit of search results.
type Section struct {
	slug, page string // of the page; its title
	title, id  string // of the section; empty before the first heading
	text       string
}

// Search returns the sections that contain every word of the query, best first.
// Sections with the same score keep the order of the manual.
func Search(sections []Section, query string) []docsview.SearchResult {
	terms := searchTerms(query)
	type scored struct {
		Section
		score int
	}
	var found []scored
	for _, s := range sections {
		if score := s.score(terms); score > 0 {
			found = append(found, scored{s, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var hits []docsview.SearchResult
	for _, f := range found[:min(len(found), maxHits)] {
		hits = append(hits, docsview.SearchResult{Slug: f.slug, Anchor: f.id, Title: f.page, Section: f.title, Excerpt: excerpt(f.text, terms)})
	}
	return hits
}

// searchTerms returns the distinct words of a query in lower case.
func searchTerms(query string) []string {
	var terms []string
	for _, w := range strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return !isWordRune(r) }) {
		if !slices.Contains(terms, w) {
			terms = append(terms, w)
		}
	}
	return terms[:min(len(terms), maxTerms)]
}

// isWordRune reports whether a rune is part of a word.
func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// score returns the score of the section. It is 0 unless every word occurs in it,
// in its heading or in the title of its page.
func (s Section) score(terms []string) int {
	total := 0
	for _, term := range terms {
		score := headingWeight*matchQuality(s.title, term) + textWeight*matchQuality(s.text, term)
		if s.id == "" {
			score += titleWeight * matchQuality(s.page, term)
		} else if score == 0 && matchQuality(s.page, term) > 0 {
			score = textWeight
		}
		if score == 0 {
			return 0
		}
		total += score
	}
	return total
}

// matchQuality returns how well a text matches a term: wholeWordFactor for a whole
// word, 1 for the beginning of a word, 0 for no match.
func matchQuality(text, term string) int {
	best := 0
	for _, at := range wordStarts(text, term) {
		next, _ := utf8.DecodeRuneInString(text[at+len(term):])
		if next == utf8.RuneError || !isWordRune(next) {
			return wholeWordFactor
		}
		best = 1
	}
	return best
}

// wordStarts returns the offsets at which words of the text begin with the term. It
// supports only texts whose length does not change in lower case, so that offsets
// match; all pages of the manual are.
func wordStarts(text, term string) []int {
	small := strings.ToLower(text)
	if len(small) != len(text) || term == "" {
		return nil
	}
	var all []int
	for from := 0; ; {
		i := strings.Index(small[from:], term)
		if i < 0 {
			return all
		}
		at := from + i
		before, _ := utf8.DecodeLastRuneInString(small[:at])
		if at == 0 || !isWordRune(before) {
			all = append(all, at)
		}
		from = at + len(term)
	}
}

// excerpt returns the text around the first match, with all matches marked.
func excerpt(text string, terms []string) []docsview.ExcerptPart {
	first := -1
	for _, term := range terms {
		if p := wordStarts(text, term); len(p) > 0 && (first < 0 || p[0] < first) {
			first = p[0]
		}
	}
	window := clipAround(text, max(first, 0))
	var pieces []docsview.ExcerptPart
	for window != "" {
		at, length := firstTerm(window, terms)
		if length == 0 {
			return append(pieces, docsview.ExcerptPart{Text: window})
		}
		if at > 0 {
			pieces = append(pieces, docsview.ExcerptPart{Text: window[:at]})
		}
		pieces = append(pieces, docsview.ExcerptPart{Text: window[at : at+length], Match: true})
		window = window[at+length:]
	}
	return pieces
}

// firstTerm returns the next match of any term, and the longest one if several
// begin there.
func firstTerm(text string, terms []string) (at, length int) {
	for _, term := range terms {
		p := wordStarts(text, term)
		if len(p) == 0 {
			continue
		}
		if length == 0 || p[0] < at || p[0] == at && len(term) > length {
			at, length = p[0], len(term)
		}
	}
	return at, length
}

// clipAround returns whole words around an offset, with an ellipsis where text is
// omitted.
func clipAround(text string, at int) string {
	from, to := max(0, at-excerptContext), min(len(text), at+2*excerptContext)
	if from > 0 {
		if i := strings.IndexByte(text[from:at], ' '); i >= 0 {
			from += i + 1
		} else {
			from = at
		}
	}
	if to < len(text) {
		if i := strings.LastIndexByte(text[at:to], ' '); i > 0 {
			to = at + i
		}
	}
	cut := strings.ToValidUTF8(text[from:to], "")
	if from > 0 {
		cut = "… " + cut
	}
	if to < len(text) {
		cut += " …"
	}
	return cut
}
