package autobahn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section24() Section {
	return extraParts("24", "Fragments in numbers", fragmentsOfNothing(), smallFragments())
}

func fragmentsOfNothing() Section {
	// many is n empty fragments, of which the first has the opcode, and last.
	many := func(op frame.Opcode, n int, last ...Step) []Step {
		steps := repeated(n, more(cont("")))
		steps[0].Opcode = op
		return append(steps, last...)
	}
	echoed := func(title string, n int, steps []Step, whole ...Step) *Case {
		o := []Outcome{closesAfter(whole...)}
		if n > 100 {
			o = append(o, tooMany("fragments"))
		}
		return extra("5.4", title, echoIt, steps, o...)
	}
	endless := func(n int) *Case {
		return extra("5.4, 10.4", fmt.Sprintf("%d fragments without payload, and no last one", n), "Fail the connection, with 1008 or 1009 for one", patiently(time.Second, many(frame.Binary, n)...),
			fails(limitReached...), gives(NonStrict, "it waits for more of them (10.4: limits are its own business)", stays()))
	}
	between := []Step{more(text("")), more(cont("Hel")), more(cont("")), more(cont("lo")), cont("")}
	cases := []*Case{
		echoed("Text whose first fragment is empty", 2, []Step{more(text("")), cont("Hello")}, text("Hello")),
		echoed("Text whose last fragment is empty", 2, []Step{more(text("Hello")), cont("")}, text("Hello")),
		echoed("Text with empty fragments between the others", 5, between, text("Hello")),
		echoed("Binary of empty fragments alone", 3, many(frame.Binary, 2, cont("")), bin("")),
	}
	for _, n := range []int{16, 100, 1000, 10_000, 100_000} {
		cases = append(cases, echoed(fmt.Sprintf("%d fragments without payload, and a last one with some", n), n, many(frame.Text, n, cont("Hello")), text("Hello")))
	}
	return Section{
		Title: "Fragments without payload",
		Requires: "5.4: a message may be fragmented, and endpoints MUST support receiving that; a fragment may be empty. 10.4: implementations that have limits MUST protect themselves against exceeding " +
			"them; how many fragments they take is their own business, and INFORMATIONAL, but up to 100 there is no excuse here.",
		Cases: append(cases, endless(10_000), endless(100_000)),
	}
}

func smallFragments() Section {
	split := func(n, size int) *Case {
		m := filled(n*size, text("idle wire "))
		steps := []Step{fragments(size, m)}
		o := []Outcome{closesAfter(m)}
		if n > 100 {
			o = append(o, tooMany("fragments"))
		}
		return extra("5.4", fmt.Sprintf("Text of %d octets in fragments of %d", n*size, size), echoIt, steps, o...)
	}
	// A ping between any two fragments.
	var pinged, answered []Step
	for i := range 50 {
		p, f := ping(fmt.Sprint(i)), more(cont("a"))
		if i == 0 {
			f.Opcode = frame.Text
		}
		pinged, answered = append(pinged, f, p), append(answered, p)
	}
	pinged, answered = append(pinged, cont("a")), append(answered, text(strings.Repeat("a", 51)))
	twice := slices.Concat(repeatedFragments("first", 50), repeatedFragments("second", 50))
	return Section{
		Title:    "Small fragments",
		Requires: "5.4: endpoints MUST support receiving fragmented messages. How many fragments they take is their own business (10.4), and INFORMATIONAL, but up to 100 there is no excuse here.",
		Cases: []*Case{
			split(10, 1), split(100, 1), split(1000, 1), split(10_000, 1), split(65_536, 1), split(1000, 125), split(1000, 126),
			extra("5.4, 5.5.2", "51 fragments with a ping between any two of them", "Answer the pings at once, then echo the text as one message", pinged, closesAfter(answered...),
				gives(NonStrict, "the pongs come later, or only the latest (5.5.3: MAY)", inAnyOrder(closesAfter(answered...)))),
			extra("5.4", "Two texts in 50 fragments each", "Echo both", twice, closesAfter(text(strings.Repeat("first", 50)), text(strings.Repeat("second", 50)))),
		},
	}
}

// repeatedFragments is a text of n fragments with the same payload.
func repeatedFragments(payload string, n int) []Step {
	steps := repeated(n, more(cont(payload)))
	steps[0].Opcode = frame.Text
	steps[n-1].More = false
	return steps
}
