package autobahn

import (
	"fmt"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section22() Section {
	return extraParts("22", "Closing", closeLengths(), closeCodes(), closeRaces(), halfClosed(), closeTimes())
}

func closeLengths() Section {
	var cases []*Case
	for n := 0; n <= 126; n++ {
		title := fmt.Sprintf("Close with a body of %d octets", n)
		body := "\x03\xe8" + strings.Repeat("reason ", 20)
		steps := []Step{text("Hello"), closingRaw(body[:n])}
		switch n {
		case 1:
			cases = append(cases, extra("5.5.1", title, "Echo the text, and fail the connection: a Close with 1002, or TCP dropped", steps,
				Outcome{Verdict: OK, Events: echoesOf(steps[:1]), Close: closedOrDropped(1002)}, gives(NonStrict, "the echo is lost (5.4: no MUST says when to echo)", Outcome{Close: closedOrDropped(1002)})))
		case 126:
			cases = append(cases, extra("5.5", title, "Echo the text, and fail the connection: a Close with 1002, or TCP dropped", steps,
				Outcome{Verdict: OK, Events: echoesOf(steps[:1]), Close: closedOrDropped(1002)}, gives(NonStrict, "the echo is lost (5.4: no MUST says when to echo)", Outcome{Close: closedOrDropped(1002)})))
		default:
			cases = append(cases, extra("5.5.1", title, "Echo the text, and answer the Close", steps, closedAfter(codes(1000), text("Hello"))))
		}
	}
	return Section{
		Title: "The body of a Close, of every length",
		Requires: "5.5.1: a Close may have a body; if there is one its first two octets MUST be a code; whoever receives one MUST answer with one, and MUST close TCP. " +
			"5.5: it MUST have 125 octets or less.",
		Cases: cases,
	}
}

func closeCodes() Section {
	good := func(code frame.CloseCode) *Case {
		return extra("5.5.1, 7.4.2", fmt.Sprintf("Close with code %d", code), "Answer the Close, with the same code for one", []Step{closing(code, "")}, closedAfter(codes(code, 1000)))
	}
	later := func(code frame.CloseCode, what string) *Case {
		return extra("5.5.1, 7.4.2", fmt.Sprintf("Close with code %d, registered since as %s", code, what), "Answer the Close, with the same code for one", []Step{closing(code, "")},
			closedAfter(codes(code, 1000)), gives(NonStrict, "it knows only the codes of RFC 6455 (7.4.2: others are to be registered)", Outcome{Close: closedOrDropped(1002)}))
	}
	unused := func(code frame.CloseCode, why string) *Case {
		return extra("7.4.2", fmt.Sprintf("Close with code %d", code), "Fail the connection: a Close with 1002, or TCP dropped", []Step{closing(code, "")}, Outcome{Verdict: OK, Close: closedOrDropped(1002)},
			gives(NonStrict, why, Outcome{Close: CloseExpectation{Any: true}}))
	}
	const low, reserved, beyond = "it takes the code (7.4.2: those below 1000 are not used)", "it takes the code (7.4.2: those up to 2999 are reserved for revisions)",
		"it takes the code (7.4.2 does not speak of those above 4999)"
	return Section{
		Title: "Codes of a Close that the original leaves out",
		Requires: "7.4.1: 1015 MUST NOT be set as a code in a Close frame. 7.4.2: 3000 to 4999 are for libraries and applications; a Close with one of them MUST be answered (5.5.1). " +
			"Those below 1000 are not used, those up to 2999 are reserved and registered with IANA.",
		Cases: []*Case{
			later(1012, "service restart"), later(1013, "try again later"), later(1014, "bad gateway"),
			good(3001), good(3500), good(4001), good(4500),
			extra("7.4.1", "Close with code 1015", "Fail the connection: a Close with 1002, or TCP dropped", []Step{closing(1015, "")}, Outcome{Verdict: OK, Close: closedOrDropped(1002)}),
			unused(1, low), unused(100, low), unused(998, low),
			unused(1017, reserved), unused(1999, reserved), unused(2001, reserved), unused(2998, reserved),
			unused(5001, beyond), unused(10000, beyond), unused(65534, beyond),
		},
	}
}

func closeRaces() Section {
	normal, failure := closing(1000, ""), closing(1000, "")
	badOpcode := Step{Opcode: 3}
	closed := func(frames ...Step) Outcome { return closedAfter(codes(1000), frames...) }
	orDropped := func(c ...frame.CloseCode) Outcome { return Outcome{Verdict: OK, Close: closedOrDropped(c...)} }
	const unasked = "it answers the ping (5.5.2: MUST does not hold any more)"
	c := []*Case{
		extra("5.5.1", "A text and a Close in one write", "Echo the text, and answer the Close", []Step{text("Hello"), normal}, closed(text("Hello"))),
		extra("5.5.1", "A Close and a text in one write", "Answer the Close, and nothing else", []Step{normal, text("Hello")}, closed()),
		extra("5.5.1", "A text, a Close and another text in one write", "Echo the first text, and answer the Close", []Step{text("Hello"), normal, text("lost")}, closed(text("Hello"))),
		extra("5.5.1, 5.5.2", "A Close and a ping in one write", "Answer the Close, and nothing else", []Step{normal, ping("late")}, closed(), gives(NonStrict, unasked, closed(ping("late")))),
		extra("5.5.1, 5.5.2", "A ping and a Close in one write", "Answer both", []Step{ping("early"), normal}, closed(ping("early")),
			gives(NonStrict, "it does not answer the ping (5.5.2: unless it already received a Close)", closed())),
		extra("5.5.1", "Two Closes in one write", "Answer the first", []Step{normal, Step{Opcode: frame.Close, Payload: octets("\x03\xe9")}}, closed()),
		extra("5.4, 5.5.1", "A fragment without its end, and a Close", "Answer the Close, and echo nothing", []Step{more(text("Hel")), normal}, closed()),
		extra("5.4, 5.5.1", "A fragment, a ping and a Close", "Answer the ping and the Close, and echo nothing", []Step{more(text("Hel")), ping("p"), normal}, closed(ping("p")),
			gives(NonStrict, "it does not answer the ping (5.5.2: unless it already received a Close)", closed())),
		extra("5.4, 5.5.1", "A fragment, a Close and the other fragment", "Answer the Close, and echo nothing", []Step{more(text("Hel")), normal, cont("lo")}, closed()),
		extra("5.2, 5.5.1", "A Close and a frame with a reserved opcode in one write", "Answer the Close, or drop TCP", []Step{normal, badOpcode}, orDropped(1000, 1002)),
		extra("5.1, 5.5.1", "A Close and octets that are no frame in one write", "Answer the Close, or drop TCP", []Step{normal, sent("GET / HTTP/1.1\r\n\r\n")}, orDropped(1000, 1002)),
		extra("5.2, 7.1.7", "A frame with a reserved opcode and a Close in one write: both ends close at once", "Fail the connection: a Close with 1002, or TCP dropped", []Step{badOpcode, failure},
			orDropped(1002), gives(NonStrict, "it answers with 1000 (7.4.1: 1002 would say what is wrong)", orDropped(1000))),
		extra("7.1.7, 8.1", "Text that is not UTF-8 and a Close in one write: both ends close at once", "Fail the connection: a Close with 1007, or TCP dropped", []Step{text("\xff"), failure},
			orDropped(1007), gives(NonStrict, "it answers with 1000 or 1002 (7.4.1: 1007 would say what is wrong)", orDropped(1000, 1002))),
		extra("5.5.1", "100 texts and a Close in one write", "Echo them all, and answer the Close", append(repeated(100, text("Hello")), normal), closed(repeated(100, text("Hello"))...)),
		extra("5.5.1", "Binary of 1 MiB and a Close behind it", "Echo it, and answer the Close", []Step{filled(1<<20, bin("\x00\x01\x02\x03\x04\x05\x06")), normal},
			closed(filled(1<<20, bin("\x00\x01\x02\x03\x04\x05\x06")))),
		extra("5.5.1", "A Close, and 64 KiB of binary behind it", "Answer the Close, and close TCP", []Step{normal, filled(64<<10, bin("late"))}, orDropped(1000)),
	}
	pieces := func(title string, steps ...Step) *Case {
		c := extra("5.5.1", title, "Echo the text, and answer the Close", steps, closed(text("Hello")))
		c.Stream = []Step{text("Hello"), normal}
		return c
	}
	c = append(c,
		pieces("A text and a Close, an octet at a time", Step{Do: SendStream, Chop: 1}),
		pieces("A text and a Close, cut behind the first octet of the Close", upToLast(1+6), pause(cutTime), upTo(0)),
		pieces("A text and a Close, cut before the body of the Close", upToLast(2), pause(cutTime), upTo(0)),
		pieces("A text and a Close, cut inside of its code", upToLast(1), pause(cutTime), upTo(0)),
	)
	return Section{
		Title: "Closes that meet other frames",
		Requires: "5.5.1: whoever receives a Close MUST answer with one, MUST NOT send data frames behind its own, and MUST close TCP, a server immediately. 5.5.2: a ping MUST be answered, unless a " +
			"Close came before. 5.4: control frames may come inside of a fragmented message, and MUST be handled there. 7.1.7: whoever fails a connection MUST NOT go on processing data.",
		Cases: c,
	}
}

// cutTime is how long the runner waits between two pieces, so that they are not read as one.
const cutTime = 5 * time.Millisecond

// upToLast sends the stream but for its last octets.
func upToLast(n int) Step { return Step{Do: SendStream, To: -n} }

func halfClosed() Section {
	const keeps = "it keeps TCP open (7.1.1: SHOULD)"
	// The runner's direction of TCP ends without a Close: 7.2.1, "the client MUST fail the WebSocket connection"; of servers no MUST is known.
	ends := func(title, expects string, stream []Step, upTo Step, echoes ...Step) *Case {
		ended := fails(anyFailure...)
		c := extra("7.1.1, 7.2.1", title, expects, nil)
		c.Stream = stream
		if len(stream) > 0 {
			c.Steps = append(c.Steps, upTo)
		}
		c.Steps = patiently(time.Second, append(c.Steps, endWriting())...)
		outcomes := []Outcome{failsAfter(anyFailure, echoes...)}
		if len(echoes) > 0 {
			outcomes = append(outcomes, ended)
		}
		late := stays()
		late.Events = append(echoesOf(echoes), late.Events...)
		c.Outcomes = append(outcomes, gives(NonStrict, keeps, late))
		return c
	}
	const nothing, maybe = "Close TCP, and echo nothing", "Close TCP; before that, perhaps, answer"
	c := []*Case{
		ends("The end of TCP", nothing, nil, Step{}),
		ends("A text and the end of TCP", maybe, []Step{text("Hello")}, upTo(0), text("Hello")),
		ends("A ping and the end of TCP", maybe, []Step{ping("p")}, upTo(0), ping("p")),
		ends("A text in two fragments and the end of TCP", maybe, []Step{more(text("Hel")), cont("lo")}, upTo(0), text("Hello")),
		ends("A first fragment and the end of TCP", nothing, []Step{more(text("Hello"))}, upTo(0)),
		ends("Half of a ping between two fragments and the end of TCP", nothing, []Step{more(text("Hel")), ping("ping")}, upToLast(2)),
	}
	for n := 1; n <= 10; n++ { // a masked text has 11 octets, one in clear 7
		c = append(c, ends(fmt.Sprintf("A text without its last %d octets, and the end of TCP", n), nothing, []Step{text("Hello")}, upToLast(n)))
	}
	for n := 1; n <= 7; n++ {
		c = append(c, ends(fmt.Sprintf("A Close without its last %d octets, and the end of TCP", n), nothing, []Step{closing(1000, "")}, upToLast(n)))
	}
	for _, n := range []int{1, 65536, 65539} {
		c = append(c, ends(fmt.Sprintf("Binary of 65536 octets without its last %d octets, and the end of TCP", n), nothing, []Step{filled(65536, bin("b"))}, upToLast(n)))
	}
	closed := extra("5.5.1, 7.1.1", "A Close and the end of TCP", "Answer the Close, or close TCP", []Step{closing(1000, ""), endWriting()}, Outcome{Verdict: OK, Close: closedOrDropped(1000)})
	return Section{
		Title: "TCP that ends in one direction, at any octet",
		Requires: "7.2.1: a client MUST fail the connection if TCP is lost. 6.2: data is received when a whole message is: what is not whole MUST NOT come back (5.4: its fragments MUST have " +
			"their last one). 7.1.1: the server SHOULD close TCP first.",
		Cases: append(c, closed),
	}
}

func closeTimes() Section {
	const shows = "it keeps TCP open for longer (7.1.1 and 7.1.7 set no time)"
	mute := func(title string, steps []Step, code frame.CloseCode) *Case {
		c := extra("7.1.1, 7.1.7", title, "Fail the connection, and close TCP in a few seconds though no Close comes back", patiently(3*time.Second, steps...), fails(code),
			gives(Informational, shows, stays()))
		c.Mute = true
		return c
	}
	return Section{
		Title: "A runner that does not answer a Close",
		Requires: "7.1.7: whoever fails the connection MUST NOT go on processing data, also not a Close that answers, and closes TCP; 7.1.1 lets an endpoint close TCP when necessary. " +
			"How long it may wait is left open.",
		Cases: []*Case{
			mute("A reserved opcode, and no answer to the Close that follows", []Step{{Opcode: 3}}, 1002),
			mute("Text that is not UTF-8, and no answer to the Close that follows", []Step{text("\xff")}, 1007),
			mute("A reserved opcode, no answer to the Close that follows, but more texts", []Step{{Opcode: 3}, text("Hello"), text("Hello")}, 1002),
		},
	}
}
