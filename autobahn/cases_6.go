package autobahn

import (
	"slices"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section6() Section {
	return Section{ID: "6", Title: "UTF-8", Parts: append([]Section{
		{
			ID: "6.1", Title: "Empty messages and fragments",
			Requires: "5.4, 5.6: a text message, and any fragment of one, may be empty.",
			Cases:    emptyFragments(),
		},
		{
			ID: "6.2", Title: "Valid text, whole and in pieces",
			Requires: "5.6: a fragment of text may end inside a character; the message as a whole is what has to be UTF-8.",
			Cases:    goodPieces(),
		},
		{
			ID: "6.3", Title: "Invalid text, whole and in pieces",
			Requires: "8.1: whoever receives text that is not UTF-8 fails the connection. 7.4.1: the code for that is 1007.",
			Cases:    badPieces(),
		},
		{
			ID: "6.4", Title: "Invalid text, and when that is noticed",
			Requires: "8.1: the same. The RFC leaves open when; failing at the first octet that cannot be, in a fragment whose message has not ended and " +
				"even inside a frame, is strict, waiting for the end of the message is NON-STRICT.",
			Cases: failFast(),
		},
	}, codePoints()...)}
}

const (
	kosme  = "κ\u1f79σμε"         // a Greek word of 11 octets; its second letter is the one with three, U+1F79, not its twin U+03CC
	edited = "\xed\xa0\x80edited" // a surrogate, then text
	beyond = "\xf4\x90\x80\x80"   // what U+110000 would be: impossible from the second octet on

	failText = "Fail the connection: a Close with 1007, or TCP dropped"
)

func emptyFragments() []*Case {
	const middle = "middle frame payload"
	return []*Case{
		{
			ID: "6.1.1", RFC: "5.6", Title: "Text without payload", Expects: "Echo an empty text message",
			Steps: plain(text("")), Expect: echoes(text("")), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
		{
			ID: "6.1.2", RFC: "5.4, 5.6", Title: "Text in three fragments, all empty", Expects: "Echo an empty text message",
			Steps: plain(more(text("")), more(cont("")), cont("")), Expect: echoes(text("")), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
		{
			ID: "6.1.3", RFC: "5.4, 5.6", Title: "Text in three fragments, the first and the last empty", Expects: "Echo it as one message",
			Steps: plain(more(text("")), more(cont(middle)), cont("")), Expect: echoes(text(middle)), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
	}
}

func goodPieces() []*Case {
	const first, second = "Hello-µ@ßöä", "üàá-UTF-8!!"
	whole := text(first + second)
	return []*Case{
		{
			ID: "6.2.1", RFC: "5.6, 8.1", Title: "Text with characters of one and two octets, in one frame", Expects: echoIt,
			Steps: plain(message(whole)), Expect: echoes(whole), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
		{
			ID: "6.2.2", RFC: "5.4, 5.6, 8.1",
			Title: "Text with characters of one and two octets, in two fragments, cut between characters", Expects: "Echo it as one message",
			Steps: plain(more(text(first)), cont(second)), Expect: echoes(whole), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
		{
			ID: "6.2.3", RFC: "5.4, 5.6, 8.1",
			Title: "Text with characters of one and two octets, in fragments of one octet", Expects: "Echo it as one message",
			Steps: plain(fragments(1, whole)), Expect: echoes(whole), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
		{
			ID: "6.2.4", RFC: "5.4, 5.6, 8.1", Title: "Text with characters of two and three octets, in fragments of one octet",
			Expects: "Echo it as one message",
			Steps:   plain(fragments(1, text(kosme))), Expect: echoes(text(kosme)), Deadline: closeIn(time.Second), Close: closeOnMatch(),
		},
	}
}

func badPieces() []*Case {
	bad := text(kosme + edited)
	return []*Case{
		{
			ID: "6.3.1", RFC: "5.6, 7.1.7, 8.1", Title: "Text with an encoded surrogate in its middle, in one frame",
			Expects: failText, InitiatorMatters: true,
			Steps: plain(message(bad)), Expect: silence(), Deadline: failIn(time.Second), Close: failedByPeer(frame.CloseInvalidPayload),
		},
		{
			ID: "6.3.2", RFC: "5.4, 5.6, 7.1.7, 8.1", Title: "Text with an encoded surrogate in its middle, in fragments of one octet",
			Expects: failText, InitiatorMatters: true,
			Steps: plain(fragments(1, bad)), Expect: silence(), Deadline: failIn(time.Second), Close: failedByPeer(frame.CloseInvalidPayload),
		},
	}
}

// failFast sends text that goes wrong at its 13th octet, in three pieces with a second between them. Of the waits the peer survives the first only,
// if it fails the connection as soon as the octet is there.
func failFast() []*Case {
	piecewise := func(first, second, third Step) []Step {
		return plain(first, pauseIfOpen(time.Second, "A"), second, pauseIfOpen(time.Second, "B"), third)
	}
	inOneFrame := func(first, second, third Step) []Step {
		all := uint64(first.Payload.Len + second.Payload.Len + third.Payload.Len)
		return slices.Concat(plain(header(frame.Text, all)), piecewise(first, second, third), plain(cont("")))
	}
	cases := []*Case{
		{
			ID: "6.4.1", RFC: "5.4, 5.6, 7.1.7, 8.1", Title: "Text in three fragments, a second apart, the second an impossible character",
			Steps: piecewise(more(text(kosme)), more(cont(beyond)), cont("edited")),
		},
		{
			ID: "6.4.2", RFC: "5.4, 5.6, 7.1.7, 8.1",
			Title: "Text in three fragments, a second apart, the second an octet that makes a character impossible",
			Steps: piecewise(more(text(kosme+beyond[:1])), more(cont(beyond[1:2])), cont(beyond[2:]+"edited")),
		},
		{
			ID: "6.4.3", RFC: "5.6, 7.1.7, 8.1", Title: "A frame of text in three parts, a second apart, the second an impossible character",
			Steps: inOneFrame(part(kosme), part(beyond), part("edited")),
		},
		{
			ID: "6.4.4", RFC: "5.6, 7.1.7, 8.1",
			Title: "A frame of text in three parts, a second apart, the second an octet that makes a character impossible",
			Steps: inOneFrame(part(kosme+beyond[:1]), part(beyond[1:2]), part(beyond[2:]+"edited")),
		},
	}
	for _, c := range cases {
		c.Expects = "Fail the connection when the second part is there: a Close with 1007, or TCP dropped; NON-STRICT after the third"
		c.Expect = []Expectation{{OK, timeouts("A")}, {NonStrict, timeouts("A", "B")}}
		c.Deadline, c.Close, c.InitiatorMatters = failIn(time.Second), failedByPeer(frame.CloseInvalidPayload), true
	}
	return cases
}
