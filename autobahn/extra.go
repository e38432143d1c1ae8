package autobahn

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:generate go test . -run ExtraDoc -update

// ExtraCases returns the cases past the original suite, sections 20 and up, numbered from where Cases ends. Some test only servers, some only clients: Client and Server
// pass over those that are not for them. They belong to the package: callers must not modify them, nor the slice.
func ExtraCases() []*Case { return extraSuite().cases }

// ExtraSections returns the same cases by what they test. Callers must not modify them.
func ExtraSections() []Section { return extraSuite().sections }

var extraSuite = sync.OnceValue(func() (s struct {
	sections []Section
	cases    []*Case
}) {
	s.sections = []Section{section20(), section21(), section22(), section23(), section24(), section25(), section26(), section27()}
	for i := range s.sections {
		gather(&s.sections[i])
		s.cases = append(s.cases, s.sections[i].Cases...)
	}
	s.cases = slices.Clip(s.cases)
	for i, c := range s.cases {
		c.Number = len(Cases()) + i + 1
		finishExtra(c)
	}
	return s
})

// finishExtra says in words, and in the fields that the reports show, what the outcomes of c are.
func finishExtra(c *Case) {
	why := map[Verdict][]string{}
	say := func(v Verdict, s string) {
		if v != OK && !slices.Contains(why[v], s) {
			why[v] = append(why[v], s)
		}
	}
	if c.Opening != nil {
		for _, a := range c.Opening.Answers {
			say(a.Verdict, a.Why)
		}
	}
	for _, o := range c.Outcomes {
		say(o.Verdict, o.Why)
		c.Expect = append(c.Expect, Expectation{o.Verdict, o.Events})
	}
	for _, v := range []Verdict{NonStrict, Informational} {
		if len(why[v]) > 0 {
			c.Expects += fmt.Sprintf("; %s if %s", v, strings.Join(why[v], ", or if "))
		}
	}
	c.Close = c.Outcomes[0].Close
}

// extraParts is a section of parts, which get their IDs in order.
func extraParts(id, title string, parts ...Section) Section {
	s := Section{ID: id, Title: title, Parts: parts}
	for i := range s.Parts {
		p := &s.Parts[i]
		p.ID = fmt.Sprintf("%s.%d", id, i+1)
		numbered(p.ID, p.Cases)
	}
	return s
}

// forOnly says that cases are for one end alone.
func forOnly(e Endpoint, cases ...*Case) []*Case {
	for _, c := range cases {
		c.For = e
	}
	return cases
}
