package autobahn

import "github.com/idlewire/idlewire/frame"

func requestBodies() Section {
	// What is accepted has to be read as HTTP has it: the body is read over, and the frame behind it is the first.
	body := func(rfc, title string, headers []string, octets string) *Case {
		c := opens(rfc, title, refuseOr, asks(with(headers...))+octets, rejectOr("it accepts, and reads the body over (RFC 9112, 6.3)"))
		return withFrames(c, sayHello, closesAfter(sayHello...))
	}
	bad := func(rfc, title string, octets string, headers ...string) *Case {
		return opens(rfc, title, refusal400, asks(with(headers...))+octets, rejectIt())
	}
	return Section{
		Title: "A body",
		Requires: "RFC 9112, 6.3: what is behind the headers is the body if Content-Length or Transfer-Encoding say so; a server MUST respond with 400 if they are invalid, or if chunked " +
			"is not the final coding. 6.1: with both of them it MUST close the connection. 5.1: no white space before the colon, else it MUST respond with 400.",
		Cases: forOnly(Servers,
			opens("RFC 9112 6.3", "Content-Length: 0", serveIt, asks(with("Content-Length: 0")), serveOr("it refuses every Content-Length (4.1 knows of no body)")),
			body("RFC 9112 6.3", "A body of five octets", []string{"Content-Length: 5"}, "hello"),
			body("RFC 9112 6.3", "An empty body in chunks", []string{"Transfer-Encoding: chunked"}, "0\r\n\r\n"),
			body("RFC 9112 6.3", "A body of five octets in chunks", []string{"Transfer-Encoding: chunked"}, "5\r\nhello\r\n0\r\n\r\n"),
			bad("RFC 9112 6.1", "Content-Length and Transfer-Encoding", "0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"),
			bad("RFC 9112 6.3", "Two values of Content-Length", "hello!", "Content-Length: 5", "Content-Length: 6"),
			bad("RFC 9112 6.3", "Content-Length: -1", "", "Content-Length: -1"),
			bad("RFC 9112 6.3", "Content-Length: +5", "hello", "Content-Length: +5"),
			bad("RFC 9112 6.3", "Content-Length: 0x5", "hello", "Content-Length: 0x5"),
			bad("RFC 9112 6.3", "Content-Length beyond 64 bits", "", "Content-Length: 18446744073709551616"),
			bad("RFC 9112 6.3", "A transfer coding that is unknown", "", "Transfer-Encoding: xchunked"),
			bad("RFC 9112 6.3", "A transfer coding that is not chunked at the end", "", "Transfer-Encoding: chunked, gzip"),
			bad("RFC 9112 5.1", "Transfer-Encoding with a space before the colon", "0\r\n\r\n", "Transfer-Encoding : chunked"),
		),
	}
}

func pipelines() Section {
	const secret = "GET /secret HTTP/1.1\r\nHost: {host}\r\n\r\n"
	const hidden, length = "GET /secret HTTP/1.1\r\nHost: a.example\r\n\r\n", "Content-Length: 41"
	twice := answers(NonStrict, "it goes on with HTTP, and answers the second request (RFC 9112, 9.3 lets it; a proxy that took the first for an upgrade would tunnel it)", Answer{Kind: Twice})
	refused := func(rfc, title, say string) *Case {
		return opens(rfc, title, "Refuse with one response, and close TCP", say, append(rejectIt(), twice))
	}
	// The octets of a second request are a frame with reserved bits.
	second := func(title, octets string) *Case {
		c := opens("4.1, 5.2", title, "Open the connection, and fail it: those octets are no frame", asks()+octets, append(openIt(),
			answers(NonStrict, "it refuses (4.1: a client waits for the response)", refuses(400, 599)),
			answers(NonStrict, "it refuses (4.1: a client waits for the response)", Answer{Kind: Drops})))
		return withFrames(c, nil, fails(frame.CloseProtocolError))
	}
	return Section{
		Title: "What follows a request",
		Requires: "4.2.1: a request that is refused gets one HTTP response (MUST); RFC 9112, 9.6: a server that says Connection: close MUST NOT process further requests. " +
			"RFC 6455, 5.2: what follows a request that is accepted is frames, and reserved bits that are set MUST fail the connection.",
		Cases: forOnly(Servers,
			refused("4.2.2, RFC 9112 9.3", "A version that is refused, with a second request behind it", asks(instead("Sec-WebSocket-Version", "Sec-WebSocket-Version: 99"))+secret),
			refused("4.2.1, RFC 9112 9.3", "A request without key, with a second request behind it", asks(instead("Sec-WebSocket-Key"))+secret),
			refused("4.2.1, RFC 9112 9.3", "A request without Host, with a second request behind it", asks(instead("Host"))+secret),
			opens("4.2.1, RFC 9112 6.3", "A POST whose body is a request", "Refuse with one response: the body is no request",
				asks(line("POST {target} HTTP/1.1"), with(length))+hidden, rejectIt()),
			opens("4.2.1, RFC 9112 6.3", "A request whose body is a request", "Refuse with one response: the body is no request",
				asks(with(length))+hidden, rejectOr("it accepts, and reads the body over (RFC 9112, 6.3)")),
			opens("4.2.1, RFC 9112 6.1", "A request whose chunked body hides a request", "Refuse with one response", asks(with("Content-Length: 4", "Transfer-Encoding: chunked"))+
				"0\r\n\r\n"+secret, rejectIt()),
			second("Two opening handshakes", asks()),
			second("A plain GET behind the opening handshake", secret),
			opens("4.2.2, 5.1", "A version that is refused, with a frame behind it", "Refuse with one response", asks(instead("Sec-WebSocket-Version", "Sec-WebSocket-Version: 99"))+
				"\x81\x85\x00\x00\x00\x00Hello\r\n\r\n", append(rejectIt(), twice)),
		),
	}
}

func headerSyntax() Section {
	const liberal = "it accepts (4.2.1 speaks of the components of the handshake; this is another header)"
	const replaced = "it accepts (RFC 9110, 5.5 allows that if the octet becomes a space)"
	refused := func(rfc, title string, lines ...string) *Case {
		return opens(rfc, title, refusal400, asks(with(lines...)), rejectIt())
	}
	liberally := func(rfc, title, why string, lines ...string) *Case {
		return opens(rfc, title, refusal400, asks(with(lines...)), rejectOr(why))
	}
	either := func(rfc, title string, say string) *Case { return opens(rfc, title, serveMay, say, eitherWay()) }
	served := func(rfc, title string, lines ...string) *Case {
		return opens(rfc, title, serveIt, asks(with(lines...)), serveOr("it refuses headers that it does not know (RFC 9110, 5.1: others than proxies SHOULD ignore them)"))
	}
	c := []*Case{
		opens("RFC 9112 5.1", "A space before the colon of the key", "Refuse with status 400", asks(instead("Sec-WebSocket-Key", "Sec-WebSocket-Key : {key}")), rejectIt()),
		refused("RFC 9112 5.1", "A space before the colon of another header", "X-Test : a"),
		refused("RFC 9112 5.1", "A tab before the colon of another header", "X-Test\t: a"),
		either("RFC 9112 5.2", "A folded header", asks(with("X-Test: a", " b"))),
		either("RFC 9112 5.2", "Connection folded before its Upgrade", asks(instead("Connection", "Connection: keep-alive,", "\tUpgrade"))),
		either("RFC 9112 2.2", "White space before the first header", asks(first(" X-Test: a"))),
		soon(opens("RFC 9112 2.2", "Lines that end with a bare LF", serveMay, "GET {target} HTTP/1.1\nHost: {host}\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: {key}\n"+
			"Sec-WebSocket-Version: 13\n\n", append(eitherWay(), answers(NonStrict, "it waits for lines as it knows them (RFC 9112, 2.2: MAY)", Answer{Kind: Waits})))),
		either("RFC 9112 2.2", "One line that ends with a bare LF", asks(with("X-Test: a\nX-Test: b"))),
		liberally("RFC 9112 2.2", "A bare CR in a value", "it accepts (RFC 9112, 2.2 allows that if the CR becomes a space)", "X-Test: a\rb"),
		soon(opens("RFC 9112 2.2", "Lines that end with a bare CR", "Refuse, or close TCP", "GET {target} HTTP/1.1\rHost: {host}\rUpgrade: websocket\rConnection: Upgrade\r"+
			"Sec-WebSocket-Key: {key}\rSec-WebSocket-Version: 13\r\r\r\n\r\n", neverMind())),
		liberally("RFC 9110 5.5", "A NUL in a value", replaced, "X-Test: a\x00b"),
		refused("4.2.1, RFC 9110 5.1", "A NUL in a name", "X-Te\x00st: a"),
		liberally("RFC 9110 5.5", "A control character in a value", liberal, "X-Test: a\x01b"),
		liberally("RFC 9110 5.5", "DEL in a value", liberal, "X-Test: a\x7fb"),
		opens("RFC 9110 5.5", "Octets above 127 in a value", serveIt, asks(with("X-Test: \x80\xff\xc3\xa4")), serveOr("it refuses (RFC 9110, 5.5: opaque data)")),
		liberally("RFC 9112 5", "A line without a colon", liberal, "X-Test"),
		liberally("RFC 9112 5", "A header without a name", liberal, ": a"),
		liberally("RFC 9110 5.1", "A space in a name", liberal, "X Test: a"),
		liberally("RFC 9110 5.1", "Parentheses in a name", liberal, "X(Test): a"),
		liberally("RFC 9110 5.1", "A name that is not ASCII", liberal, "X-T\u00e9st: a"),
		opens("RFC 9110 5.5", "Tabs around the values", serveIt, asks(instead("Upgrade", "Upgrade:\twebsocket\t"), instead("Connection", "Connection:\tUpgrade \t")), openIt()),
		opens("RFC 9110 5.5", "No white space behind the colons", serveIt, asks(instead("Upgrade", "Upgrade:websocket"), instead("Connection", "Connection:Upgrade"),
			instead("Sec-WebSocket-Key", "Sec-WebSocket-Key:{key}"), instead("Sec-WebSocket-Version", "Sec-WebSocket-Version:13")), openIt()),
		served("RFC 9110 5.1", "Unknown headers, some of them twice and empty", "X-Test: a", "X-Test: b", "X-Empty:"),
		served("RFC 9110 5.1", "Headers that bear the names of members of JavaScript objects", "__proto__: a", "constructor: b", "hasOwnProperty: c"),
		served("RFC 9110 5.1", "The headers of a browser", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept-Encoding: gzip, deflate", "Accept-Language: en-US,en;q=0.5",
			"Cache-Control: no-cache", "Pragma: no-cache", "Cookie: a=b; c=\"d e\"", "Sec-Fetch-Mode: websocket"),
	}
	return Section{
		Title: "Header lines",
		Requires: "4.2.1: what breaks the grammar of the handshake MUST be refused. RFC 9112, 5.1: white space before a colon MUST be refused with 400; 5.2: a folded line MUST be " +
			"rejected or unfolded; 2.2: a bare CR MUST be invalid or replaced. RFC 9110, 5.5: so MUST a NUL.",
		Cases: forOnly(Servers, c...),
	}
}
