package autobahn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Select returns those of cases that patterns name and exclude does not, each once, sorted by the numbers of their IDs: 2.9 comes before 2.10.
// The slice is the caller's.
//
// A pattern without "*" is the ID of a case. In one with "*", each stands for any run of characters, and the whole is only held to the beginning of
// the ID, not to its end: "1.*" is section 1, but "1*" is sections 1, 10, 12 and 13, and "*.1" has 1.1.8 in it. A pattern may match nothing.
//
// The error is an *UnknownCaseError, for the first ID among patterns that none of cases has. An unknown ID in exclude does no harm.
func Select(cases []*Case, patterns, exclude []string) ([]*Case, error) {
	for _, p := range patterns {
		if !isPattern(p) && !slices.ContainsFunc(cases, func(c *Case) bool { return c.ID == p }) {
			return nil, &UnknownCaseError{ID: p, Near: near(cases, p)}
		}
	}
	in, out := matchers(patterns, false), matchers(exclude, false)
	var selected []*Case
	for _, c := range cases {
		if in.match(c.ID) && !out.match(c.ID) {
			selected = append(selected, c)
		}
	}
	slices.SortStableFunc(selected, func(a, b *Case) int { return compareIDs(a.ID, b.ID) })
	return slices.CompactFunc(selected, func(a, b *Case) bool { return a.ID == b.ID }), nil
}

// SkipAgents returns what Client.Skip and Server.Skip want to be told, from a map of agents to the cases that are not for them. Both are
// patterns, and other than in Select both are held to the whole: "1.*" is section 1 here too, but "1.1" with or without "*" before it is never
// 1.1.8. Neither has to match anything.
func SkipAgents(rules map[string][]string) func(agent string, c *Case) bool {
	type rule struct{ agent, cases matcher }
	var compiled []rule
	for agent, cases := range rules {
		compiled = append(compiled, rule{matchers([]string{agent}, true), matchers(cases, true)})
	}
	return func(agent string, c *Case) bool {
		return slices.ContainsFunc(compiled, func(r rule) bool { return r.agent.match(agent) && r.cases.match(c.ID) })
	}
}

// An UnknownCaseError says that there is no case of that ID.
type UnknownCaseError struct {
	ID   string
	Near []string // IDs and patterns that may have been meant, the likeliest first; perhaps none
}

func (e *UnknownCaseError) Error() string {
	s := fmt.Sprintf("autobahn: there is no case %.64q", e.ID)
	switch n := len(e.Near); {
	case n == 1:
		s += "; perhaps " + e.Near[0] + " is meant"
	case n > 1:
		s += "; perhaps " + strings.Join(e.Near[:n-1], ", ") + " or " + e.Near[n-1] + " is meant"
	}
	return s
}

// A matcher is patterns, any of which may match.
type matcher []pattern

// A pattern is what stands between its stars.
type pattern struct {
	pieces []string
	whole  bool // the last piece has to be at the end
}

func matchers(patterns []string, whole bool) matcher {
	var m matcher
	for _, p := range patterns {
		for strings.Contains(p, "**") {
			p = strings.ReplaceAll(p, "**", "*") // the same, and not as many pieces
		}
		m = append(m, pattern{strings.Split(p, "*"), whole})
	}
	return m
}

func (m matcher) match(s string) bool {
	return slices.ContainsFunc(m, func(p pattern) bool { return p.match(s) })
}

func (p pattern) match(s string) bool {
	first, last := p.pieces[0], len(p.pieces)-1
	if last == 0 {
		return s == first
	}
	s, ok := strings.CutPrefix(s, first)
	for _, piece := range p.pieces[1:last] {
		// Where a piece is found first is the best place for it: it leaves most to those that follow.
		if ok {
			_, s, ok = strings.Cut(s, piece)
		}
	}
	if p.whole {
		return ok && strings.HasSuffix(s, p.pieces[last])
	}
	return ok && strings.Contains(s, p.pieces[last])
}

func isPattern(s string) bool { return strings.Contains(s, "*") }

// compareIDs orders IDs by their numbers: 2.9 comes before 2.10. What is no number comes after those that are.
func compareIDs(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		return cmp.Or(cmp.Compare(idNumber(a), idNumber(b)), cmp.Compare(a, b))
	})
}

func idNumber(part string) int {
	if n, err := strconv.Atoi(part); err == nil {
		return n
	}
	return math.MaxInt
}

// near returns what may have been meant by id: the section of that number, or up to three cases that differ from it in the fewest places.
func near(cases []*Case, id string) []string {
	const most, farthest = 3, 2
	id = strings.TrimSpace(id)
	if len(id) > 16 {
		return nil // that is no typing error
	}
	section := strings.TrimSuffix(id, ".")
	var ids []string
	for _, c := range cases {
		if section != "" && strings.HasPrefix(c.ID, section+".") {
			return []string{section + ".*"}
		}
		if distance(c.ID, id) <= farthest && !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	first, _, _ := strings.Cut(id, ".")
	far := func(s string) int {
		d := 2 * distance(s, id)
		if !strings.HasPrefix(s, first+".") {
			d++ // the first number is the one that people know best
		}
		return d
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(far(a), far(b)) })
	if len(ids) > 0 && ids[0] == id {
		return ids[:1] // there was only space around it
	}
	return ids[:min(most, len(ids))]
}

// distance is how many characters have to be put in, taken out or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
