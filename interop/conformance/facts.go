package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/idlewire/idlewire/autobahn"
)

// FactsFile is where the verdicts of the original are recorded.
var FactsFile = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "autobahn", "testdata", "good-peers.json")
}()

// Facts are the verdicts that the original suite gave.
type Facts struct {
	Runs []*Recorded
}

// A Recorded is one run of the original with one peer. Cases of its sections that are not among Exceptions were OK and OK.
type Recorded struct {
	PeerIs     string `json:"peer_is"` // "server" or "client"
	Agent      string
	Peer       string
	Cases      int
	Sections   map[string]Section
	Exceptions map[string]Row // by case ID
}

// A Section is what was counted in a section, with how long its cases took together.
type Section struct {
	Cases         int
	Behavior      map[autobahn.Verdict]int
	BehaviorClose map[autobahn.Verdict]int
	Ms            int
}

// A Row is the outcome of one case.
type Row struct {
	Behavior, BehaviorClose autobahn.Verdict
	Code                    int // of the peer's Close; 0: it had none, or never came; not known of what is no exception
}

// UnmarshalJSON reads [behavior, behaviorClose, code or null].
func (r *Row) UnmarshalJSON(b []byte) error {
	var code *int
	fields := []any{&r.Behavior, &r.BehaviorClose, &code}
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	if len(fields) != 3 {
		return fmt.Errorf("a row of %d fields", len(fields))
	}
	r.Code = 0
	if code != nil {
		r.Code = *code
	}
	return nil
}

func (r Row) String() string {
	s := string(r.Behavior) + " / " + string(r.BehaviorClose)
	if r.Code != 0 {
		s += fmt.Sprintf(" (%d)", r.Code)
	}
	return s
}

// verdicts reports whether the verdicts of r and s are the same.
func (r Row) verdicts(s Row) bool {
	return r.Behavior == s.Behavior && r.BehaviorClose == s.BehaviorClose
}

// RowOf is the row of a result.
func RowOf(r *autobahn.Result) Row {
	row := Row{Behavior: r.Behavior, BehaviorClose: r.BehaviorClose}
	if r.RemoteClose != nil && r.RemoteClose.HasCode {
		row.Code = int(r.RemoteClose.Code)
	}
	return row
}

// ReadFacts reads the file of facts.
func ReadFacts(name string) (*Facts, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f Facts
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &f, nil
}

// Of returns what was recorded of a peer, or nil.
func (f *Facts) Of(p *Peer) *Recorded {
	for _, r := range f.Runs {
		if r.Agent == p.Name && (r.PeerIs == "client") == p.Client() {
			return r
		}
	}
	return nil
}

// sampled are the cases that were measured of a group of 18 in sections 12 and 13 where not all were, by their number. That only the exceptions are recorded leaves it open where
// there are none in a section; the same sample was used throughout.
var sampled = map[int][]string{
	3:  {"1", "5", "12"},
	11: {"1", "5", "10", "11", "12", "13", "14", "15", "16", "17", "18"},
}

// groups are the groups of 18 cases in a section.
var groups = map[string]int{"12": 5, "13": 7}

// Row returns what was recorded of a case. ok is false if it was not measured. The code is not known if the row is OK.
func (r *Recorded) Row(id string) (row Row, ok bool) {
	if row, ok = r.Exceptions[id]; ok {
		return row, true
	}
	section, _, _ := strings.Cut(id, ".")
	s, measured := r.Sections[section]
	if !measured {
		return Row{}, false
	}
	if n := groups[section]; n > 0 && s.Cases < n*18 {
		last := id[strings.LastIndexByte(id, '.')+1:]
		ok = false
		for _, s := range sampled[s.Cases/n] {
			ok = ok || s == last
		}
		if !ok {
			return Row{}, false
		}
	}
	return Row{Behavior: autobahn.OK, BehaviorClose: autobahn.OK}, true
}

// OnRecord returns those of cases that were measured with p; of a peer that was not, those of the sample that served for most.
func (f *Facts) OnRecord(p *Peer, cases []*autobahn.Case) []*autobahn.Case {
	r := f.Of(p)
	if r == nil {
		r = &Recorded{Sections: map[string]Section{}}
		for _, c := range autobahn.Cases() {
			section, _, _ := strings.Cut(c.ID, ".")
			r.Sections[section] = Section{Cases: 3 * groups[section]}
		}
	}
	var some []*autobahn.Case
	for _, c := range cases {
		if _, ok := r.Row(c.ID); ok {
			some = append(some, c)
		}
	}
	return some
}
