package autobahn

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Expected is a recorded list of verdicts: by agent and case ID. The agent [AnyAgent] stands for every agent; where both have a case the agent's own holds.
type Expected map[string]map[string]Verdicts

// AnyAgent is the name in an [Expected] that stands for every agent.
const AnyAgent = "*"

// Verdicts are the two of a result.
type Verdicts struct {
	Behavior, BehaviorClose Verdict
}

// String returns both, such as "OK / UNCLEAN".
func (v Verdicts) String() string { return string(v.Behavior + " / " + v.BehaviorClose) }

// WriteExpect records the verdicts of a report, for [ParseExpect]: JSON, with a line for each case, in order, so that versions of it are easy to compare.
func WriteExpect(w io.Writer, r *Report) error {
	b := []byte("{")
	for i, a := range r.snapshot() {
		b = append(appendString(appendLine(b, i, 1), a.name), ": {"...)
		for i, result := range a.results {
			b = append(appendString(appendLine(b, i, 2), result.Case.ID), ": ["...)
			b = append(appendString(b, string(result.Behavior)), ", "...)
			b = append(appendString(b, string(result.BehaviorClose)), ']')
		}
		b = append(appendLine(b, 0, 1), '}')
	}
	_, err := w.Write(append(appendLine(b, 0, 0), '}', '\n'))
	return err
}

// A Difference is where a report is not as it was recorded.
type Difference struct {
	Agent  string
	Case   string // its ID; "": all cases of the agent
	Change Change

	Want, Got Verdicts // Want is zero for CaseNew, Got for CaseMissing
	Reason    string   // why the runner gave the verdict that is worse, if one is
	Cases     int      // if Case is "": how many there are
}

// A Change says in what a [Difference] lies.
type Change string

const (
	CaseMissing Change = "missing" // recorded, but did not run
	CaseNew     Change = "new"     // ran, but is not recorded
	CaseBetter  Change = "better"  // the one verdict is better, the other no worse
	CaseWorse   Change = "worse"   // likewise
	CaseChanged Change = "changed" // neither: one is better and one worse, or they are merely different
)

// String describes d in a line, such as "gws 6.4.1: worse: FAILED / OK, recorded was OK / OK (reason)".
func (d Difference) String() string {
	head := fmt.Sprintf("%s %s: %s: ", printable(d.Agent), d.Case, d.Change)
	if d.Case == "" {
		head = fmt.Sprintf("%s: %s: ", printable(d.Agent), d.Change)
	}
	switch {
	case d.Case == "" && d.Agent == AnyAgent:
		return fmt.Sprintf("%s: no agent ran, recorded were %d cases of any", d.Change, d.Cases)
	case d.Case == "" && d.Change == CaseMissing:
		return head + fmt.Sprintf("this agent did not run, recorded were %d cases", d.Cases)
	case d.Case == "":
		return head + fmt.Sprintf("%d cases of an agent that is not recorded", d.Cases)
	case d.Change == CaseMissing:
		return head + fmt.Sprintf("this case did not run, recorded was %v", d.Want)
	case d.Change == CaseNew:
		return head + fmt.Sprintf("%v, of a case that is not recorded", d.Got)
	}
	text := head + fmt.Sprintf("%v, recorded was %v", d.Got, d.Want)
	if d.Reason != "" {
		text += " (" + printable(d.Reason) + ")"
	}
	return text
}

// printable quotes what would do something to a terminal: names come from peers.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// Diff compares a report with what was recorded, and returns the differences of either direction, by agent and in the order of the cases. There are none
// if both have the same agents and cases with the same verdicts.
func Diff(r *Report, e Expected) []Difference {
	var diffs []Difference
	ran := map[string]bool{}
	for _, a := range r.snapshot() {
		ran[a.name] = true
		want := maps.Clone(e[AnyAgent])
		if own, ok := e[a.name]; ok && want != nil {
			maps.Copy(want, own)
		} else if ok {
			want = maps.Clone(own)
		} else if want == nil {
			diffs = append(diffs, Difference{Agent: a.name, Change: CaseNew, Cases: len(a.results)})
			continue
		}
		diffs = append(diffs, a.diff(want)...)
	}
	for agent, cases := range e {
		if !ran[agent] && (agent != AnyAgent || len(ran) == 0) {
			diffs = append(diffs, Difference{Agent: agent, Change: CaseMissing, Cases: len(cases)})
		}
	}
	slices.SortStableFunc(diffs, func(a, b Difference) int { return strings.Compare(a.Agent, b.Agent) })
	return diffs
}

// diff compares the results with want. It empties want.
func (a *agentResults) diff(want map[string]Verdicts) []Difference {
	var diffs []Difference
	for _, r := range a.results {
		d := Difference{Agent: a.name, Case: r.Case.ID, Got: Verdicts{r.Behavior, r.BehaviorClose}}
		w, ok := want[r.Case.ID]
		delete(want, r.Case.ID)
		switch {
		case !ok:
			d.Change = CaseNew
		case w == d.Got:
			continue
		default:
			d.Want = w
			d.Change, d.Reason = compareVerdicts(r, w)
		}
		diffs = append(diffs, d)
	}
	for id, w := range want { // what is left did not run
		diffs = append(diffs, Difference{Agent: a.name, Case: id, Change: CaseMissing, Want: w})
	}
	slices.SortFunc(diffs, func(a, b Difference) int { return compareIDs(a.Case, b.Case) })
	return diffs
}

func compareVerdicts(r *Result, want Verdicts) (c Change, reason string) {
	behavior, end := rank(r.Behavior)-rank(want.Behavior), rank(r.BehaviorClose)-rank(want.BehaviorClose)
	switch {
	case behavior > 0:
		reason = r.Reason
	case end > 0:
		reason = r.ReasonClose
	}
	switch {
	case max(behavior, end) > 0 && min(behavior, end) >= 0:
		return CaseWorse, reason
	case min(behavior, end) < 0 && max(behavior, end) <= 0:
		return CaseBetter, ""
	}
	return CaseChanged, reason
}

// rank orders verdicts from good to bad. An INFORMATIONAL one is nothing better or worse than OK: no peer can change it.
func rank(v Verdict) int {
	switch v {
	case OK, Informational:
		return 0
	case NonStrict:
		return 1
	case Unimplemented:
		return 2
	case FailedByClient:
		return 3
	case Unclean, WrongCode:
		return 4
	}
	return 5
}
