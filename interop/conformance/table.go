package conformance

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/idlewire/idlewire/autobahn"
)

// WriteTable writes what a set of comparisons shows, as Markdown: who was compared, where they differ, and whatever is not OK.
func WriteTable(w io.Writer, all []*Comparison) error {
	var b strings.Builder
	b.WriteString("| peer | what it is | cases | OK | other verdicts | compared with the original's | the same | different | unexplained |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range all {
		ok, others := c.counts()
		compared, same := fmt.Sprint(c.Compared), fmt.Sprint(c.Compared-len(c.Differences))
		switch {
		case c.Peer.Ours:
			compared = "held to OK"
		case c.Recorded == nil:
			compared, same = "none on record", ""
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %s | %s | %s | %d | %d |\n", c.Peer.Name, c.Peer.About, len(c.Rows), ok, others, compared, same, len(c.Differences), len(c.Unexplained()))
	}
	b.WriteString("\n### Differences\n\n")
	some := slices.ContainsFunc(all, func(c *Comparison) bool { return len(c.Differences) > 0 })
	if !some {
		b.WriteString("None.\n")
	} else {
		b.WriteString("| peer | cases | on record | found here | why |\n|---|---|---|---|---|\n")
		for _, c := range all {
			rows := map[string]Difference{}
			for _, d := range c.Differences {
				rows[d.Case] = d
			}
			for _, g := range c.group(func(id string) (string, bool) {
				d, ok := rows[id]
				return fmt.Sprintf("%v | %v | %s", d.Want, d.Got, cmp.Or(d.Why, "**unexplained**")), ok
			}) {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Peer.Name, g.cases, g.key)
			}
		}
	}
	b.WriteString("\n### Whatever is not OK\n\n")
	fmt.Fprintf(&b, "But for the three informational cases (%s). The number is the code of the peer's Close. A range is of the cases that ran.\n\n", strings.Join(informational, ", "))
	b.WriteString("| peer | behaviour / end | cases | the original's verdict |\n|---|---|---|---|\n")
	for _, c := range all {
		for _, g := range c.group(func(id string) (string, bool) {
			row := c.Rows[id]
			if row.Behavior == autobahn.OK && row.BehaviorClose == autobahn.OK || slices.Contains(informational, id) {
				return "", false
			}
			same := "not on record"
			if c.Recorded != nil {
				if want, ok := c.Recorded.Row(id); ok && want.verdicts(row) {
					same = "the same"
				} else if ok {
					same = "another"
				}
			}
			return fmt.Sprintf("%v | %s", row, same), true
		}) {
			row, same, _ := strings.Cut(g.key, " | ")
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.Peer.Name, row, g.cases, same)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// What stands between these lines of a file is WriteTable's.
const (
	tableBegins = "<!-- table: go run ./cmd/peers -recorded -write -->\n"
	tableEnds   = "<!-- end of table -->\n"
)

// ReplaceTable writes the table into a file that has a place for it.
func ReplaceTable(name string, all []*Comparison) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(b), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for a table: the lines %q and %q", name, tableBegins, tableEnds)
	}
	var out bytes.Buffer
	out.WriteString(before + tableBegins + "\n")
	if err := WriteTable(&out, all); err != nil {
		return err
	}
	out.WriteString("\n" + tableEnds + after)
	return os.WriteFile(name, out.Bytes(), 0o644)
}

// Summary is a line about a comparison.
func (c *Comparison) Summary() string {
	ok, others := c.counts()
	s := fmt.Sprintf("%-18s %3d cases in %6.1f s: %d OK", c.Peer.Name, len(c.Rows), c.Took.Round(100*time.Millisecond).Seconds(), ok)
	if others != "" {
		s += ", " + others
	}
	switch {
	case c.Peer.Ours && len(c.Differences) == 0:
		s += "; strict"
	case c.Peer.Ours:
		s += fmt.Sprintf("; %d not as they have to be", len(c.Differences))
	case c.Recorded == nil:
		s += "; nothing on record"
	default:
		s += fmt.Sprintf("; %d of %d as the original", c.Compared-len(c.Differences), c.Compared)
		if n := len(c.Differences); n > 0 {
			s += fmt.Sprintf(", %d different, %d unexplained", n, len(c.Unexplained()))
		}
	}
	return s
}

// counts returns how many cases are OK, and the rest in words.
func (c *Comparison) counts() (ok int, others string) {
	n := map[string]int{}
	for id, row := range c.Rows {
		switch {
		case row.Behavior == autobahn.OK && row.BehaviorClose == autobahn.OK:
			ok++
		case slices.Contains(informational, id):
			n["INFORMATIONAL"]++
		case row.BehaviorClose == autobahn.OK || row.Behavior == autobahn.Failed:
			n[string(row.Behavior)]++
		default:
			n[string(row.Behavior)+" but "+string(row.BehaviorClose)]++
		}
	}
	var words []string
	for verdict, k := range n {
		words = append(words, fmt.Sprintf("%d %s", k, verdict))
	}
	slices.Sort(words)
	return ok, strings.Join(words, ", ")
}

// A group is cases that have a word in common.
type group struct {
	key, cases string
}

// group sorts the cases of c by what word says of them, those that it says nothing of left out. Cases that ran one after the other become a range.
func (c *Comparison) group(word func(id string) (string, bool)) []group {
	place := map[string]int{}
	for i, id := range c.ids() {
		place[id] = i
	}
	var keys []string
	members := map[string][]string{}
	for _, id := range c.ids() {
		key, ok := word(id)
		if !ok {
			continue
		}
		if members[key] == nil {
			keys = append(keys, key)
		}
		members[key] = append(members[key], id)
	}
	var groups []group
	for _, key := range keys {
		ids := members[key]
		var words []string
		for len(ids) > 0 {
			n := 1
			for n < len(ids) && place[ids[n]] == place[ids[n-1]]+1 {
				n++
			}
			switch {
			case n > 2:
				words = append(words, ids[0]+" to "+ids[n-1])
			default:
				words = append(words, ids[:n]...)
			}
			ids = ids[n:]
		}
		groups = append(groups, group{key, strings.Join(words, ", ")})
	}
	return groups
}
