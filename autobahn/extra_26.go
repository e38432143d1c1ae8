package autobahn

import (
	"fmt"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section26() Section {
	return extraParts("26", "Compression", deflateOffers(), deflateAnswers(), deflateBlocks(), deflateContexts(), deflateLimits(), deflateBreaches(), deflateGarbage(), deflateBombs())
}

const pmd = "permessage-deflate"

// agreed is what the messages of most cases need. The offer is that of browsers.
func agreed() Deflate { return Deflate{Offer: pmd + "; client_max_window_bits", Answer: pmd} }

// reaching is d for a case whose messages refer so many octets back.
func reaching(window int, d Deflate) Deflate {
	d.Window = window
	return d
}

// withDeflate is a case in which permessage-deflate is negotiated.
func withDeflate(rfc, title, expects string, d Deflate, steps []Step, outcomes ...Outcome) *Case {
	c := extra(rfc, title, expects, steps, outcomes...)
	c.Opening = &Opening{Deflate: &d, Answers: openIt()}
	return c
}

// packed is f with a compressed payload.
func packed(f Step, data string) Step {
	f.Payload, f.Rsv = octets(data), f.Rsv|frame.Rsv1
	return f
}

// The compressed messages of RFC 7692, 7.2.3.
var (
	packedHello      = unhex("f248cdc9c90700")
	packedHelloAgain = unhex("f200110000") // with the first in the window
	fromZero         = new(squeezer).fixed().literals("Hello").eob().message()
)

func deflateOffers() Section {
	const expects = "Agree to one of the offers, or to none, and echo a text"
	offer := func(title, header string) *Case {
		c := withDeflate("RFC 7692 7, RFC 7692 7.1", title, expects, Deflate{Offer: header, Optional: true}, sayHello, closesAfter(sayHello...))
		c.For = Servers
		return c
	}
	good := func(params string) *Case { return offer("Offer of "+pmd+params, pmd+params) }
	bad := func(params string) *Case {
		c := offer("Offer of "+pmd+params+", which is to be declined", pmd+params)
		c.Expects = "Decline the offer, and echo a text"
		c.Opening.Answers = append(c.Opening.Answers, answers(NonStrict, "it refuses the handshake (RFC 6455, 9.1 lets it fail what breaks the grammar)", refuses(400, 599)))
		return c
	}
	return Section{
		Title: "What servers agree to",
		Requires: "RFC 7692, 7: a server MUST decline an offer with a parameter that is not defined, that has an invalid value, or that comes twice. 7.1.1.1, 7.1.2.1: if it accepts an offer with " +
			"server_no_context_takeover or server_max_window_bits, its answer MUST have that, with the same or a smaller window. 7.1.2.2: client_max_window_bits MUST NOT be in an answer unless it was offered.",
		Cases: []*Case{
			good(""), good("; server_no_context_takeover"), good("; client_no_context_takeover"), good("; client_max_window_bits"), good("; client_max_window_bits=8"), good("; client_max_window_bits=15"),
			good("; server_max_window_bits=8"), good("; server_max_window_bits=9"), good("; server_max_window_bits=12"), good("; server_max_window_bits=15"), good(`; server_max_window_bits="10"`),
			good("; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10"), good(";client_max_window_bits;server_no_context_takeover"),
			offer("Two offers in a line, the first with a window of 512", pmd+"; server_max_window_bits=9, "+pmd),
			offer("Two offers in two lines", pmd+"; server_no_context_takeover\n"+pmd),
			offer("An offer behind extensions that nobody knows", "x-nobody-knows; a=1, "+pmd),
			bad("; server_max_window_bits=7"), bad("; server_max_window_bits=16"), bad("; server_max_window_bits=0"), bad("; server_max_window_bits"), bad("; server_max_window_bits=-1"),
			bad("; server_max_window_bits=08"), bad("; server_max_window_bits=4294967305"), bad("; server_max_window_bits=a"), bad("; client_max_window_bits=7"), bad("; client_max_window_bits=16"),
			bad("; client_max_window_bits=09"), bad("; server_no_context_takeover=1"), bad("; client_no_context_takeover=true"), bad("; server_no_context_takeover; server_no_context_takeover"),
			bad("; server_max_window_bits=10; server_max_window_bits=11"), bad("; unknown"),
			offer("A bad offer, and a good one behind it", pmd+"; server_max_window_bits=99, "+pmd),
		},
	}
}

func deflateAnswers() Section {
	answer := func(title, expects, params string, outcomes ...Outcome) *Case {
		c := withDeflate("RFC 7692 7, RFC 7692 7.1", title, expects, Deflate{Answer: pmd + params}, []Step{text("Hello"), packed(text(""), fromZero)}, outcomes...)
		c.For = Clients
		return c
	}
	good := func(params string) *Case {
		return answer("Answer of "+pmd+params, "Echo a text in clear, and a compressed one", params, closesAfter(text("Hello"), text("Hello")))
	}
	bad := func(params string) *Case {
		c := answer("Answer of "+pmd+params+", which is not allowed", clientFailIt, params, clientFails())
		return slowToFail(c)
	}
	unasked := bad("; client_max_window_bits=10")
	unasked.Title = "Answer with client_max_window_bits that was not offered"
	unasked.Opening.Deflate.Unasked = true
	return Section{
		Title: "What clients take",
		Requires: "RFC 7692, 7: a client MUST fail the connection if the answer has a parameter that is not defined, that has an invalid value, or that comes twice; 7.1.2.2: or " +
			"client_max_window_bits that it did not offer. 7.1.1, 7.1.2: the other parameters it has to take.",
		Cases: []*Case{
			good(""), good("; server_no_context_takeover"), good("; client_no_context_takeover"), good("; server_max_window_bits=8"), good("; server_max_window_bits=15"), good("; client_max_window_bits=9"),
			good("; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=10"),
			bad("; server_max_window_bits=7"), bad("; server_max_window_bits=16"), bad("; server_max_window_bits"), bad("; server_max_window_bits=08"), bad("; client_max_window_bits=16"),
			bad("; client_max_window_bits"), bad("; server_no_context_takeover=1"), bad("; client_no_context_takeover; client_no_context_takeover"), bad("; unknown"), unasked,
		},
	}
}

func deflateBlocks() Section {
	hello := func(rfc, title, data string) *Case {
		return withDeflate(rfc, title, echoIt, agreed(), []Step{packed(text(""), data)}, closesAfter(text("Hello")))
	}
	in := func(rfc, title, expects, data string, frames ...int) *Case {
		var steps []Step
		at := 0
		for i, n := range append(frames, len(data)) {
			f := Step{Opcode: frame.Continuation, Payload: octets(data[at:n]), More: n < len(data) || i < len(frames)}
			if i == 0 {
				f.Opcode, f.Rsv = frame.Text, frame.Rsv1
			}
			steps, at = append(steps, f), n
		}
		return withDeflate(rfc, title, expects, agreed(), steps, closesAfter(text("Hello")))
	}
	z := func() *squeezer { return new(squeezer) }
	var everywhere []int
	for i := range packedHello[1:] {
		everywhere = append(everywhere, i+1)
	}
	empty := withDeflate("RFC 7692 7.2.3.6", "An empty message", echoIt, agreed(), []Step{packed(text(""), "\x00")}, closesAfter(text("")))
	nothing := withDeflate("RFC 7692 7.2.2, RFC 7692 7.2.3.6", "A compressed message of no octets", "Fail the connection: it is no DEFLATE", agreed(), []Step{packed(text(""), "")}, fails(anyFailure...),
		gives(NonStrict, "it takes it for an empty message (RFC 7692, 7.2.2 does not speak of it)", closesAfter(text(""))))
	// 7.2.3.4 itself puts an empty block behind a final one.
	further := withDeflate("RFC 7692 7.2.3.4", "A message with a block behind a final one", "Echo what all blocks are", agreed(),
		[]Step{packed(text(""), z().final().fixed().literals("Hello").eob().align().fixed().literals("!").eob().message()), text("next")}, closesAfter(text("Hello!"), text("next")),
		gives(NonStrict, "it stops at the final block (RFC 7692, 7.2.3.4 has only an empty one behind it)", closesAfter(text("Hello"), text("next"))),
		gives(NonStrict, "it fails the connection (RFC 7692, 7.2.3.4 has only an empty one behind it)", fails(anyFailure...)))
	blocks := z()
	for range 1000 {
		blocks.stored("")
	}
	return Section{
		Title: "Blocks of every kind",
		Requires: "RFC 7692, 7.2.1: a message is any number of blocks of DEFLATE, of any kind, cut into fragments anywhere, without the 00 00 ff ff at its end. RFC 6455, 5.4: fragments MUST be taken. " +
			"RFC 7692, 6.2: a receiver MUST decompress a message whose first frame has RSV1, and MUST NOT if it has not.",
		Cases: []*Case{
			hello("RFC 7692 7.2.3.1", "A message of one block with fixed codes", packedHello),
			in("RFC 7692 7.2.3.1", "It in two fragments", echoIt, packedHello, 3),
			in("RFC 7692 7.2.3.1", "It in fragments of one octet", echoIt, packedHello, everywhere...),
			in("RFC 7692 6.1", "It with an empty fragment before it", echoIt, packedHello, 0),
			in("RFC 7692 6.1", "It with an empty fragment behind it", echoIt, packedHello, len(packedHello)),
			hello("RFC 7692 7.2.3.3", "A message of one block without compression", z().stored("Hello").message()),
			hello("RFC 7692 7.2.3.4", "A message whose block is final", z().final().fixed().literals("Hello").eob().message()),
			hello("RFC 7692 7.2.3.4", "A message whose block without compression is final", z().final().stored("Hello").message()),
			hello("RFC 7692 7.2.3.5", "A message of two blocks", z().fixed().literals("He").eob().stored("").fixed().literals("llo").eob().message()),
			hello("RFC 7692 7.2.1", "A message of five blocks of two kinds", z().fixed().literals("H").eob().stored("e").fixed().eob().stored("ll").fixed().literals("o").eob().message()),
			hello("RFC 7692 7.2.1", "A message of 1000 empty blocks and one with something in it", func() string { b := *blocks; return b.fixed().literals("Hello").eob().message() }()),
			withDeflate("RFC 7692 7.2.1", "A message of 1000 empty blocks", echoIt, agreed(), []Step{packed(bin(""), func() string { b := *blocks; return b.message() }())}, closesAfter(bin(""))),
			withDeflate("RFC 7692 7.2.1", "A message with dynamic codes", echoIt, reaching(4096, agreed()), []Step{packed(text(""), squeezed(strings.Repeat("idle wire, wire idle; ", 200), 4096))},
				closesAfter(filled(4400, text("idle wire, wire idle; ")))),
			withDeflate("RFC 7692 7.2.1", "A message of 64 KiB that cannot be compressed", echoIt, reaching(4096, agreed()), []Step{packed(bin(""), squeezed(noise(1<<16), 4096))}, closesAfter(bin(noise(1<<16)))),
			withDeflate("RFC 7692 7.2.1", "A message with matches of 258 octets one octet back", echoIt, agreed(), []Step{packed(bin(""), z().fixed().literals("a").match(258, 1).match(258, 1).eob().message())},
				closesAfter(filled(517, bin("a")))),
			further, empty, nothing,
			withDeflate("RFC 7692 6.1", "A message that is not compressed", echoIt, agreed(), []Step{text("Hello")}, closesAfter(text("Hello"))),
			withDeflate("RFC 7692 6.1", "Messages that are compressed and not, by turns, with a ping between fragments", echoIt+", and answer the ping", agreed(),
				[]Step{packed(text(""), fromZero), bin("plain"), more(packed(text(""), fromZero[:3])), ping("p"), cont(fromZero[3:]), text("plain")},
				closesAfter(text("Hello"), bin("plain"), ping("p"), text("Hello"), text("plain")), gives(NonStrict, "the pong comes later (5.5.3: MAY)",
					inAnyOrder(closesAfter(text("Hello"), bin("plain"), ping("p"), text("Hello"), text("plain"))))),
			withDeflate("RFC 7692 6.1", "Text of one character in three fragments of its compressed octets", echoIt, agreed(),
				[]Step{more(packed(text(""), z().fixed().literals("\u20ac").eob().message()[:1])), more(cont(z().fixed().literals("\u20ac").eob().message()[1:2])), cont(z().fixed().literals("\u20ac").eob().message()[2:])},
				closesAfter(text("\u20ac"))),
		},
	}
}

func deflateContexts() Section {
	takeover := agreed()
	takeover.Takeover = true
	wide := takeover
	wide.Window = 1 << 15
	z := func() *squeezer { return new(squeezer) }
	first := noise(1 << 15)
	again := func(title string, between ...Step) *Case {
		steps, echoed := []Step{packed(text(""), packedHello)}, []Step{text("Hello")}
		for _, b := range between {
			steps = append(steps, b)
			if b.Rsv == 0 {
				echoed = append(echoed, b)
			}
		}
		return withDeflate("RFC 7692 7.1.1, RFC 7692 7.2.3.2", title, echoIt, takeover, append(steps, packed(text(""), packedHelloAgain)), closesAfter(append(echoed, text("Hello"))...))
	}
	pinged := again("A message that refers to the one before, with a ping between them", ping("p"))
	emptied := again("A message that refers to the one before an empty one", packed(text(""), "\x00"))
	emptied.Outcomes[0].Events = echoesOf([]Step{text("Hello"), text(""), text("Hello")})
	ended := withDeflate("RFC 7692 7.2.3.4", "A message that refers to one before whose block was final", echoIt, takeover,
		[]Step{packed(text(""), z().final().fixed().literals("Hello").eob().message()), packed(text(""), z().fixed().match(5, 5).eob().message())}, closesAfter(text("Hello"), text("Hello")))
	far := withDeflate("RFC 7692 7.1.2", "A message that refers 32768 octets back, to the message before", echoIt, wide,
		[]Step{packed(bin(""), z().stored(first[:16384]).stored(first[16384:]).message()), packed(bin(""), z().fixed().match(10, 1<<15).eob().message())}, closesAfter(bin(first), bin(first[:10])))
	inside := withDeflate("RFC 7692 7.1.2", "A message that refers 32768 octets back inside of itself", echoIt, reaching(1<<15, agreed()),
		[]Step{packed(bin(""), z().stored(first[:16384]).stored(first[16384:]).fixed().match(10, 1<<15).eob().message())}, closesAfter(bin(first+first[:10])))
	many := withDeflate("RFC 7692 7.1.1", "100 messages, each of which refers to the one before", echoIt, takeover,
		append([]Step{packed(text(""), packedHello)}, repeated(99, packed(text(""), z().fixed().match(5, 5).eob().message()))...), closesAfter(repeated(100, text("Hello"))...))
	fresh := withDeflate("RFC 7692 7.1.1", "Two messages that do not refer to each other, though they might", echoIt, agreed(), []Step{packed(text(""), fromZero), packed(text(""), fromZero)},
		closesAfter(text("Hello"), text("Hello")))
	return Section{
		Title: "The window that messages share",
		Requires: "RFC 7692, 7.1.1: unless no_context_takeover was agreed for a direction, a receiver MUST be able to take messages that refer to earlier ones, up to 32768 octets back (7.1.2) unless a smaller " +
			"window was agreed. 7.2.2: what is in the window are compressed messages; one in clear, or a control frame, changes nothing.",
		Cases: []*Case{
			again("A message that refers to the one before"), again("A message that refers to the one before a text in clear", text("HELLO")), again("A message that refers to the one before 1 KiB in clear", filled(1024, bin("x"))),
			pinged, emptied, ended, far, inside, many, fresh,
		},
	}
}

func deflateLimits() Section {
	// What was said twice begins again so many octets later, so that a compressor that may look back so far will.
	twice := func(n int) string { return noise(n) + noise(n) }
	limited := func(params, title string, steps []Step, echoed ...Step) *Case {
		return withDeflate("RFC 7692 7.1.1, RFC 7692 7.1.2", title, "Echo the messages, and refer back only as far as was agreed, if they are compressed", limiting(params), steps, closesAfter(echoed...))
	}
	var cases []*Case
	for bits := 8; bits <= 15; bits++ {
		n := 1<<bits + 40
		if bits == 15 {
			n = 1 << 14
		}
		m := bin(twice(n))
		cases = append(cases, limited(fmt.Sprintf("_max_window_bits=%d", bits), fmt.Sprintf("Binaries whose second half repeats the first, with a window of %d bits for the peer", bits), []Step{m, m}, m, m))
	}
	m := text(strings.Repeat("the same message, ", 20))
	return Section{
		Title: "What the peer compresses",
		Requires: "RFC 7692, 7.1.2.1: a server that accepted server_max_window_bits MUST NOT use a larger window; 7.1.2.2: so for a client. 7.1.1.1, 7.1.1.2: whoever accepted no_context_takeover MUST begin each message with an " +
			"empty window. The runner decompresses with no more than that.",
		Cases: append(cases, limited("_no_context_takeover", "The same text ten times, without context takeover for the peer", repeated(10, m), repeated(10, m)...),
			limited("_no_context_takeover", "The same binary of 4 KiB three times, without context takeover for the peer", repeated(3, bin(noise(4096))), repeated(3, bin(noise(4096)))...)),
	}
}

// limiting asks of the peer what it has to keep to, in either role.
func limiting(param string) Deflate {
	return Deflate{Offer: pmd + "; client_max_window_bits; server" + param, Answer: pmd + "; client" + param}
}

func deflateBreaches() Section {
	failed := func(title string, steps ...Step) *Case {
		return withDeflate("5.2, RFC 7692 6", title, "Fail the connection: a Close with 1002, or TCP dropped", agreed(), steps, fails(1002))
	}
	c := []*Case{
		failed("RSV1 on a continuation", more(packed(text(""), fromZero[:3])), packed(cont(""), fromZero[3:])),
		failed("RSV1 on the continuation of a text in clear", more(text("Hel")), packed(cont(""), "lo")),
		failed("RSV1 on a ping", packed(ping(""), "p")),
		failed("RSV1 on a pong", packed(pong(""), "p")),
		failed("RSV1 on a ping between fragments", more(packed(text(""), fromZero[:3])), packed(ping(""), "p"), cont(fromZero[3:])),
		failed("RSV1 on a Close", packed(Step{Opcode: frame.Close}, "\x03\xe8")),
		failed("RSV1 and RSV2 on a message", reserved(frame.Rsv2, packed(text(""), fromZero))),
		failed("RSV1 and RSV3 on a message", reserved(frame.Rsv3, packed(text(""), fromZero))),
		failed("RSV2 alone on a message", reserved(frame.Rsv2, text("Hello"))),
		failed("RSV1 on a reserved opcode", packed(Step{Opcode: 3}, fromZero)),
	}
	c = append(c, withDeflate("8.1, RFC 7692 6.2", "A compressed text that is not UTF-8", "Fail the connection: a Close with 1007, or TCP dropped", agreed(),
		[]Step{packed(text(""), new(squeezer).fixed().literals("Hello \xff").eob().message())}, fails(1007), gives(NonStrict, "it says so with 1002, 1003 or 1008 (7.4.1: 1007 would say what is wrong)", fails(1002, 1003, 1008))),
		withDeflate("8.1, RFC 7692 6.2", "A compressed text that ends inside a character", "Fail the connection: a Close with 1007, or TCP dropped", agreed(),
			[]Step{packed(text(""), new(squeezer).fixed().literals("Hello \xe2\x82").eob().message())}, fails(1007), gives(NonStrict, "it says so with 1002, 1003 or 1008 (7.4.1: 1007 would say what is wrong)", fails(1002, 1003, 1008))))
	return Section{
		Title: "Frames that may not be compressed",
		Requires: "RFC 7692, 6: RSV1 MUST NOT be set on control frames and on fragments but the first, and an endpoint that receives such a frame MUST fail the connection. RFC 6455, 5.2: so MUST it for the " +
			"other reserved bits. 8.1: a text MUST be UTF-8 when it is decompressed.",
		Cases: c,
	}
}

func deflateGarbage() Section {
	const takes = "it takes what there is of it (RFC 7692, 7.2.2 does not speak of it)"
	z := func() *squeezer { return new(squeezer) }
	garbage := func(title, data string) *Case {
		return withDeflate("10.7, RFC 7692 7.2.2", title, "Fail the connection, with 1007 or 1002 for one", agreed(), []Step{packed(bin(""), data), bin("next")}, fails(anyFailure...))
	}
	// What ends early, or has too much: a peer may take the message for what there is of it, but the next message has to be sound.
	open := func(title, data string) *Case {
		c := garbage(title, data)
		c.Outcomes = append(c.Outcomes, gives(NonStrict, takes, whatever(closesAfter(bin("next")))))
		return c
	}
	hello := z().fixed().literals("Hello").eob().message()
	return Section{
		Title: "Data that is not DEFLATE",
		Requires: "RFC 6455, 10.7: incoming data MUST always be validated. RFC 7692, 7.2.2: a message is decompressed with 00 00 ff ff behind it; what cannot be, or what refers to octets that there were not (RFC " +
			"1951, 3.2.3), has no meaning. The message behind it MUST NOT begin with what is left over.",
		Cases: []*Case{
			garbage("A block of the reserved type", "\x06\x00"),
			garbage("A stored block whose two lengths do not agree", "\x00\x05\x00\x05\x00Hello\x00"),
			garbage("A stored block that is shorter than it says", "\x00\x14\x00\xeb\xffHello"),
			garbage("A match that refers to what was never there", z().fixed().literals("a").match(3, 2).eob().message()),
			garbage("A match in the first octet", z().fixed().match(3, 1).eob().message()),
			garbage("A length code that there is not", z().fixed().symbol(286).eob().message()),
			garbage("A distance code that there is not", z().fixed().literals("aaaa").symbol(257).code(30, 5).eob().message()),
			garbage("Dynamic codes of which there are too many", z().block(2).bits(31, 5).bits(31, 5).bits(15, 4).bits(0x7fffffff, 31).bits(0x7fffffff, 31).message()),
			garbage("Octets that are nothing", "\xff\xff\xff\xff\xff\xff\xff\xff"),
			open("A message that ends inside its block", hello[:3]),
			open("A message that ends before the end of its block", hello[:len(hello)-2]),
			// Six literals of nine bits leave no bits for the header of that block.
			open("A message without the empty block at its end", z().fixed().literals("\xff\xff\xff\xff\xff\xff").eob().data()),
			open("A message with 00 00 ff ff at its end, which was to be left out", hello+"\x00\x00\xff\xff"),
			open("A final block, and octets behind it that are none", z().final().fixed().literals("Hello").eob().data()+"\xff\xff\xff\xff"),
		},
	}
}

func deflateBombs() Section {
	const expects = "Echo the message, or fail the connection, with 1009 for one"
	const size = 4 << 20
	zeros := squeezed(string(make([]byte, size)), 4096)
	bomb := func(title string, steps ...Step) *Case {
		c := withDeflate("10.4, RFC 7692 8", title, expects, reaching(4096, agreed()), steps, closesAfter(filled(size, bin(string(make([]byte, 4096))))), fails(append(codes(1007), limitReached...)...))
		c.Deadline = failIn(30 * time.Second)
		return c
	}
	var pieces []Step
	for i, n := 0, len(zeros)/100; i < len(zeros); i += n {
		f := more(cont(zeros[i:min(i+n, len(zeros))]))
		if i == 0 {
			f.Opcode, f.Rsv = frame.Binary, frame.Rsv1
		}
		pieces = append(pieces, f)
	}
	pieces[len(pieces)-1].More = false
	return Section{
		Title: "Small messages that become large",
		Requires: "RFC 6455, 10.4: an endpoint with limits on the size of messages MUST protect itself against exceeding them, also after decompression (RFC 7692, 8). That it takes 4 MiB is as good as that it " +
			"does not; that it ends or hangs is not.",
		Cases: []*Case{
			bomb(fmt.Sprintf("4 MiB of zeros in %d octets", len(zeros)), packed(bin(""), zeros)),
			bomb("4 MiB of zeros in a hundred fragments", pieces...),
			withDeflate("10.4, RFC 7692 8", "10000 empty blocks in each of 100 messages", "Echo the messages, or fail the connection", agreed(),
				repeated(100, packed(bin(""), strings.Repeat("\x00\x00\x00\xff\xff", 10_000)+"\x00")), closesAfter(repeated(100, bin(""))...), whatever(fails(append(codes(1007), limitReached...)...))),
		},
	}
}
