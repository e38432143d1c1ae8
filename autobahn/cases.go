package autobahn

import (
	"slices"
	"sync"
)

//go:generate go test . -run CasesDoc -update

// A Section is the cases that test one requirement of the RFC, or of a family of them.
type Section struct {
	ID       string    // "6" or "6.12": the IDs of its cases begin with it and a dot
	Title    string    // what it is about, in a few words
	Requires string    // what the RFC says, in our words, with the numbers of its sections; "" if Parts say it
	Parts    []Section // "6.1", "6.2" and so on; none if the section has no such level
	Cases    []*Case   // all of them, those of Parts too, in order
}

// Cases returns the suite's cases in order: 517, numbered from 1. They belong to the package: callers must not modify them, nor the slice.
func Cases() []*Case { return suite().cases }

// Sections returns the same cases by what they test. Callers must not modify them.
func Sections() []Section { return suite().sections }

// suite builds the tables once. 8 and 11 were never given to a section.
var suite = sync.OnceValue(func() (s struct {
	sections []Section
	cases    []*Case
}) {
	s.sections = []Section{
		section1(), section2(), section3(), section4(), section5(), section6(), section7(), section9(), section10(), section12(), section13(),
	}
	for i := range s.sections {
		gather(&s.sections[i])
		s.cases = append(s.cases, s.sections[i].Cases...)
	}
	s.cases = slices.Clip(s.cases) // an append of a caller's makes a slice of its own
	for i, c := range s.cases {
		c.Number = i + 1
	}
	return s
})

// gather gives s the cases of its parts.
func gather(s *Section) {
	for i := range s.Parts {
		gather(&s.Parts[i])
		s.Cases = append(s.Cases, s.Parts[i].Cases...)
	}
	s.Cases = slices.Clip(s.Cases)
}
