package listindex

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// StatusCounts counts the heartbeats of a project by status.
func (v View) StatusCounts(projectKey int64) StatusCounts {
	var counts [256]int
	if p := v.t.projects[projectKey]; p != nil {
		for _, c := range p.chunks {
			for _, flags := range c.flags[:c.n] {
				counts[flags]++
			}
		}
	}
	s := StatusCounts{ByStatus: map[monitor.Status]int{}}
	for flags, n := range counts {
		if n == 0 {
			continue
		}
		s.ByStatus[statuses[flags&statusBits]] += n
		if flags&runningFlag != 0 {
			s.Running += n
		}
	}
	return s
}

// TopTags lists the n most used tags of a project, and the total number of tags.
func (v View) TopTags(projectKey int64, n int) (top []TagCount, total int) {
	p := v.t.projects[projectKey]
	if p == nil {
		return nil, 0
	}
	bySet := make([]int, len(v.t.tags.sets))
	for _, c := range p.chunks {
		for _, set := range c.tags[:c.n] {
			bySet[set]++
		}
	}
	byTag := make([]int, len(v.t.tags.names))
	for set, count := range bySet {
		if count > 0 {
			for _, tag := range v.t.tags.sets[set] {
				byTag[tag] += count
			}
		}
	}
	for tag, count := range byTag {
		if count > 0 {
			top = append(top, TagCount{v.t.tags.names[tag], count})
		}
	}
	slices.SortFunc(top, func(a, b TagCount) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Tag, b.Tag)) })
	return top[:min(n, len(top))], len(top)
}

// ExpectedByMinute counts the heartbeats of a project that are Up and expected to ping in each
// of the 60 minutes after a time in microseconds.
func (v View) ExpectedByMinute(projectKey, from int64) (minutes [60]int) {
	p := v.t.projects[projectKey]
	if p == nil {
		return minutes
	}
	const minute = int64(time.Minute / time.Microsecond)
	up := uint8(slices.Index(statuses[:], monitor.Up))
	for _, c := range p.chunks {
		for i, due := range c.due[:c.n] {
			if due >= from && due < from+60*minute && c.flags[i]&statusBits == up {
				minutes[(due-from)/minute]++
			}
		}
	}
	return minutes
}

// Count returns the number of heartbeats of a project.
func (v View) Count(projectKey int64) int {
	if p := v.t.projects[projectKey]; p != nil {
		return p.count
	}
	return 0
}

// Newest returns the keys of up to n heartbeats of a project, highest first.
func (v View) Newest(projectKey int64, n int) (keys []int64) {
	p := v.t.projects[projectKey]
	if p == nil {
		return nil
	}
	for _, c := range slices.Backward(p.chunks) {
		for i := c.n - 1; i >= 0 && len(keys) < n; i-- {
			keys = append(keys, c.keys[i])
		}
	}
	return keys
}

// Matching returns how many heartbeats match a filter, how many of these have a key above one, and
// which of the given heartbeats match.
func (v View) Matching(f Filter, keys []int64, above int64, ask []int64) (total, newer int, matching map[int64]bool) {
	matching = map[int64]bool{}
	asked := make(map[int64]bool, len(ask))
	for _, key := range ask {
		asked[key] = true
	}
	v.each(f.Project, v.matcher(f, keys), func(c *chunk, rows []uint16) {
		total += len(rows)
		for _, i := range rows {
			key := c.keys[i]
			if key > above {
				newer++
			}
			if asked[key] {
				matching[key] = true
			}
		}
	})
	return total, newer, matching
}

// NameCandidates returns the keys of the heartbeats of a project whose name can contain a text. It
// returns false if there are more than limit.
func (v View) NameCandidates(projectKey int64, text string, limit int) (keys []int64, complete bool) {
	p, q := v.t.projects[projectKey], []byte(strings.ToLower(text))
	if p == nil {
		return nil, true
	}
	for _, c := range p.chunks {
		for i := range c.n {
			if c.flags[i]&ownIDFlag == 0 && !bytes.Contains(c.name(i), q) {
				continue
			}
			if len(keys) == limit {
				return keys, false
			}
			keys = append(keys, c.keys[i])
		}
	}
	return keys, true
}
