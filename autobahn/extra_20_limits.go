package autobahn

import (
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// large is what a server may do about a request that is larger than it wants. A response to what was not read to its end may be lost, as TCP is then reset.
func large() []Answer {
	return []Answer{accepts(), refuses(400, 599), {Verdict: OK, Kind: Drops}}
}

func requestLimits() Section {
	const expects = "Open the connection, or refuse with an HTTP error, such as 431"
	big := func(title string, unit string, n int, edits ...func([]string) []string) *Case {
		return withFill(opens("10.4, RFC 9110 5.4", title, expects, asks(edits...), large()), unit, n)
	}
	headers := func(n int) string {
		return strings.TrimSuffix(strings.Repeat("X-Test: a\r\n", n), "\r\n")
	}
	return Section{
		Title: "Large requests",
		Requires: "RFC 9110, 5.4: a server that receives headers larger than it wishes to process MUST respond with a 4xx; RFC 9112, 3: to a target that is too long it MUST respond with 414. " +
			"RFC 6455, 10.4: implementations MUST protect themselves against exceeding their limits.",
		Cases: forOnly(Servers,
			big("A header of 8 KiB", "a", 8<<10, with("X-Test: {fill}")),
			big("A header of 64 KiB", "a", 64<<10, with("X-Test: {fill}")),
			big("A header of 200 KiB", "a", 200<<10, with("X-Test: {fill}")),
			big("A target of 64 KiB", "a", 64<<10, line("GET {target}?{fill} HTTP/1.1")),
			big("A method of 8 KiB", "A", 8<<10, line("{fill} {target} HTTP/1.1")),
			big("A header name of 8 KiB", "a", 8<<10, with("{fill}: a")),
			big("100 more headers", "", 0, with(headers(100))),
			big("1000 more headers, before those of the handshake", "", 0, first(headers(1000))),
			big("1000 more headers, behind those of the handshake", "", 0, with(headers(1000))),
			big("5000 more headers", "", 0, with(headers(5000))),
			big("1000 subprotocols", "a, ", 3000, with("Sec-WebSocket-Protocol: {fill}b")),
			big("A subprotocol with 3000 spaces before the comma", " ", 3000, with("Sec-WebSocket-Protocol: a{fill}, b")),
			big("1000 extensions", "x, ", 3000, with("Sec-WebSocket-Extensions: {fill}y")),
			big("An extension with 1000 parameters", "; p", 3000, with("Sec-WebSocket-Extensions: x{fill}")),
			big("A quoted string of 3000 octets that does not end", "a", 3000, with(`Sec-WebSocket-Extensions: x; p="{fill}`)),
			withFill(soon(opens("10.4", "1 MiB without a line end", "Refuse, or close TCP", "GET {target}?{fill}", neverMind())), "a", 1<<20),
			withFill(soon(opens("10.4", "1 MiB of headers without a blank line", "Refuse, or close TCP", "GET {target} HTTP/1.1\r\nHost: {host}\r\n{fill}", neverMind())), "X-Test: a\r\n", 1<<20),
		),
	}
}

func requestPieces() Section {
	pieces := func(title string, chop, last int) *Case {
		c := opens("4.2.1", title, serveIt, asks(), openIt())
		c.Opening.Chop, c.Opening.Last = chop, last
		return c
	}
	const early = "it refuses (4.1: a client waits for the response)"
	// A text that is lost breaks no MUST; that nothing else is lost is what the other frames are for.
	texts := func(rfc, title, expects string, frames []Step, whole ...Step) *Case {
		c := opens(rfc, title, expects, asks(), append(openIt(), answers(NonStrict, early, refuses(400, 599)), answers(NonStrict, early, Answer{Kind: Drops})))
		c = withFrames(c, frames, closesAfter(whole...), gives(NonStrict, "it fails the connection (4.1: a client waits for the response)", whatever(fails(anyFailure...))),
			gives(NonStrict, "it loses what came early (4.1: a client waits for the response)", stays()))
		c.Steps = patiently(time.Second)
		return c
	}
	together := func(rfc, title, expects string, frames []Step, outcomes ...Outcome) *Case {
		c := opens(rfc, title, expects, asks(), append(openIt(), answers(NonStrict, early, refuses(400, 599)), answers(NonStrict, early, Answer{Kind: Drops})))
		return withFrames(c, frames, append(outcomes, gives(NonStrict, "it fails the connection (4.1: a client waits for the response)", whatever(fails(anyFailure...))))...)
	}
	const handleIt = "Open the connection, and answer the frame"
	return Section{
		Title: "The pieces that a request comes in",
		Requires: "4.2.1: a request is octets of a stream, and how TCP cuts it means nothing. 5.5.2: a ping MUST be answered, also one that comes with the request; 5.5.1: so MUST a Close. " +
			"(4.1: a client MUST wait for the response before it sends more, so that a server may also refuse.)",
		Cases: forOnly(Servers,
			pieces("The request an octet at a time", 1, 0),
			pieces("The request two octets at a time", 2, 0),
			pieces("The request 16 octets at a time", 16, 0),
			pieces("The last LF by itself", 0, 1),
			pieces("The last CRLF by itself", 0, 2),
			pieces("The last three octets by themselves", 0, 3),
			pieces("The blank line with the CRLF before it by itself", 0, 4),
			texts("4.1, 5.6", "A text in the write of the request", handleIt, []Step{text("Hello")}, text("Hello")),
			together("4.1, 5.5.2", "A ping and a text in the write of the request", handleIt, []Step{ping("first"), text("Hello")},
				closesAfter(ping("first"), text("Hello"))),
			texts("4.1, 5.4", "A text in two fragments in the write of the request", handleIt, []Step{more(text("Hel")), cont("lo")}, text("Hello")),
			together("4.1, 5.5.1", "A Close in the write of the request", "Open the connection, and answer the Close", []Step{closing(frame.CloseNormal, "")}, closedAfter(codes(frame.CloseNormal))),
			together("4.1, 5.1", "A text that is not masked in the write of the request", "Open the connection, and fail it", []Step{odd(Odd{OtherWay: true}, text("Hello"))},
				fails(frame.CloseProtocolError)),
			texts("4.1, 5.6", "300 texts in the write of the request", "Open the connection, and echo them all", repeated(300, text("Hello")), repeated(300, text("Hello"))...),
		),
	}
}

// repeated is a step n times.
func repeated(n int, f Step) []Step {
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = f
	}
	return steps
}

func offersOfClients() Section {
	const extensions, subprotocols = "Sec-WebSocket-Extensions: ", "Sec-WebSocket-Protocol: "
	unknown := func(title string, lines ...string) *Case {
		return opens("4.2.2, 9.1", title, "Open the connection, and agree to no extension", asks(with(lines...)), openIt())
	}
	malformed := func(title, value string) *Case {
		return opens("4.2.1, 9.1", title, refuseOr, asks(with(extensions+value)), rejectOr("it accepts, and passes over what it cannot use (9.1 binds who reads it)"))
	}
	sub := func(title string, lines ...string) *Case {
		c := opens("4.2.2, 11.3.4", title, "Open the connection, with a subprotocol that was offered or none", asks(with(lines...)), openIt())
		c.Opening.Subprotocols = []string{"chat", "superchat"}
		return c
	}
	badSub := func(title, value string) *Case {
		return opens("4.1, 4.2.1", title, refuseOr, asks(with(subprotocols+value)), rejectOr("it accepts, and chooses none (4.2.2 lets it)"))
	}
	origin := func(title string, lines ...string) *Case {
		c := opens("4.2.2, 10.2", title, "Open the connection, or refuse with an HTTP error: which is the server's own business", asks(with(lines...)), eitherWay())
		for i := range c.Opening.Answers {
			a := &c.Opening.Answers[i]
			a.Verdict, a.Why = Informational, "it does one or the other, which shows whom it trusts (10.2)"
		}
		return c
	}
	c := []*Case{
		unknown("An extension that nobody knows", extensions+"x-nobody-knows"),
		unknown("An extension with parameters and a quoted string", extensions+`x-nobody-knows; a; b=1; c="q"`),
		unknown("Ten extensions in two lines", extensions+"x1, x2, x3, x4, x5", extensions+"x6, x7, x8, x9, x10"),
		unknown("Extensions called like members of JavaScript objects", extensions+"constructor, toString; hasOwnProperty, __proto__"),
		unknown("An offer of permessage-deflate with a parameter that does not exist", extensions+"permessage-deflate; x-nobody-knows"),
		malformed("An extension header without a value", ""),
		malformed("An extension without a name", "; a=1"),
		malformed("An extension parameter without a name", "x; =1"),
		malformed("An extension parameter without the value that is announced", "x; a="),
		malformed("A quoted string that does not end", `x; a="b`),
		malformed("A quoted string with a space in it", `x; a="b c"`),
		malformed("Two words without a comma", "x y"),
		malformed("An extension that is not ASCII", "x-\u00e9"),
		sub("Two subprotocols", subprotocols+"chat, superchat"),
		sub("Two subprotocols in two lines", subprotocols+"chat", subprotocols+"superchat"),
		badSub("The same subprotocol twice", "chat, chat"),
		badSub("A subprotocol header without a value", ""),
		badSub("A subprotocol with a space in it", "chat room"),
		badSub("A subprotocol that is not ASCII", "caf\u00e9"),
		badSub("A subprotocol with a NUL in it", "chat\x00room"),
		badSub("A subprotocol with a semicolon", "chat; v=1"),
		origin("Origin of the server itself", "Origin: http://{host}"),
		origin("Origin of another site", "Origin: http://other.example"),
		origin("Origin of a site whose name begins like the server's", "Origin: http://{host}.other.example"),
		origin("Origin with the server's name as user", "Origin: http://{host}@other.example"),
		origin("Origin null", "Origin: null"),
		origin("Two Origins", "Origin: http://{host}", "Origin: http://other.example"),
	}
	return Section{
		Title: "What clients offer",
		Requires: "4.2.2: the server's subprotocol is one that was offered, or there is none; 9.1: an extension that was not offered MUST NOT be agreed to, and one that is unknown is passed over; a " +
			"value that breaks the grammar MUST fail the connection. 4.1: subprotocols MUST all be unique. 10.2: servers that are for certain sites SHOULD check Origin.",
		Cases: forOnly(Servers, c...),
	}
}
