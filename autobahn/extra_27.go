package autobahn

import (
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/frame"
)

func section27() Section {
	return extraParts("27", "Masking and text", maskingKeys(), wrongMasking(), splitText(), boundaryText(), badText(), longText())
}

func maskingKeys() Section {
	keyed := func(title string, key string, frames ...Step) *Case {
		steps := slices.Clone(frames)
		for i := range steps {
			steps[i].Odd = &Odd{Key: []byte(key)}
		}
		return extra("5.3", title, echoIt, steps, closesAfter(frames...))
	}
	const payload = "\x00\x01\x02\x03\xfc\xfd\xfe\xff idle wire"
	cases := []*Case{
		keyed("A key of zeros", "\x00\x00\x00\x00", text("Hello"), bin(payload)),
		keyed("A key of ones", "\xff\xff\xff\xff", text("Hello"), bin(payload)),
		keyed("A key whose first octet is zero", "\x00\x5a\x5a\x5a", text("Hello"), bin(payload)),
		keyed("A key whose last octet is zero", "\x5a\x5a\x5a\x00", text("Hello"), bin(payload)),
		keyed("A key that makes zeros of the payload", "idle", text("idleidleidl"), bin("idleidle")),
		keyed("A key with the octets of a frame", "\x81\x00\x88\x00", text("Hello"), bin(payload)),
		keyed("A key that is the same for several frames", "\x37\xfa\x21\x3d", text("Hello"), text("Hello"), ping("Hello"), bin("Hello")),
	}
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 64, 127} {
		cases = append(cases, keyed(fmt.Sprintf("Two binaries of %d octets, masked with a5 5a c3 3c", n), "\xa5\x5a\xc3\x3c", filled(n, bin(payload)), filled(n, bin("\xff"+payload))))
	}
	// The key begins anew with each fragment, whatever the fragments before have used of theirs.
	fragmented := extra("5.3, 5.4", "Fragments of 1, 2, 3 and 5 octets, each with a key of its own", echoIt, []Step{
		odd(Odd{Key: []byte("\x01\x02\x03\x04")}, more(bin("a"))), odd(Odd{Key: []byte("\xf1\xf2\xf3\xf4")}, more(cont("bc"))),
		odd(Odd{Key: []byte("\x00\x00\xff\x00")}, more(cont("def"))), odd(Odd{Key: []byte("\x80\x40\x20\x10")}, cont("ghijk")),
	}, closesAfter(bin("abcdefghijk")))
	return Section{
		Title:    "Masking keys",
		Requires: "5.3: octet i of the payload is XORed with octet i modulo 4 of the key, whatever the key; 5.1: a server MUST take masked frames, and so unmask them.",
		Cases:    forOnly(Servers, append(cases, fragmented)...),
	}
}

func wrongMasking() Section {
	wrong := func(e Endpoint, what string, frames ...Step) *Case {
		steps := slices.Clone(frames)
		last := &steps[len(steps)-1]
		last.Odd = &Odd{OtherWay: true}
		title := map[Endpoint]string{Servers: " that is not masked", Clients: " that is masked"}[e]
		c := extra("5.1", what+title, "Close the connection: a Close with 1002, or TCP dropped", steps, fails(1002))
		c.For = e
		return c
	}
	var cases []*Case
	for _, e := range []Endpoint{Servers, Clients} {
		cases = append(cases,
			wrong(e, "A text", text("Hello")), wrong(e, "A text without payload", text("")), wrong(e, "A binary", bin("Hello")), wrong(e, "A ping", ping("Hello")),
			wrong(e, "A pong", pong("Hello")), wrong(e, "A Close", Step{Opcode: frame.Close, Payload: octets("\x03\xe8")}), wrong(e, "A Close without body", Step{Opcode: frame.Close}),
			wrong(e, "The second of two fragments", more(text("Hel")), cont("lo")))
	}
	masked := wrong(Clients, "A text with a key of zeros", text("Hello"))
	masked.Steps[0].Odd.Key = make([]byte, 4)
	return Section{
		Title:    "Frames that are masked and must not be, and the other way round",
		Requires: "5.1: a server MUST close the connection upon receiving a frame that is not masked; a client MUST close it if it detects a masked frame.",
		Cases:    append(cases, masked),
	}
}

func splitText() Section {
	const mixed = "aκόσμε\u200d€😀z"
	var cases []*Case
	for n := 1; n < len(mixed); n++ {
		cases = append(cases, extra("5.4, 8.1", fmt.Sprintf("Text of characters of one to four octets, cut behind octet %d", n), echoIt,
			[]Step{more(text(mixed[:n])), cont(mixed[n:])}, closesAfter(text(mixed))))
	}
	return Section{
		Title:    "UTF-8 in two fragments",
		Requires: "5.6: a text is UTF-8 as a whole message; a fragment may end inside a character, so that an endpoint MUST NOT fail the connection for that (8.1 lets it fail only for what is not UTF-8).",
		Cases:    cases,
	}
}

func boundaryText() Section {
	whole := func(what, s string) *Case {
		return extra("5.6, 8.1", "Text of "+what+", whole and in fragments of one octet", "Echo both, of the same type and with the same payload",
			[]Step{text(s), fragments(1, text(s))}, closesAfter(text(s), text(s)))
	}
	cases := []*Case{whole("a BOM and a word", "\ufeffHello"), whole("a BOM alone", "\ufeff"), whole("a NUL between letters", "a\x00b"), whole("a combining accent", "e\u0301")}
	for _, r := range []rune{0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfdd0, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1fffe, 0x10ffff} {
		cases = append(cases, whole(fmt.Sprintf("U+%04X", r), string(r)))
	}
	return Section{
		Title:    "Characters at the edges of UTF-8",
		Requires: "5.6, 8.1: a text that is UTF-8 MUST be taken as it is, with a BOM, NULs and code points that are no characters (RFC 3629, 3 excludes only the surrogates and what is above U+10FFFF).",
		Cases:    cases,
	}
}

func badText() Section {
	const code = "it says so with 1002, 1003 or 1008 (7.4.1: 1007 would say what is wrong)"
	const expects = "Fail the connection: a Close with 1007, or TCP dropped"
	outcomes := []Outcome{fails(1007), gives(NonStrict, code, fails(1002, 1003, 1008))}
	cases := []*Case{}
	for _, b := range []struct{ what, octets string }{
		{"a continuation octet alone", "\x80"}, {"0xBF alone", "\xbf"}, {"0xFE", "\xfe"}, {"0xFF", "\xff"},
		{"an overlong slash in two octets", "\xc0\xaf"}, {"an overlong NUL in two octets", "\xc0\x80"}, {"the last overlong of two octets", "\xc1\xbf"},
		{"the last overlong of three octets", "\xe0\x9f\xbf"}, {"the last overlong of four octets", "\xf0\x8f\xbf\xbf"},
		{"the first surrogate", "\xed\xa0\x80"}, {"the last surrogate", "\xed\xbf\xbf"}, {"a pair of surrogates", "\xed\xa0\x80\xed\xb0\x80"},
		{"the first code point above U+10FFFF", "\xf4\x90\x80\x80"}, {"a first octet of 0xF5", "\xf5\x80\x80\x80"}, {"a character of five octets", "\xf8\x88\x80\x80\x80"},
		{"a letter in place of the second octet of two", "\xc3("}, {"a letter in place of the third octet of three", "\xe2\x82("}, {"a letter in place of the fourth octet of four", "\xf0\x9f\x98("},
		{"a first octet and no second", "\xc3"}, {"two octets of three", "\xe2\x82"}, {"three octets of four", "\xf0\x9f\x98"},
	} {
		cases = append(cases, extra("8.1", "Text with "+b.what, expects, []Step{text("good: ü; bad: " + b.octets), text("next")}, outcomes...))
		if len(b.octets) > 2 {
			cases = append(cases, extra("5.4, 8.1", "Text with "+b.what+", in fragments of one octet", expects, []Step{fragments(1, text(b.octets)), text("next")}, outcomes...))
		}
	}
	cases = append(cases,
		extra("5.4, 8.1", "A good text, and one that is not UTF-8", "Echo the first, then fail the connection: a Close with 1007, or TCP dropped", []Step{text("Hello"), text("\xff")},
			failsAfter(codes(1007), text("Hello")), gives(NonStrict, "the echo is lost (5.4: no MUST says when to echo)", fails(1007))),
		extra("5.4, 8.1", "Text that ends inside a character, and a binary with the rest of it", expects, []Step{text("\xe2\x82"), bin("\xac")}, outcomes...),
		extra("5.4, 8.1", "Text in two fragments, bad in the first, a ping between them", expects, []Step{more(text("\xff")), ping("p"), cont("lo")},
			append(slices.Clone(outcomes), gives(NonStrict, "it answers the ping before it looks at the text (8.1 sets no time)", failsAfter(codes(1007, 1002, 1003, 1008), ping("p"))))...),
		extra("5.6", "The same octets in a binary", echoIt, []Step{bin("\xff\xfe\xc0\x80\xed\xa0\x80")}, closesAfter(bin("\xff\xfe\xc0\x80\xed\xa0\x80"))),
		extra("5.5.1, 8.1", "A Close whose reason has a surrogate", expects, []Step{closingRaw("\x03\xe8\xed\xa0\x80")}, Outcome{Verdict: OK, Close: closedOrDropped(1002, 1007)}),
		extra("5.5.1, 8.1", "A Close whose reason ends inside a character", expects, []Step{closingRaw("\x03\xe8Hello \xe2\x82")}, Outcome{Verdict: OK, Close: closedOrDropped(1002, 1007)}),
	)
	return Section{
		Title:    "Text that is not UTF-8",
		Requires: "8.1: an endpoint that finds that octets to be read as UTF-8 are not MUST fail the connection. 5.5.1: the reason of a Close is UTF-8.",
		Cases:    cases,
	}
}

func longText() Section {
	var cases []*Case
	for _, n := range []int{125, 126, 4096, 65536} {
		// The last character, of four octets, ends with the text, and begins before a place where buffers are likely to end.
		s := string(Payload{[]byte("idle wire "), n - 4}.Bytes()) + "😀"
		cases = append(cases,
			extra("5.6, 8.1", fmt.Sprintf("Text of %d octets whose last character has four", n), echoIt, []Step{text(s)}, closesAfter(text(s))),
			extra("5.4, 8.1", fmt.Sprintf("Text of %d octets whose last character has four, cut inside of it", n), echoIt, []Step{more(text(s[:n-2])), cont(s[n-2:])}, closesAfter(text(s))),
			extra("8.1", fmt.Sprintf("Text of %d octets that ends inside a character of four", n-1), "Fail the connection: a Close with 1007, or TCP dropped", []Step{text(s[:n-1]), text("next")},
				fails(1007), gives(NonStrict, "it says so with 1002, 1003 or 1008 (7.4.1: 1007 would say what is wrong)", fails(1002, 1003, 1008))))
	}
	return Section{
		Title:    "Long texts with a character at the end",
		Requires: "8.1: octets that are not UTF-8 MUST fail the connection, and those that are MUST NOT, wherever in a frame or in a buffer they stand.",
		Cases:    cases,
	}
}
