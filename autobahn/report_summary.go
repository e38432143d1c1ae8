package autobahn

import "time"

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

// sectionTitle returns what the tables call a section.
func sectionTitle(id string) string {
	for _, s := range Sections() {
		if s.ID == id {
			return s.Title
		}
	}
	return "Section " + id
}
