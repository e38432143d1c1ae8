package autobahn

import (
	"fmt"
	"slices"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section21() Section {
	return extraParts("21", "Lengths", lengthEdges(), longForms(), signedLengths(), hugeLengths(), controlLengths())
}

func lengthEdges() Section {
	var cases []*Case
	for _, n := range []int{0, 1, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537} {
		m := filled(n, bin("\x00\xff\x7f\x80"))
		cases = append(cases, extra("5.2", fmt.Sprintf("Binary of %d octets, its length in the shortest form", n), echoIt, []Step{m}, closesAfter(m)))
	}
	for _, n := range []int{125, 126, 65535, 65536} {
		m := filled(n, text("idle"))
		cases = append(cases, extra("5.2", fmt.Sprintf("Text of %d octets, its length in the shortest form", n), echoIt, []Step{m}, closesAfter(m)))
	}
	return Section{
		Title:    "Lengths around which the form changes",
		Requires: "5.2: a payload length is 7 bits, or 126 and 16 bits, or 127 and 64 bits, in network byte order; a receiver MUST understand them all (5.4: MUST support receiving messages).",
		Cases:    cases,
	}
}

// lengthOf says in words how a length is written.
func lengthOf(n uint64, form int) string { return fmt.Sprintf("length %d in %d bits", n, 8*form) }

func longForms() Section {
	const reads = "it reads the length all the same (5.2: MUST binds who sends it)"
	const expects = "Fail the connection: a Close with 1002, or TCP dropped"
	var cases []*Case
	add := func(form int, f Step, echo Outcome) {
		name := map[frame.Opcode]string{frame.Text: "Text", frame.Binary: "Binary", frame.Ping: "Ping", frame.Pong: "Pong"}[f.Opcode]
		cases = append(cases, extra("5.2", name+" with "+lengthOf(uint64(f.Payload.Len), form), expects, []Step{odd(Odd{Form: form}, f), text("next")},
			fails(1002), gives(NonStrict, reads, echo)))
	}
	for _, n := range []int{0, 1, 5, 125} {
		f := filled(n, bin("hello"))
		add(2, f, closesAfter(f, text("next")))
	}
	for _, n := range []int{0, 5, 125, 126, 65535} {
		f := filled(n, bin("hello"))
		add(8, f, closesAfter(f, text("next")))
	}
	for _, form := range []int{2, 8} {
		add(form, text("hello"), closesAfter(text("hello"), text("next")))
		add(form, ping("hello"), closesAfter(ping("hello"), text("next")))
		add(form, pong("hello"), closesAfter(text("next")))
		cases = append(cases,
			extra("5.2", "Continuation with "+lengthOf(5, form), expects, []Step{more(text("Hello")), odd(Odd{Form: form}, cont("hello"))},
				fails(1002), gives(NonStrict, reads, closesAfter(text("Hellohello")))),
			// The Close is the first, so that the connection is to end either way.
			extra("5.2, 5.5.1", "Close with "+lengthOf(2, form), "Fail the connection: a Close with 1002, or TCP dropped", []Step{odd(Odd{Form: form}, Step{Opcode: frame.Close, Payload: octets("\x03\xe8")})},
				fails(1002), gives(NonStrict, reads, fails(1000))))
	}
	return Section{
		Title:    "Lengths that are not in their shortest form",
		Requires: "5.2: in all cases, the minimal number of octets MUST be used to encode the length. 10.7: incoming data MUST always be validated.",
		Cases:    cases,
	}
}

// headerOnly is a header in the 64-bit form, and nothing behind it.
func headerOnly(op frame.Opcode, n uint64) Step {
	return Step{Do: SendHeader, Opcode: op, Announce: n, Odd: &Odd{Form: 8}}
}

func signedLengths() Section {
	const expects = "Fail the connection at the header: a Close with 1002, or TCP dropped"
	tooBig := gives(NonStrict, "it fails the connection with 1009 (7.4.1: 1002 would say what is wrong)", fails(1009))
	var cases []*Case
	for _, n := range []uint64{1 << 63, 1<<63 + 1, 1<<64 - 4, 1<<64 - 1} {
		for _, op := range []frame.Opcode{frame.Text, frame.Binary} {
			name := map[frame.Opcode]string{frame.Text: "text", frame.Binary: "binary"}[op]
			cases = append(cases, extra("5.2, 10.7", fmt.Sprintf("The header of a %s with length %#x", name, n), expects, []Step{headerOnly(op, n)}, fails(1002), tooBig))
		}
	}
	cases = append(cases,
		extra("5.2, 10.7", "A fragment, and the header of a continuation with length 0x8000000000000000", expects, []Step{more(bin("fragment")), headerOnly(frame.Continuation, 1<<63)}, fails(1002), tooBig),
		extra("5.2, 10.7", "A fragment of 16 octets, and the header of a continuation whose length makes a sum of 8 in 64 bits", expects,
			[]Step{more(filled(16, bin("f"))), headerOnly(frame.Continuation, 1<<64-8)}, fails(1002), tooBig),
		extra("5.2, 10.7", "The header of a binary with length 0x8000000000000000, an octet at a time", expects, chopped(1, headerOnly(frame.Binary, 1<<63)), fails(1002), tooBig),
		extra("5.2, 10.7", "A text, and the header of a binary with length 0xffffffffffffffff", "Echo the text, then fail the connection: a Close with 1002, or TCP dropped",
			[]Step{text("Hello"), headerOnly(frame.Binary, 1<<64-1)}, failsAfter(protocolError, text("Hello")),
			gives(NonStrict, "the echo is lost (5.4: no MUST says when to echo)", fails(1002)), gives(NonStrict, "it fails the connection with 1009 (7.4.1: 1002 would say what is wrong)", whatever(fails(1009)))))
	return Section{
		Title:    "Lengths with the most significant bit set",
		Requires: "5.2: of a 64-bit length the most significant bit MUST be 0. 10.7: incoming data MUST always be validated: such a frame has no end that could be awaited.",
		Cases:    cases,
	}
}

func hugeLengths() Section {
	const waits = "it waits for the payload (10.4: limits are its own business)"
	const expects = "Fail the connection at the header, with 1009 for one: nothing is awaited"
	// A peer without limits waits for ever, and may not.
	huge := func(title string, steps ...Step) *Case {
		return extra("5.2, 10.4", title, expects, patiently(time.Second, steps...), fails(1009, 1008, 1002), gives(NonStrict, waits, stays()))
	}
	var cases []*Case
	for _, n := range []uint64{1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 53, 1<<63 - 1} {
		cases = append(cases, huge(fmt.Sprintf("The header of a binary with length %#x", n), headerOnly(frame.Binary, n)))
	}
	cases = append(cases,
		huge("The header of a text with length 0x7fffffffffffffff", headerOnly(frame.Text, 1<<63-1)),
		huge("The header of a first fragment with length 0x7fffffffffffffff", more(headerOnly(frame.Binary, 1<<63-1))),
		huge("The header of a binary with length 0x100000000, and 10 octets of its payload", headerOnly(frame.Binary, 1<<32), part("0123456789")),
		huge("A fragment, and the header of a continuation with length 0x7fffffffffffffff", more(bin("fragment")), headerOnly(frame.Continuation, 1<<63-1)),
		huge("A fragment of 1 octet, and the header of a continuation with length 0xffffffff", more(bin("f")), headerOnly(frame.Continuation, 1<<32-1)),
	)
	return Section{
		Title:    "Lengths that are allowed, and larger than anybody's memory",
		Requires: "10.4: implementations that have limits on the size of frames or messages MUST protect themselves against exceeding them. 5.2: 63 bits of length are allowed.",
		Cases:    cases,
	}
}

func controlLengths() Section {
	const expects = "Fail the connection at the header: a Close with 1002, or TCP dropped"
	long := func(title string, steps ...Step) *Case {
		return extra("5.5", title, expects, steps, fails(1002), gives(NonStrict, "it says so with 1009 (7.4.1: 1002 would say what is wrong)", fails(1009)))
	}
	announced := func(op frame.Opcode, n uint64, form int) Step {
		return Step{Do: SendHeader, Opcode: op, Announce: n, Odd: &Odd{Form: form}}
	}
	var cases []*Case
	for _, op := range []frame.Opcode{frame.Ping, frame.Pong, frame.Close} {
		name := map[frame.Opcode]string{frame.Ping: "ping", frame.Pong: "pong", frame.Close: "Close"}[op]
		cases = append(cases,
			long("The header of a "+name+" with length 126", announced(op, 126, 2)),
			long("The header of a "+name+" with length 65536", announced(op, 65536, 8)),
			long("The header of a "+name+" with length 0x7fffffffffffffff", announced(op, 1<<63-1, 8)))
	}
	whole := filled(200, ping("ping"))
	cases = append(cases, long("A ping of 200 octets, and a text", whole, text("next")), long("A pong of 200 octets, and a text", filled(200, pong("pong")), text("next")))
	return Section{
		Title:    "Control frames of more than 125 octets",
		Requires: "5.5: all control frames MUST have a payload length of 125 bytes or less.",
		Cases:    slices.Clip(cases),
	}
}
