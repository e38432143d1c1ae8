package conformance

import (
	"slices"

	"github.com/idlewire/idlewire/autobahn"
)

// A Difference is a case whose outcome is not what it should be.
type Difference struct {
	Case      string
	Want, Got Row
	Why       string // "": nobody knows
}

// A Comparison is a run beside what was recorded of its peer with the original. A peer of ours is held to a stricter rule.
type Comparison struct {
	*Run
	Recorded    *Recorded // nil if there is none
	Compared    int       // cases that were measured both times, or are held to the rule
	Differences []Difference
}

// informational are the cases that judge nothing.
var informational = []string{"7.1.6", "7.13.1", "7.13.2"}

// strict is what a peer of ours has to get.
func strict(id string) Row {
	if slices.Contains(informational, id) {
		return Row{Behavior: autobahn.Informational, BehaviorClose: autobahn.Informational}
	}
	return Row{Behavior: autobahn.OK, BehaviorClose: autobahn.OK}
}

// races are the cases in which a good message is followed by a bad frame. A peer that fails the connection with what it has sent or not read still on the way may
// lose its own echo of the message: OK becomes NON-STRICT, and back, from one run to the next. Section 9 of the original's facts says so, too.
var races = []string{"3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"}

const whyRace = "a race in the peer: its echo against its own end of TCP"

// In 7.1.6 a ping follows the Close. A peer that closes TCP with the ping unread resets it, and what it has not sent yet of the long echo and of its own Close is lost.
const whyReset = "a race in the peer: its Close against the reset that its own end of TCP causes"

// why explains a difference, if anybody knows.
func why(id string, want, got Row) string {
	strictness := func(v autobahn.Verdict) bool { return v == autobahn.OK || v == autobahn.NonStrict }
	if slices.Contains(races, id) && strictness(want.Behavior) && strictness(got.Behavior) && want.BehaviorClose == autobahn.OK && got.BehaviorClose == autobahn.OK {
		return whyRace
	}
	if id == "7.1.6" && want.verdicts(got) && (want.Code == 0 || got.Code == 0) {
		return whyReset
	}
	return ""
}

// Compare holds a run against the facts.
func Compare(run *Run, f *Facts) *Comparison {
	c := &Comparison{Run: run, Recorded: f.Of(run.Peer)}
	for _, id := range run.ids() {
		got := run.Rows[id]
		if run.Peer.Ours {
			c.Compared++
			if want := strict(id); !want.verdicts(got) {
				c.Differences = append(c.Differences, Difference{Case: id, Want: want, Got: got})
			}
			continue
		}
		if c.Recorded == nil {
			continue
		}
		want, ok := c.Recorded.Row(id)
		if !ok {
			continue
		}
		c.Compared++
		ordinary := want.Behavior == autobahn.OK && want.BehaviorClose == autobahn.OK // then the code was not recorded
		if want.verdicts(got) && (ordinary || want.Code == got.Code) {
			continue
		}
		c.Differences = append(c.Differences, Difference{id, want, got, why(id, want, got)})
	}
	return c
}

// Unexplained are the differences that nobody can explain.
func (c *Comparison) Unexplained() []Difference {
	return slices.DeleteFunc(slices.Clone(c.Differences), func(d Difference) bool { return d.Why != "" })
}

// ids are the cases of r in the suite's order.
func (r *Run) ids() []string {
	var ids []string
	for _, c := range autobahn.Cases() {
		if _, ok := r.Rows[c.ID]; ok {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// EachNotOK calls f with each case that is neither OK nor informational.
func (r *Run) EachNotOK(f func(id string, row Row)) {
	for _, id := range r.ids() {
		row := r.Rows[id]
		if !row.verdicts(Row{Behavior: autobahn.OK, BehaviorClose: autobahn.OK}) && !slices.Contains(informational, id) {
			f(id, row)
		}
	}
}
