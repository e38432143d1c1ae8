package autobahn

import (
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/frame"
)

func section23() Section {
	return extraParts("23", "Control frames in numbers", pingFloods(), pongFloods(), pingsInside())
}

// tooMany: a limit of the peer's own is reached, of which RFC 6455 says nothing.
func tooMany(what string) Outcome {
	return gives(Informational, "it has had enough of "+what+", and says so with 1008 or 1009, or drops TCP (10.4: limits are its own business)", whatever(fails(limitReached...)))
}

// counted is n pings, each with its number and so many octets in all; with 0 they are empty.
func counted(n, size int) []Step {
	pings := make([]Step, n)
	for i := range pings {
		if size > 0 {
			pings[i] = filled(size, ping(fmt.Sprintf("%06d ", i)))
		} else {
			pings[i] = ping("")
		}
	}
	return pings
}

func pingFloods() Section {
	const expects = "Answer the pings in order, or only the latest of those that wait, and echo the text"
	flood := func(title string, pings []Step) *Case {
		all := append(slices.Clone(pings), text("next"))
		o := []Outcome{inAnyOrder(closesAfter(all...))}
		if len(pings) > 100 {
			o = append(o, tooMany("pings"))
		}
		return extra("5.5.2, 5.5.3", title, expects, all, o...)
	}
	withClose := func(n int) *Case {
		pings := counted(n, 7)
		return extra("5.5.1, 5.5.2", fmt.Sprintf("%d pings and a Close in one write", n), "Answer the pings, and the Close", append(slices.Clone(pings), closing(1000, "")),
			closedAfter(codes(1000), pings...), gives(NonStrict, "it does not answer all pings (5.5.2: unless it already received a Close)", whatever(closedAfter(codes(1000)))), tooManyClosing())
	}
	return Section{
		Title: "Many pings in one write",
		Requires: "5.5.2: a ping MUST be answered with a pong, 5.5.3: with the same payload; if several were not answered yet, the endpoint MAY answer only the latest. A limit on their number is " +
			"its own business (10.4), and INFORMATIONAL.",
		Cases: []*Case{
			flood("10 pings with their numbers, and a text", counted(10, 7)),
			flood("50 pings of 125 octets, and a text", counted(50, 125)),
			flood("100 pings without payload, and a text", counted(100, 0)),
			flood("150 pings with their numbers, and a text", counted(150, 7)),
			flood("1000 pings with their numbers, and a text", counted(1000, 7)),
			flood("1000 pings of 125 octets, and a text", counted(1000, 125)),
			flood("5000 pings without payload, and a text", counted(5000, 0)),
			withClose(100), withClose(1000),
		},
	}
}

// tooManyClosing is tooMany where the runner has sent a Close itself.
func tooManyClosing() Outcome {
	o := tooMany("pings")
	o.Close = closedOrDropped(limitReached...)
	return o
}

func pongFloods() Section {
	flood := func(n, size int) *Case {
		pongs := counted(n, size)
		for i := range pongs {
			pongs[i].Opcode = frame.Pong
		}
		o := []Outcome{closesAfter(text("next"))}
		if n > 100 {
			o = append(o, tooMany("pongs"))
		}
		return extra("5.5.3", fmt.Sprintf("%d pongs of %d octets that nobody asked for, and a text", n, size), "Pass over the pongs, and echo the text", append(pongs, text("next")), o...)
	}
	return Section{
		Title: "Many pongs in one write",
		Requires: "5.5.3: a pong may come without a ping, and no response to it is expected; 5.4: the text behind MUST be received. A limit on the number of pongs is the endpoint's own business (10.4), and " +
			"INFORMATIONAL.",
		Cases: []*Case{flood(10, 0), flood(100, 7), flood(1000, 0), flood(1000, 125)},
	}
}

func pingsInside() Section {
	const later = "the pongs come later, or only the latest (5.5.3: MAY)"
	parts := []Step{more(text("one ")), more(cont("two ")), more(cont("three ")), cont("four")}
	inside := func(title string, pings []Step, places ...int) *Case {
		var steps, all []Step
		for i, p := range parts {
			if slices.Contains(places, i) {
				steps, all = append(steps, pings...), append(all, pings...)
			}
			steps = append(steps, p)
		}
		all = append(all, text("one two three four"))
		o := []Outcome{closesAfter(all...), gives(NonStrict, later, inAnyOrder(closesAfter(all...)))}
		if len(all) > 100 {
			o = append(o, tooMany("pings"))
		}
		return extra("5.4, 5.5.2", title, "Answer the pings at once, then echo the text as one message", steps, o...)
	}
	one := []Step{ping("ping")}
	chop := inside("A ping of 125 octets at each place between four fragments, all an octet at a time", counted(1, 125), 1, 2, 3)
	chop.Steps = chopped(1, chop.Steps...)
	return Section{
		Title: "Pings between fragments",
		Requires: "5.4: control frames may come in the middle of a fragmented message, and an endpoint MUST be capable of handling them there; 5.5.2: a ping MUST be answered, as soon as " +
			"is practical.",
		Cases: []*Case{
			inside("A ping before four fragments", one, 0),
			inside("A ping behind the first of four fragments", one, 1),
			inside("A ping behind the second of four fragments", one, 2),
			inside("A ping behind the third of four fragments", one, 3),
			inside("A ping at each place between four fragments", one, 1, 2, 3),
			inside("A ping without payload at each place between four fragments", counted(1, 0), 1, 2, 3),
			inside("A ping of 125 octets at each place between four fragments", counted(1, 125), 1, 2, 3),
			inside("Ten pings at each place between four fragments", counted(10, 7), 1, 2, 3),
			inside("500 pings between the second and the third of four fragments", counted(500, 7), 2),
			chop,
			extra("5.4, 5.5.3", "A pong at each place between four fragments", "Pass over the pongs, and echo the text as one message",
				[]Step{parts[0], pong("p"), parts[1], pong(""), parts[2], pong("p"), parts[3]}, closesAfter(text("one two three four"))),
		},
	}
}
