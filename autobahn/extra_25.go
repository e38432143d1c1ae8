package autobahn

import (
	"fmt"
	"slices"
)

func section25() Section {
	return extraParts("25", "A session however it is cut", wholeSession(), cutSession())
}

// A session of everything: messages of both types and of each form of length but the longest, fragments with a ping between them, and the end.
var (
	sessionFrames = []Step{
		text("Hello-µ@ßöäüàá-UTF-8!!"), bin("\x00\xff"), filled(130, bin("idle")), more(text("\xce")), ping("between"), more(cont("\xba\xf0\x9f")), cont("\x98\x80"), text(""), pong("unasked"),
		ping("last"), closing(1000, "done"),
	}
	sessionEchoes = []Step{text("Hello-µ@ßöäüàá-UTF-8!!"), bin("\x00\xff"), filled(130, bin("idle")), ping("between"), text("κ😀"), text(""), ping("last")}
)

// cutCase is the session, sent by steps.
func cutCase(title string, steps ...Step) *Case {
	all := closedAfter(codes(1000), sessionEchoes...)
	c := extra("5.2, 5.4, 5.5", title, "Echo three messages, answer a ping, echo the fragmented message and the empty one, answer a ping and the Close", steps, all,
		gives(NonStrict, "pongs come later, or only the latest (5.5.3: MAY)", inAnyOrder(all)))
	c.Stream = sessionFrames
	return c
}

const sessionRequires = "5.2: frames are octets of a stream (1.2: there is no framing by TCP), so that an endpoint MUST NOT care where TCP cuts them: everything MUST be answered as 5.4, 5.5.1 and 5.5.2 have it, " +
	"always the same."

func wholeSession() Section {
	cases := []*Case{cutCase("The session in one write", upTo(0))}
	for _, n := range []int{1, 2, 3, 5, 7, 16, 64} {
		cases = append(cases, cutCase(fmt.Sprintf("The session %d octets at a time", n), Step{Do: SendStream, Chop: n}))
	}
	return Section{Title: "The session whole, and in equal pieces", Requires: sessionRequires, Cases: cases}
}

func cutSession() Section {
	// Where something begins or ends in a frame of a client, and in the middle: the octets of the header, of the extended length, of the key, of the payload.
	var places []int
	at := 0
	for i, f := range sessionFrames {
		n, extended := f.Payload.Len, 0
		if n > 125 {
			extended = 2
		}
		whole := 2 + extended + 4 + n
		inside := []int{1, 2, 2 + extended/2, 2 + extended, 4 + extended, 2 + extended + 4, whole - 1}
		if i%2 == 1 {
			inside = inside[:1] // the others have one of every kind
		}
		for _, p := range append(inside, whole) {
			if p < whole || f.Do != SendClose {
				places = append(places, at+p)
			}
		}
		at += whole
	}
	slices.Sort(places)
	places = slices.Compact(places)
	var cases []*Case
	for _, p := range places {
		cases = append(cases, cutCase(fmt.Sprintf("The session cut behind octet %d", p), upTo(p), pause(cutTime), upTo(0)))
	}
	return Section{Title: "The session cut in two, at each place of a frame", Requires: sessionRequires, Cases: cases}
}
