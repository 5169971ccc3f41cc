package listindex

import (
	"bytes"
	"slices"
	"strings"
	"unsafe"

	"overdue/internal/monitor"
)

// None is the value of a time or duration that is not set.
const None int64 = -1 << 63

// State is what pings and evaluations change about a heartbeat. Times and durations are in
// microseconds, times since 1970.
type State struct {
	Project, Key int64
	Status       monitor.Status
	Running      bool  // a run is in progress
	Due          int64 // next expected ping
	LastPing     int64
	RunTime      int64 // of the last run
}

// Row is everything that the index contains about a heartbeat.
type Row struct {
	State
	Created                          int64
	ID, Ref, Name, Slug, Description string
	Tags                             []string
}

// chunkSize is the maximum number of heartbeats of a chunk.
const chunkSize = 1024

// Bits of chunk.flags. The lowest bits are the number of the status.
const (
	statusBits  = 0x07
	runningFlag = 0x10
	ownIDFlag   = 0x20 // the texts contain the id of the heartbeat
)

// statuses are the numbers of the statuses, which are also their ranks in the order by attention.
var statuses = [...]monitor.Status{monitor.Down, monitor.Late, monitor.New, monitor.Paused, monitor.Up}

// chunk contains the columns of up to chunkSize heartbeats, in the order of their keys.
type chunk struct {
	texts []byte // see appendTexts
	n     int

	keys     [chunkSize]int64
	due      [chunkSize]int64
	lastPing [chunkSize]int64
	runTime  [chunkSize]int64
	created  [chunkSize]int64
	change   [chunkSize]uint32 // number of the change that wrote the state
	tags     [chunkSize]uint32 // see tagSets
	id       [chunkSize]uint32 // first eight digits of the id
	ref      [chunkSize]uint32 // first eight digits of the ref
	textEnd  [chunkSize]uint32 // in texts
	nameLen  [chunkSize]uint16 // in texts
	flags    [chunkSize]uint8
}

// project contains the heartbeats of one project.
type project struct {
	chunks []*chunk // none is empty
	count  int
}

// table contains all heartbeats.
type table struct {
	projects map[int64]*project
	tags     tagSets
}

func newTable() *table {
	return &table{projects: map[int64]*project{}, tags: newTagSets()}
}

// find returns the chunk of a key, and its position in the chunk. If the project does not have
// the key, it is where the key belongs. The chunk is nil if the project is empty.
func (p *project) find(key int64) (at int, c *chunk, i int, found bool) {
	if p == nil || len(p.chunks) == 0 {
		return 0, nil, 0, false
	}
	at, exact := slices.BinarySearchFunc(p.chunks, key, func(c *chunk, key int64) int { return int(min(1, max(-1, c.keys[0]-key))) })
	if !exact && at > 0 {
		at--
	}
	c = p.chunks[at]
	i, found = slices.BinarySearch(c.keys[:c.n], key)
	return at, c, i, found
}

// setState stores a state, unless the index does not have the heartbeat or has a newer state.
func (t *table) setState(s State, change uint32) (known bool) {
	_, c, i, found := t.projects[s.Project].find(s.Key)
	if found && !isOlder(change, c.change[i]) {
		c.setState(i, s, change)
	}
	return found
}

// isOlder compares the numbers of two changes. They begin again at 0 after the highest.
func isOlder(a, b uint32) bool { return int32(a-b) < 0 }

func (c *chunk) setState(i int, s State, change uint32) {
	c.due[i], c.lastPing[i], c.runTime[i], c.change[i] = s.Due, s.LastPing, s.RunTime, change
	flags := c.flags[i]&ownIDFlag | uint8(max(0, slices.Index(statuses[:], s.Status)))
	if s.Running {
		flags |= runningFlag
	}
	c.flags[i] = flags
}

// put stores a row as of a change. A newer state stays.
func (t *table) put(r Row, change uint32) {
	p := t.projects[r.Project]
	if p == nil {
		p = &project{}
		t.projects[r.Project] = p
	}
	at, c, i, found := p.find(r.Key)
	switch {
	case found:
	case c == nil || c.n == chunkSize && at == len(p.chunks)-1 && i == c.n:
		c, i = &chunk{}, 0
		p.chunks = append(p.chunks, c)
		c.insert(0)
		p.count++
	case c.n == chunkSize:
		p.split(at)
		t.put(r, change)
		return
	default:
		c.insert(i)
		p.count++
	}
	newer := found && isOlder(change, c.change[i])
	c.keys[i], c.created[i], c.tags[i] = r.Key, r.Created, t.tags.of(r.Tags)
	c.id[i], c.ref[i] = firstDigits(r.ID), firstDigits(r.Ref)
	if !newer {
		c.setState(i, r.State, change)
	}
	c.setTexts(i, r)
}

// appendTable adds the heartbeats of another table, whose keys are higher in every project. The
// other table must not be used any longer.
func (t *table) appendTable(other *table) {
	sets := make([]uint32, len(other.tags.sets))
	for n, set := range other.tags.sets {
		tags := make([]string, len(set))
		for i, tag := range set {
			tags[i] = other.tags.names[tag]
		}
		sets[n] = t.tags.of(tags)
	}
	for key, from := range other.projects {
		to := t.projects[key]
		if to == nil {
			to = &project{}
			t.projects[key] = to
		}
		for _, c := range from.chunks {
			for i, set := range c.tags[:c.n] {
				c.tags[i] = sets[set]
			}
		}
		to.chunks, to.count = append(to.chunks, from.chunks...), to.count+from.count
	}
}

// insert makes room for a row at i.
func (c *chunk) insert(i int) {
	end := uint32(0)
	if i > 0 {
		end = c.textEnd[i-1]
	}
	insertAt(c.keys[:c.n+1], i)
	insertAt(c.due[:c.n+1], i)
	insertAt(c.lastPing[:c.n+1], i)
	insertAt(c.runTime[:c.n+1], i)
	insertAt(c.created[:c.n+1], i)
	insertAt(c.change[:c.n+1], i)
	insertAt(c.tags[:c.n+1], i)
	insertAt(c.id[:c.n+1], i)
	insertAt(c.ref[:c.n+1], i)
	insertAt(c.textEnd[:c.n+1], i)
	insertAt(c.nameLen[:c.n+1], i)
	insertAt(c.flags[:c.n+1], i)
	c.textEnd[i] = end
	c.n++
}

// insertAt moves the elements from i on by one, and overwrites the last one.
func insertAt[T any](column []T, i int) {
	copy(column[i+1:], column[i:])
	var zero T
	column[i] = zero
}

// remove removes a heartbeat.
func (t *table) remove(projectKey, key int64) {
	p := t.projects[projectKey]
	at, c, i, found := p.find(key)
	if !found {
		return
	}
	c.replaceText(i, nil)
	removeAt(c.keys[:c.n], i)
	removeAt(c.due[:c.n], i)
	removeAt(c.lastPing[:c.n], i)
	removeAt(c.runTime[:c.n], i)
	removeAt(c.created[:c.n], i)
	removeAt(c.change[:c.n], i)
	removeAt(c.tags[:c.n], i)
	removeAt(c.id[:c.n], i)
	removeAt(c.ref[:c.n], i)
	removeAt(c.textEnd[:c.n], i)
	removeAt(c.nameLen[:c.n], i)
	removeAt(c.flags[:c.n], i)
	c.n--
	p.count--
	if c.n == 0 {
		p.chunks = slices.Delete(p.chunks, at, at+1)
	}
}

// removeAt moves the elements after i by one.
func removeAt[T any](column []T, i int) { copy(column[i:], column[i+1:]) }

// split moves half of a full chunk to a new one.
func (p *project) split(at int) {
	const half = chunkSize / 2
	from, to := p.chunks[at], &chunk{n: chunkSize - half}
	copy(to.keys[:], from.keys[half:])
	copy(to.due[:], from.due[half:])
	copy(to.lastPing[:], from.lastPing[half:])
	copy(to.runTime[:], from.runTime[half:])
	copy(to.created[:], from.created[half:])
	copy(to.change[:], from.change[half:])
	copy(to.tags[:], from.tags[half:])
	copy(to.id[:], from.id[half:])
	copy(to.ref[:], from.ref[half:])
	copy(to.nameLen[:], from.nameLen[half:])
	copy(to.flags[:], from.flags[half:])
	moved := from.textEnd[half-1]
	for i := range to.n {
		to.textEnd[i] = from.textEnd[half+i] - moved
	}
	to.texts = slices.Clone(from.texts[moved:])
	from.texts, from.n = slices.Clip(from.texts[:moved]), half
	p.chunks = slices.Insert(p.chunks, at+1, to)
}

// tagSets numbers the sets of tags that heartbeats have. Most heartbeats share their set
// with others. Number 0 is the empty set.
type tagSets struct {
	names   []string
	numbers map[string]uint32 // of names
	sets    [][]uint32        // indexes in names
	byText  map[string]uint32 // numbers of sets
}

func newTagSets() tagSets {
	return tagSets{numbers: map[string]uint32{}, sets: [][]uint32{nil}, byText: map[string]uint32{"": 0}}
}

// of returns the number of a set.
func (s *tagSets) of(tags []string) uint32 {
	text := strings.Join(tags, "\x00")
	if n, known := s.byText[text]; known {
		return n
	}
	set := make([]uint32, len(tags))
	for i, tag := range tags {
		n, known := s.numbers[tag]
		if !known {
			n = uint32(len(s.names))
			s.names = append(s.names, tag)
			s.numbers[tag] = n
		}
		set[i] = n
	}
	n := uint32(len(s.sets))
	s.sets = append(s.sets, set)
	s.byText[text] = n
	return n
}

// matching reports for each set whether match is true for it, or nil if it is for none.
func (s *tagSets) matching(match func(set []uint32) bool) []bool {
	var found []bool
	for n, set := range s.sets {
		if !match(set) {
			continue
		}
		if found == nil {
			found = make([]bool, len(s.sets))
		}
		found[n] = true
	}
	return found
}

// clip frees the room that appending texts left, and returns the memory of the table.
func (t *table) clip() (size int64) {
	for _, p := range t.projects {
		for _, c := range p.chunks {
			c.texts = bytes.Clone(c.texts)
			size += int64(unsafe.Sizeof(*c)) + int64(cap(c.texts))
		}
	}
	return size
}
