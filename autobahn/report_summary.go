package autobahn

import (
	"slices"
	"time"
)

// A Tally counts the results of an agent in a section.
type Tally struct {
	Section string // such as "6"; "" in a total
	Title   string // what the section is about
	Cases   int
	Good    int // of Cases, as [Result.Good] says

	Behavior, BehaviorClose map[Verdict]int // verdicts that there are

	Duration time.Duration // of all cases together; with parallel connections less time than that has passed
}

// Summary counts the results of an agent, by section in order, and in all.
func (r *Report) Summary(agent string) (sections []Tally, total Tally) {
	total = newTally("", "all sections")
	for _, result := range r.Results(agent) {
		s := sectionOf(result.Case)
		if len(sections) == 0 || sections[len(sections)-1].Section != s {
			sections = append(sections, newTally(s, sectionTitle(s)))
		}
		sections[len(sections)-1].add(result)
		total.add(result)
	}
	return sections, total
}

func newTally(section, title string) Tally {
	return Tally{Section: section, Title: title, Behavior: map[Verdict]int{}, BehaviorClose: map[Verdict]int{}}
}

func (t *Tally) add(r *Result) {
	t.Cases++
	if r.Good() {
		t.Good++
	}
	t.Behavior[r.Behavior]++
	t.BehaviorClose[r.BehaviorClose]++
	t.Duration += r.Duration
}

func sectionTitle(id string) string { return section(id).Title }

// section returns a section of the tables; of one that is not there, what has to be known of it.
func section(id string) Section {
	for _, s := range slices.Concat(Sections(), ExtraSections()) {
		if s.ID == id {
			return s
		}
	}
	return Section{ID: id, Title: "Section " + id}
}
