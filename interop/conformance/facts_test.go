package conformance

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/autobahn"
)

func facts(t *testing.T) *Facts {
	t.Helper()
	f, err := ReadFacts(FactsFile)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFacts: what Row says of all cases adds up to what was counted, section by section, and every run belongs to a peer.
func TestFacts(t *testing.T) {
	f := facts(t)
	known := map[*Recorded]bool{}
	for _, p := range Peers() {
		known[f.Of(p)] = true
	}
	for _, r := range f.Runs {
		if !known[r] {
			t.Errorf("no peer for %s %s", r.PeerIs, r.Agent)
		}
		type counts struct {
			cases         int
			behavior, end map[autobahn.Verdict]int
		}
		got := map[string]*counts{}
		cases := 0
		for _, c := range autobahn.Cases() {
			row, ok := r.Row(c.ID)
			if !ok {
				continue
			}
			section, _, _ := strings.Cut(c.ID, ".")
			n := got[section]
			if n == nil {
				n = &counts{behavior: map[autobahn.Verdict]int{}, end: map[autobahn.Verdict]int{}}
				got[section] = n
			}
			cases++
			n.cases++
			n.behavior[row.Behavior]++
			n.end[row.BehaviorClose]++
		}
		if cases != r.Cases {
			t.Errorf("%s: %d cases of %d", r.Agent, cases, r.Cases)
		}
		if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(r.Sections)); !slices.Equal(g, w) {
			t.Errorf("%s: sections %v, want %v", r.Agent, g, w)
			continue
		}
		for name, want := range r.Sections {
			if n := got[name]; n.cases != want.Cases || !maps.Equal(n.behavior, want.Behavior) || !maps.Equal(n.end, want.BehaviorClose) {
				t.Errorf("%s: section %s: %v, want %v", r.Agent, name, *n, want)
			}
		}
	}
}

func TestOnRecord(t *testing.T) {
	f := facts(t)
	want := map[string]int{"gorilla": 517, "npm-ws": 517, "gws": 337, "gobwas-wsflate": 36, "gorilla-client": 433, "nbio": 301 + 36, "coder-client": 301 + 36}
	for _, p := range Peers() {
		if n, ok := want[p.Name]; ok {
			if got := f.OnRecord(p, autobahn.Cases()); len(got) != n {
				t.Errorf("%s: %d cases, want %d", p.Name, len(got), n)
			}
			delete(want, p.Name)
		}
	}
	if len(want) > 0 {
		t.Error("no such peers:", want)
	}
}
