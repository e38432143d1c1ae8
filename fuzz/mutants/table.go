package main

import (
	"fmt"
	"path"
	"strings"
)

// A summary counts results.
type summary struct {
	all, caught, byTargets, byTests int
	excused, mistakes               int
	asked                           int // of how many all tests were asked
}

func sum(results []result) (s summary) {
	s.all = len(results)
	for _, r := range results {
		switch {
		case r.err != nil:
			s.mistakes++
		case r.caught():
			s.caught++
		case r.survives != "":
			s.excused++
		}
		if len(r.targets) > 0 {
			s.byTargets++
		}
		if r.all && r.err == nil {
			s.asked++
			if len(r.tests) > 0 {
				s.byTests++
			}
		}
	}
	return s
}

// percent is how many are caught of those that have to be, rounded down.
func (s summary) percent() int {
	if s.all == s.excused {
		return 100
	}
	return 100 * s.caught / (s.all - s.excused)
}

func (s summary) String() string {
	out := fmt.Sprintf("%d faults: %d caught (%d %%), %d of them by fuzz targets on their seeds and corpora; of %d all tests beside the code were asked too, which caught %d",
		s.all, s.caught, s.percent(), s.byTargets, s.asked, s.byTests)
	if n := s.all - s.caught - s.excused - s.mistakes; n > 0 {
		out += fmt.Sprintf("; %d survive", n)
	} else if s.caught == s.all {
		out += "; none survives"
	}
	if s.excused > 0 {
		out += fmt.Sprintf("; %d survive for a reason, and do not count", s.excused)
	}
	if s.mistakes > 0 {
		out += fmt.Sprintf("; %d MISTAKES: they cannot be applied or built", s.mistakes)
	}
	return out
}

const tableHead = `# Faults that the tests find

A fuzz target that finds nothing is either beside good code or no good itself. This is how to tell: small faults, such as a slip of the hand leaves behind, put one at a time
into packages frame, handshake, conn and deflate. The targets see them on their seeds and corpora alone, in a second or two, before any fuzzing.

    go run ./fuzz/mutants -o fuzz/MUTANTS.md

writes this page; the faults are in the lists there. %s.

For the faults marked with * all targets and all tests beside the code are asked, and all that fail are named. For others the search ends with the first test that fails, in
this order: targets here, targets beside the code, other tests beside the code, other tests here, tests of the packages above. A hang is caught as well. "..." stands for
more names.
`

// table returns the results in Markdown.
func table(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, tableHead, sum(results))
	dir := ""
	for _, r := range results {
		if d := path.Dir(r.file); d != dir {
			dir = d
			fmt.Fprintf(&b, "\n## %s\n\n| fault | in | targets | other tests |\n|---|---|---|---|\n", d)
		}
		mark, tests := "", names(r.tests)
		switch {
		case r.all:
			mark = " *"
		case tests == "":
			tests = ""
		}
		if !r.caught() {
			tests = "**survives** " + r.survives
			if r.err != nil {
				tests = "**mistake**"
			}
		}
		fmt.Fprintf(&b, "| %s%s | %s | %s | %s |\n", r.name, mark, path.Base(r.file), names(r.targets), tests)
	}
	return b.String()
}

// names lists names, those of a package together: fuzz.FuzzA, FuzzB.
func names(all []string) string {
	const most = 8
	var b strings.Builder
	last := ""
	for i, name := range all {
		if i == most {
			return b.String() + ", ..."
		}
		p, test, _ := strings.Cut(name, ".")
		if i > 0 {
			b.WriteString(", ")
		}
		if p != last {
			test = name
		}
		last = p
		b.WriteString(test)
	}
	return b.String()
}
