package listindex

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"overdue/internal/monitor"
)

// Filter selects a page of a list of heartbeats.
type Filter struct {
	Project   int64
	Status    monitor.Status // empty: any
	Tags      []string       // all of them
	Text      string         // in name, slug, description, tag, or the beginning of an id
	SearchIDs bool           // Text can also be the beginning of an id; ids are secret, because they can send pings
	Running   bool           // only heartbeats with a run in progress
	Sort      string         // due, last, name, created, slowest; otherwise attention first
	From      Position       // the row next to the page; zero: the first page
	Backwards bool           // the page is before From, not after it
	Limit     int
}

// Position is the position of a row in an order.
type Position struct {
	Text   string // in the order by name
	Number int64  // in all other orders
	Key    int64  // of the row; 0: no position
}

// TagCount is a tag and the number of heartbeats that have it.
type TagCount struct {
	Tag   string
	Count int
}

// StatusCounts counts the heartbeats of a project by status.
type StatusCounts struct {
	ByStatus map[monitor.Status]int
	Running  int // heartbeats with a run in progress, of any status
}

// View reads the index. It is valid until the function that [Index.View] called returns.
type View struct{ t *table }

// matcher is a filter that is prepared for one table.
type matcher struct {
	flags, mask uint8
	tags        []bool // by set; nil: any
	nothing     bool   // no row can match

	text     []byte // in lower case; empty: any
	tagTexts []bool // sets with a tag that contains text; nil: none
	ids      bool
	idFrom   uint32 // first eight digits of the ids that begin with text
	idTo     uint32
	byID     bool           // text can be the beginning of an id
	keys     map[int64]bool // rows whose id begins with text, if that is longer than eight digits

	marks [chunkSize]bool // rows of the current chunk whose text contains text
}

// matcher prepares a filter. keys are the rows that IDCandidates returned and that match.
func (v View) matcher(f Filter, keys []int64) *matcher {
	m := &matcher{ids: f.SearchIDs}
	if f.Status != "" {
		n := slices.Index(statuses[:], f.Status)
		m.flags, m.mask, m.nothing = uint8(max(0, n)), statusBits, n < 0
	}
	if f.Running {
		m.flags, m.mask = m.flags|runningFlag, m.mask|runningFlag
	}
	if len(f.Tags) > 0 {
		m.tags = v.t.tags.matching(func(set []uint32) bool {
			return !slices.ContainsFunc(f.Tags, func(tag string) bool {
				n, known := v.t.tags.numbers[tag]
				return !known || !slices.Contains(set, n)
			})
		})
		m.nothing = m.nothing || m.tags == nil
	}
	if f.Text == "" {
		return m
	}
	text := strings.ToLower(f.Text)
	m.text = []byte(text)
	contains := make([]bool, len(v.t.tags.names))
	for n, tag := range v.t.tags.names {
		contains[n] = strings.Contains(strings.ToLower(tag), text)
	}
	m.tagTexts = v.t.tags.matching(func(set []uint32) bool {
		return slices.ContainsFunc(set, func(n uint32) bool { return contains[n] })
	})
	m.idFrom, m.idTo, m.byID = idRange(text)
	m.byID = m.byID && len(text) <= 8
	if len(keys) > 0 {
		m.keys = make(map[int64]bool, len(keys))
		for _, key := range keys {
			m.keys[key] = true
		}
	}
	return m
}

// idRange returns the range of the first eight digits of the ids that begin with a text. ok is
// false if no id does.
func idRange(text string) (from, to uint32, ok bool) {
	digits := text[:min(8, len(text))]
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || digits[0] == '+' {
		return 0, 0, false
	}
	shift := 4 * (8 - len(digits))
	return uint32(n << shift), uint32(n<<shift | (1<<shift - 1)), true
}

// rows appends to found which rows of a chunk match.
func (m *matcher) rows(c *chunk, found []uint16) []uint16 {
	found = found[:0]
	if m.nothing {
		return found
	}
	for i, flags := range c.flags[:c.n] {
		if flags&m.mask == m.flags && (m.tags == nil || m.tags[c.tags[i]]) {
			found = append(found, uint16(i))
		}
	}
	if len(m.text) == 0 || len(found) == 0 {
		return found
	}
	if many := len(found) > c.n/8; many {
		c.markMatches(m.text, &m.marks)
	} else {
		for _, i := range found {
			m.marks[i] = c.flags[i]&ownIDFlag == 0 && bytes.Contains(c.text(int(i)), m.text)
		}
	}
	return slices.DeleteFunc(found, func(i uint16) bool { return !m.marks[i] && !m.matchesElsewhere(c, int(i)) })
}

// matchesElsewhere reports whether a row matches by a tag or an id, or by a text that contains
// its id.
func (m *matcher) matchesElsewhere(c *chunk, i int) bool {
	if m.byID && (isWithin(c.ref[i], m.idFrom, m.idTo) || m.ids && isWithin(c.id[i], m.idFrom, m.idTo)) || m.keys[c.keys[i]] {
		return true
	}
	byTag := m.tagTexts != nil && m.tagTexts[c.tags[i]]
	if c.flags[i]&ownIDFlag == 0 {
		return byTag
	}
	text, tags := c.visibleText(i, m.ids)
	return m.ids && byTag || bytes.Contains(text, m.text) || !m.ids && bytes.Contains(tags, m.text)
}

func isWithin(n, from, to uint32) bool { return n >= from && n <= to }

// IDCandidates returns the keys of up to limit heartbeats whose id can begin with the text of a
// filter: the index has only the first eight digits of an id, so a longer text must be compared in
// the database.
func (v View) IDCandidates(f Filter, limit int) (keys []int64) {
	text := strings.ToLower(f.Text)
	from, to, ok := idRange(text + "-")
	if len(text) <= 8 || !ok || v.t.projects[f.Project] == nil {
		return nil
	}
	for _, c := range v.t.projects[f.Project].chunks {
		for i := range c.n {
			if (isWithin(c.ref[i], from, to) || f.SearchIDs && isWithin(c.id[i], from, to)) && len(keys) < limit {
				keys = append(keys, c.keys[i])
			}
		}
	}
	return keys
}

// each calls fn for each chunk of a project with the rows that match.
func (v View) each(projectKey int64, m *matcher, fn func(c *chunk, rows []uint16)) {
	p := v.t.projects[projectKey]
	if p == nil {
		return
	}
	buffer := make([]uint16, 0, chunkSize)
	for _, c := range p.chunks {
		if buffer = m.rows(c, buffer); len(buffer) > 0 {
			fn(c, buffer)
		}
	}
}

// Select returns the positions of up to Limit heartbeats in the order of the filter, and how many
// heartbeats match in total. keys are those of IDCandidates that match.
func (v View) Select(f Filter, keys []int64) (page []Position, total int) {
	m := v.matcher(f, keys)
	if f.Sort == "name" {
		return v.selectByName(f, m)
	}
	value := orderOf(f.Sort)
	best := newSmallest(f.Limit, func(a, b Position) bool {
		return a.Number < b.Number || a.Number == b.Number && a.Key < b.Key
	})
	from := inDirection(f.From, f.Backwards)
	v.each(f.Project, m, func(c *chunk, rows []uint16) {
		total += len(rows)
		for _, i := range rows {
			p := inDirection(Position{Number: value(c, int(i)), Key: c.keys[i]}, f.Backwards)
			if f.From.Key == 0 || from.Number < p.Number || from.Number == p.Number && from.Key < p.Key {
				best.add(p)
			}
		}
	})
	page = best.sorted()
	if f.Backwards {
		slices.Reverse(page)
		for i := range page {
			page[i] = inDirection(page[i], true)
		}
	}
	return page, total
}

// inDirection returns a position whose order is ascending in the direction of a page: if that is
// backwards, it inverts the bits, which reverses the order. Inverting them again restores it.
func inDirection(p Position, backwards bool) Position {
	if backwards {
		p.Number, p.Key = ^p.Number, ^p.Key
	}
	return p
}

// selectByName is Select in the order by name.
func (v View) selectByName(f Filter, m *matcher) (page []Position, total int) {
	type named struct {
		name []byte
		key  int64
	}
	sign := 1
	if f.Backwards {
		sign = -1
	}
	compare := func(a, b named) int {
		if c := bytes.Compare(a.name, b.name); c != 0 {
			return sign * c
		}
		return sign * int(min(1, max(-1, a.key-b.key)))
	}
	best := newSmallest(f.Limit, func(a, b named) bool { return compare(a, b) < 0 })
	from := named{[]byte(f.From.Text), f.From.Key}
	v.each(f.Project, m, func(c *chunk, rows []uint16) {
		total += len(rows)
		for _, i := range rows {
			r := named{c.name(int(i)), c.keys[i]}
			if f.From.Key == 0 || compare(from, r) < 0 {
				best.add(r)
			}
		}
	})
	for _, r := range best.sorted() {
		page = append(page, Position{Text: string(r.name), Key: r.key})
	}
	if f.Backwards {
		slices.Reverse(page)
	}
	return page, total
}

// orderOf returns the value of a row in an order by numbers.
func orderOf(sort string) func(c *chunk, i int) int64 {
	switch sort {
	case "due":
		return func(c *chunk, i int) int64 {
			if s := statuses[c.flags[i]&statusBits]; c.due[i] == None || s == monitor.New || s == monitor.Paused {
				return math.MaxInt64
			}
			return c.due[i]
		}
	case "last":
		return func(c *chunk, i int) int64 {
			if c.lastPing[i] == None {
				return 0
			}
			return -c.lastPing[i]
		}
	case "created":
		return func(c *chunk, i int) int64 { return c.created[i] }
	case "slowest":
		return func(c *chunk, i int) int64 {
			if c.runTime[i] == None {
				return 1
			}
			return -c.runTime[i]
		}
	}
	return func(c *chunk, i int) int64 {
		due := c.due[i]
		if due == None {
			due = c.created[i]
		}
		return int64(c.flags[i]&statusBits)*AttentionStep + due
	}
}

// AttentionStep separates the statuses in the order by attention. It is greater than any time.
const AttentionStep = 1_000_000_000_000_000_000

// smallest keeps the smallest elements of many: a heap whose root is the greatest of them.
type smallest[T any] struct {
	less  func(a, b T) bool
	limit int
	heap  []T
}

func newSmallest[T any](limit int, less func(a, b T) bool) *smallest[T] {
	return &smallest[T]{less: less, limit: limit, heap: make([]T, 0, limit)}
}

func (s *smallest[T]) add(v T) {
	if len(s.heap) < s.limit {
		s.heap = append(s.heap, v)
		for i := len(s.heap) - 1; i > 0; {
			parent := (i - 1) / 2
			if !s.less(s.heap[parent], s.heap[i]) {
				return
			}
			s.heap[parent], s.heap[i] = s.heap[i], s.heap[parent]
			i = parent
		}
		return
	}
	if s.limit == 0 || !s.less(v, s.heap[0]) {
		return
	}
	s.heap[0] = v
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(s.heap) {
			return
		}
		if child+1 < len(s.heap) && s.less(s.heap[child], s.heap[child+1]) {
			child++
		}
		if !s.less(s.heap[i], s.heap[child]) {
			return
		}
		s.heap[i], s.heap[child] = s.heap[child], s.heap[i]
		i = child
	}
}

// sorted returns the elements, smallest first.
func (s *smallest[T]) sorted() []T {
	slices.SortFunc(s.heap, func(a, b T) int {
		switch {
		case s.less(a, b):
			return -1
		case s.less(b, a):
			return 1
		}
		return 0
	})
	return s.heap
}
