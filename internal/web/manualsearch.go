package web

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"overdue/internal/web/view"
)

// Bounds of a search.
const (
	mostHits    = 30
	mostTerms   = 8  // words that are looked for; more narrow nothing down
	aroundFound = 80 // bytes of text before and after the first place found
)

// What a word is worth by where it was found. A title outweighs every heading,
// and a heading every text.
const (
	inTitle   = 100
	inHeading = 10
	inText    = 1
	wholeWord = 2 // times as much as the beginning of a word
)

// docSection is a piece of the manual that is found as one.
type docSection struct {
	slug, page string // of the page; its title
	title, id  string // of the section; empty before the first heading
	text       string
}

// find returns the sections in which every word of the query occurs, the best
// first. Equals stay in the order of the manual.
func find(sections []docSection, query string) []view.DocHit {
	terms := termsOf(query)
	type scored struct {
		docSection
		score int
	}
	var found []scored
	for _, s := range sections {
		if score := s.score(terms); score > 0 {
			found = append(found, scored{s, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var hits []view.DocHit
	for _, f := range found[:min(len(found), mostHits)] {
		hits = append(hits, view.DocHit{Slug: f.slug, Anchor: f.id, Title: f.page, Section: f.title, Excerpt: excerpt(f.text, terms)})
	}
	return hits
}

// termsOf are the words to look for, in small letters, each once.
func termsOf(query string) []string {
	var terms []string
	for _, w := range strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return !wordly(r) }) {
		if !slices.Contains(terms, w) {
			terms = append(terms, w)
		}
	}
	return terms[:min(len(terms), mostTerms)]
}

// wordly reports whether a letter can be part of a word.
func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// score is what the section is worth, 0 unless every word occurs in it, in its
// heading or in the title of its page.
func (s docSection) score(terms []string) int {
	total := 0
	for _, term := range terms {
		score := inHeading*worth(s.title, term) + inText*worth(s.text, term)
		if s.id == "" {
			score += inTitle * worth(s.page, term)
		} else if score == 0 && worth(s.page, term) > 0 {
			score = inText
		}
		if score == 0 {
			return 0
		}
		total += score
	}
	return total
}

// worth is how well a text holds a word: as a whole, as the beginning of a
// word, or not at all.
func worth(text, term string) int {
	best := 0
	for _, at := range places(text, term) {
		next, _ := utf8.DecodeRuneInString(text[at+len(term):])
		if next == utf8.RuneError || !wordly(next) {
			return wholeWord
		}
		best = 1
	}
	return best
}

// places are where words of the text begin with the term. Only texts whose
// small letters are as long as their large ones are searched, so that a place
// in one is a place in the other; all of ours are.
func places(text, term string) []int {
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
		if at == 0 || !wordly(before) {
			all = append(all, at)
		}
		from = at + len(term)
	}
}

// excerpt is the text around the first word found, in pieces, with every word
// that was looked for marked.
func excerpt(text string, terms []string) []view.DocPiece {
	first := -1
	for _, term := range terms {
		if p := places(text, term); len(p) > 0 && (first < 0 || p[0] < first) {
			first = p[0]
		}
	}
	window := clip(text, max(first, 0))
	var pieces []view.DocPiece
	for window != "" {
		at, length := nearest(window, terms)
		if length == 0 {
			return append(pieces, view.DocPiece{Text: window})
		}
		if at > 0 {
			pieces = append(pieces, view.DocPiece{Text: window[:at]})
		}
		pieces = append(pieces, view.DocPiece{Text: window[at : at+length], Found: true})
		window = window[at+length:]
	}
	return pieces
}

// nearest is the next place of any term, the longest where several begin.
func nearest(text string, terms []string) (at, length int) {
	for _, term := range terms {
		p := places(text, term)
		if len(p) == 0 {
			continue
		}
		if length == 0 || p[0] < at || p[0] == at && len(term) > length {
			at, length = p[0], len(term)
		}
	}
	return at, length
}

// clip cuts out whole words around a place, with dots where something is left out.
func clip(text string, at int) string {
	from, to := max(0, at-aroundFound), min(len(text), at+2*aroundFound)
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
