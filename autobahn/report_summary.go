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
		s := sectionOf(result.Case.ID)
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

// sectionTitles are the reports' words for the sections. There is no 8 and no 11.
var sectionTitles = map[string]string{
	"1":  "Framing",
	"2":  "Ping and pong",
	"3":  "Reserved bits",
	"4":  "Opcodes",
	"5":  "Fragmentation",
	"6":  "Text and UTF-8",
	"7":  "Closing handshake",
	"9":  "Limits and speed",
	"10": "Automatic fragmentation",
	"12": "Compression of messages",
	"13": "Compression parameters",
}

func sectionTitle(section string) string {
	if title, ok := sectionTitles[section]; ok {
		return title
	}
	return "Section " + section
}
