package autobahn

import (
	"fmt"
	"slices"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section5() Section {
	return Section{
		ID: "5", Title: "Fragmentation",
		Requires: "5.4: a message is a frame without FIN and with an opcode, continuation frames of opcode 0, and a last one with FIN; control frames may " +
			"come between the fragments, and are answered then and there; another message may not, and a continuation needs something to continue. " +
			"5.5: a control frame is not fragmented. 5.5.2, 5.5.3: a ping is answered with its pong.",
		Cases: slices.Concat(fragmentedControl(), goodFragments(), strayContinuations(), brokenOrder(), slowPings()),
	}
}

func fragmentedControl() []*Case {
	breach := func(id, title string, first Step) *Case {
		return &Case{
			ID: id, RFC: "5.4, 5.5, 7.1.7", Title: title, Expects: failIt,
			Steps: plain(more(first), cont("fragment2")), Expect: silence(),
			Deadline: failIn(time.Second), Close: failedByPeer(frame.CloseProtocolError),
		}
	}
	return []*Case{
		breach("5.1", "A ping in two fragments", ping("fragment1")),
		breach("5.2", "A pong in two fragments", pong("fragment1")),
	}
}

func goodFragments() []*Case {
	const whole = "fragment1fragment2"
	return slices.Concat(
		threeWays(3, "5.4", "Text in two fragments", "Echo it as one message",
			[]Step{more(text("fragment1")), cont("fragment2")},
			Case{Expect: echoes(text(whole)), Deadline: closeIn(time.Second), Close: closeOnMatch()}),
		threeWays(6, "5.4, 5.5, 5.5.2, 5.5.3", "Text in two fragments, and a ping between them",
			"Answer with a pong of the same payload, then echo the text as one message", []Step{more(text("fragment1")), ping(pingPayload), cont("fragment2")},
			Case{Expect: echoes(ping(pingPayload), text(whole)), Deadline: closeIn(time.Second), Close: closeOnMatch()}),
	)
}

func strayContinuations() []*Case {
	const stray = "non-continuation payload"
	breach := Case{Expect: silence(), Deadline: failIn(time.Second), Close: failedByPeer(frame.CloseProtocolError)}
	return slices.Concat(
		threeWays(9, "5.4, 7.1.7", "A continuation with FIN that continues nothing, then text", failIt,
			[]Step{cont(stray), text(greeting)}, breach),
		threeWays(12, "5.4, 7.1.7", "A continuation without FIN that continues nothing, then text", failIt,
			[]Step{more(cont(stray)), text(greeting)}, breach),
	)
}

// threeWays is one case three times: its frames in one write, in a write each, and an octet at a time.
func threeWays(first int, rfc, title, expects string, frames []Step, rest Case) []*Case {
	var cases []*Case
	for i, way := range []struct {
		suffix string
		steps  []Step
	}{
		{"", plain(frames...)},
		{", each in a write of its own", perFrame(frames...)},
		{", written an octet at a time", chopped(1, frames...)},
	} {
		c := rest
		c.ID, c.RFC, c.Title, c.Expects, c.Steps = fmt.Sprintf("5.%d", first+i), rfc, title+way.suffix, expects, way.steps
		cases = append(cases, &c)
	}
	return cases
}

func brokenOrder() []*Case {
	// 5.16 and 5.17 do it twice over.
	again := func(steps ...Step) []Step { return slices.Concat(steps, steps) }
	cases := []*Case{
		{
			ID: "5.15", Title: "Text in two fragments, then a continuation of nothing, then text", Expects: echoFailIt,
			Steps:  plain(more(text("fragment1")), cont("fragment2"), more(cont("fragment3")), text("fragment4")),
			Expect: echoesUnlessLost(text("fragment1fragment2")),
		},
		{
			ID: "5.16", Title: "Twice: a continuation of nothing without FIN, then text in two fragments", Expects: failIt,
			Steps:  again(more(cont("fragment1")), more(text("fragment2")), cont("fragment3")),
			Expect: silence(),
		},
		{
			ID: "5.17", Title: "Twice: a continuation of nothing with FIN, then text in two fragments", Expects: failIt,
			Steps:  again(cont("fragment1"), more(text("fragment2")), cont("fragment3")),
			Expect: silence(),
		},
		{
			ID: "5.18", Title: "Text in two fragments of which the second has the opcode of text again", Expects: failIt,
			Steps:  plain(more(text("fragment1")), text("fragment2")),
			Expect: silence(),
		},
	}
	for _, c := range cases {
		c.RFC = "5.4, 7.1.7"
		c.Deadline, c.Close = failIn(time.Second), failedByPeer(frame.CloseProtocolError)
	}
	return cases
}

func slowPings() []*Case {
	steps := []Step{
		more(text("fragment1")), more(cont("fragment2")), ping("pongme 1!"),
		pause(time.Second),
		more(cont("fragment3")), more(cont("fragment4")), ping("pongme 2!"), cont("fragment5"),
	}
	slow := func(id, title string, steps []Step) *Case {
		return &Case{
			ID: id, RFC: "5.4, 5.5, 5.5.2, 5.5.3", Title: title,
			Expects: "Answer each ping with its pong, then echo the text as one message",
			Steps:   steps, Expect: echoes(ping("pongme 1!"), ping("pongme 2!"), text("fragment1fragment2fragment3fragment4fragment5")),
			Deadline: closeIn(time.Second), Close: closeOnMatch(),
		}
	}
	return []*Case{
		slow("5.19", "Text in five fragments, a ping behind the second and the fourth, and a second of silence behind the first ping", plain(steps...)),
		slow("5.20", "Text in five fragments with two pings and a second of silence, each frame in a write of its own", perFrame(steps...)),
	}
}
