package autobahn

import "strings"

func statusLines() Section {
	const fail = "HTTP/1.1 "
	// A body that ends with TCP might be awaited: 4.1 has such a response handled as HTTP has it.
	no := func(title, status string) *Case {
		return clientMust("4.1", title, responds(line(fail+status), with("Content-Length: 0")))
	}
	page := func(title, status string, more ...string) *Case {
		say := "HTTP/1.1 " + status + "\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n" + strings.Join(append(more, ""), "\r\n") + "\r\nno"
		return clientMust("4.1", title, say)
	}
	garbled := func(title, first string) *Case {
		return clientMust("4.1, RFC 9112 4", title, responds(line(first)))
	}
	interimOnly := clientMust("4.1, RFC 9110 15.2", "Status 102 with the headers of an upgrade", responds(line(fail+"102 Processing")))
	interimOnly.Steps[0] = text("Hello\r\n\r\n")
	interim := "it fails the connection (RFC 9110, 15.2 would have it read on)"
	return Section{
		Title: "The status line",
		Requires: "4.1: a status that is not 101 is handled as HTTP has it: the connection is not established, and no frame may be answered; what does not conform to the section MUST fail the " +
			"connection. RFC 9110, 15.2: a client MUST be able to parse interim responses before the final one.",
		Cases: forOnly(Clients,
			clientTakes("4.1, 4.2.2", "The response of section 1.3", responds()),
			no("Status 200 with the headers of an upgrade", "200 OK"),
			no("Status 204 with the headers of an upgrade", "204 No Content"),
			no("Status 400 with the headers of an upgrade", "400 Bad Request"),
			page("Status 200 with a page", "200 OK"),
			page("Status 301 to another place", "301 Moved Permanently", "Location: http://127.0.0.1:9/"),
			page("Status 307 to another place", "307 Temporary Redirect", "Location: ws://127.0.0.1:9/"),
			page("Status 400", "400 Bad Request"),
			page("Status 401 that asks for a password", "401 Unauthorized", `WWW-Authenticate: Basic realm="test"`),
			page("Status 403", "403 Forbidden"),
			page("Status 404", "404 Not Found"),
			page("Status 407", "407 Proxy Authentication Required", `Proxy-Authenticate: Basic realm="test"`),
			page("Status 426 that names another version", "426 Upgrade Required", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 99"),
			page("Status 500", "500 Internal Server Error"),
			page("Status 503 that says when to come again", "503 Service Unavailable", "Retry-After: 120"),
			interimOnly,
			clientTakesOr("4.1, RFC 9110 15.2", "Status 100 before the response", "HTTP/1.1 100 Continue\r\n\r\n"+responds(), interim),
			clientTakesOr("4.1, RFC 9110 15.2", "Status 103 with a header before the response", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"+responds(), interim),
			clientTakes("RFC 9112 4", "Another reason phrase", responds(line("HTTP/1.1 101 All right"))),
			clientTakesOr("RFC 9112 4", "No reason phrase", responds(line("HTTP/1.1 101 ")), "it fails the connection (RFC 9112, 4: the phrase may be empty)"),
			clientShould("4.1, RFC 9110 7.8", "A response of HTTP/1.0", responds(line("HTTP/1.0 101 Switching Protocols")), "it takes it (RFC 9110, 7.8 binds servers)"),
			clientShould("4.1, RFC 9112 2.3", "A response of HTTP/2.0", responds(line("HTTP/2.0 101 Switching Protocols")), "it takes it (RFC 9112, 2.3 leaves other versions open)"),
			garbled("Status of four digits", "HTTP/1.1 1010 Switching Protocols"),
			garbled("Status of two digits", "HTTP/1.1 10 Switching Protocols"),
			garbled("Status that is no number", "HTTP/1.1 abc Switching Protocols"),
			garbled("No status", "HTTP/1.1"),
			garbled("Another protocol", "ICY 101 Switching Protocols"),
			garbled("A frame in place of a response", "\x81\x05Hello"),
		),
	}
}

func responseHeaders() Section {
	no := func(rfc, title, name string, lines ...string) *Case {
		return clientMust(rfc, title, responds(instead(name, lines...)))
	}
	yes := func(rfc, title, name string, lines ...string) *Case {
		return clientTakes(rfc, title, responds(instead(name, lines...)))
	}
	const accept = "Sec-WebSocket-Accept"
	const twice = "it takes it (11.3.3 binds servers)"
	return Section{
		Title: "The headers of the response",
		Requires: "4.1: the client MUST fail the connection if Upgrade is missing or not websocket in either case, if Connection lacks the token upgrade, if Sec-WebSocket-Accept is missing or has another value " +
			"(leading and trailing white space aside), or if there is an extension or a subprotocol that was not offered. 9.1: or if an extension breaks the grammar.",
		Cases: forOnly(Clients,
			no("4.1", "A response without Upgrade", "Upgrade"),
			no("4.1", "A response with Upgrade to something else", "Upgrade", "Upgrade: h2c"),
			no("4.1", "A response with Upgrade to websocket2", "Upgrade", "Upgrade: websocket2"),
			no("4.1", "A response with an Upgrade that only Unicode folds to websocket", "Upgrade", "Upgrade: web\u017focket"),
			yes("4.1", "A response with Upgrade in capitals", "Upgrade", "Upgrade: WEBSOCKET"),
			no("4.1", "A response without Connection", "Connection"),
			no("4.1", "A response with Connection: close", "Connection", "Connection: close"),
			no("4.1", "A response with a longer word in Connection", "Connection", "Connection: Upgraded"),
			yes("4.1", "A response with Connection in lower case", "Connection", "Connection: upgrade"),
			yes("4.1", "A response with two options in Connection", "Connection", "Connection: keep-alive, Upgrade"),
			no("4.1", "A response without Sec-WebSocket-Accept", accept),
			no("4.1", "A response with an accept without a value", accept, accept+":"),
			no("4.1", "A response with the accept of another key", accept, accept+": s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
			no("4.1", "A response with the accept cut short", accept, accept+": s3pPLMBiTxaQ9kYGzzhZRbK+xOo"),
			no("4.1", "A response with the accept followed by more", accept, accept+": {accept}x"),
			no("4.1", "A response with the accept before a comma", accept, accept+": {accept}, {accept}"),
			no("4.1", "A response with the accept in quotes", accept, accept+`: "{accept}"`),
			clientShould("4.1, 11.3.3", "A response with the same accept twice", responds(with(accept+": {accept}")), twice),
			clientShould("4.1, 11.3.3", "A response with the accept, and that of another key", responds(with(accept+": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")), twice),
			no("4.1, 11.3.3", "A response with the accept of another key, and the right one", accept, accept+": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept+": {accept}"),
			yes("4.1", "A response with white space around the accept", accept, accept+": \t {accept} \t"),
			clientTakes("RFC 9110 5.1", "A response with its headers in lower case", strings.NewReplacer("Upgrade:", "upgrade:", "Connection:", "connection:", "Sec-WebSocket-Accept", "sec-websocket-accept").
				Replace(responds())),
			clientTakes("RFC 9110 5.3", "A response with unknown headers", responds(with("Server: test", "Date: Thu, 01 Jan 1970 00:00:00 GMT", "X-Test: a", "X-Test: b", "X-Empty:"))),
			clientTakes("4.4", "A response with Sec-WebSocket-Version", responds(with("Sec-WebSocket-Version: 13"))),
			clientMust("4.1, 9.1", "A response with an extension that was not offered", responds(with("Sec-WebSocket-Extensions: x-nobody-knows"))),
			clientMust("4.1, 9.1", "A response with an extension that was not offered, with parameters", responds(with(`Sec-WebSocket-Extensions: x-nobody-knows; a=1; b="c"`))),
			clientMust("4.1, 9.1", "A response with an extension that breaks the grammar", responds(with("Sec-WebSocket-Extensions: x y"))),
			clientShould("4.1, 9.1", "A response with an extension header without a value", responds(with("Sec-WebSocket-Extensions:")), "it takes it for none (9.1: there is no extension in it)"),
			clientMust("4.1, RFC 7692 7", "A response with permessage-deflate and a parameter that does not exist", responds(with("Sec-WebSocket-Extensions: permessage-deflate; x-nobody-knows"))),
			clientMust("4.1", "A response with a subprotocol that was not offered", responds(with("Sec-WebSocket-Protocol: x-nobody-knows"))),
			clientShould("4.1", "A response with a subprotocol header without a value", responds(with("Sec-WebSocket-Protocol:")), "it takes it for none (4.1 speaks of a use of a subprotocol)"),
			clientMust("4.1, 11.3.4", "A response with two subprotocols that were not offered", responds(with("Sec-WebSocket-Protocol: x-a, x-b"))),
		),
	}
}

func responseSyntax() Section {
	const reads = "it takes it (RFC 9112 binds who sends; how a client reads such a response is left open)"
	shaky := func(rfc, title string, edits ...func([]string) []string) *Case {
		return clientShould(rfc, title, responds(edits...), reads)
	}
	either := func(rfc, title, say string) *Case {
		return answersWith(rfc, title, clientMay, say, clientServes(), clientFails())
	}
	large := func(title, unit string, n int, edits ...func([]string) []string) *Case {
		return withFill(either("10.4", title, responds(edits...)), unit, n)
	}
	endless := func(title, say, unit string) *Case {
		c := answersWith("10.4", title, "Fail the connection, and read no more", say, clientFails(),
			gives(NonStrict, "it waits for more than 1 MiB (10.4: limits are its own business)", stays()))
		c.Steps = patiently(extraTime)
		return withFill(c, unit, 1<<20)
	}
	return Section{
		Title: "The syntax of the response",
		Requires: "4.1: a client MUST validate the response as that section has it; RFC 9112, 6.3: a 101 ends with its blank line (a server MUST NOT send Content-Length or Transfer-Encoding with it, " +
			"RFC 9110, 8.6). RFC 6455, 10.4: implementations MUST protect themselves against exceeding their limits.",
		Cases: forOnly(Clients,
			clientTakesOr("RFC 9112 6.3", "A response with Content-Length: 0", responds(with("Content-Length: 0")), "it fails the connection (RFC 9110, 8.6: such a header MUST NOT be sent)"),
			shaky("RFC 9112 6.3", "A response with Content-Length: 7", with("Content-Length: 7")),
			shaky("RFC 9112 6.1", "A response with Transfer-Encoding", with("Transfer-Encoding: chunked")),
			either("RFC 9112 2.2", "A response with lines that end with a bare LF", strings.ReplaceAll(responds(), "\r\n", "\n")),
			either("RFC 9112 5.2", "A response with a folded header", responds(with("X-Test: a", " b"))),
			shaky("RFC 9112 5.1", "A response with a space before a colon", with("X-Test : a")),
			shaky("RFC 9112 5", "A response with a line without a colon", with("X-Test")),
			shaky("RFC 9112 5", "A response with a header without a name", with(": a")),
			shaky("RFC 9110 5.5", "A response with a NUL in a value", with("X-Test: a\x00b")),
			shaky("RFC 9112 2.2", "A response with a bare CR in a value", with("X-Test: a\rb")),
			either("RFC 9110 5.5", "A response with octets above 127 in a value", responds(with("X-Test: \x80\xff"))),
			large("A response with a header of 8 KiB", "a", 8<<10, with("X-Test: {fill}")),
			large("A response with a header of 200 KiB", "a", 200<<10, with("X-Test: {fill}")),
			large("A response with 1000 more headers", "", 0, with(strings.TrimSuffix(strings.Repeat("X-Test: a\r\n", 1000), "\r\n"))),
			endless("1 MiB of headers without a blank line in place of a response", "HTTP/1.1 101 Switching Protocols\r\n{fill}", "X-Test: a\r\n"),
			endless("1 MiB without a line end in place of a response", "HTTP/1.1 101 {fill}", "a"),
			endless("1 MiB of interim responses in place of one", "{fill}", "HTTP/1.1 100 Continue\r\n\r\n"),
			endless("1 MiB of a page in place of a response", "HTTP/1.1 400 Bad Request\r\n\r\n{fill}", "no! "),
		),
	}
}

func responsePieces() Section {
	pieces := func(title string, chop, last int) *Case {
		c := clientTakes("4.1", title, responds())
		c.Opening.Chop, c.Opening.Last = chop, last
		return c
	}
	together := func(rfc, title, expects string, steps []Step, outcomes ...Outcome) *Case {
		c := answersWith(rfc, title, expects, responds(), outcomes...)
		c.Steps = steps
		return c
	}
	return Section{
		Title: "The pieces that a response comes in",
		Requires: "4.1, 4.2.2: once the response is there the connection is open, and a server may send at once: how TCP cuts the octets means nothing. 5.5.2: a ping MUST be answered, 5.5.1: so MUST a " +
			"Close, and 5.1: a client MUST close the connection if a frame is masked.",
		Cases: forOnly(Clients,
			pieces("The response an octet at a time", 1, 0),
			pieces("The response two octets at a time", 2, 0),
			pieces("The response 16 octets at a time", 16, 0),
			pieces("The last LF of the response by itself", 0, 1),
			pieces("The last CRLF of the response by itself", 0, 2),
			pieces("The last three octets of the response by themselves", 0, 3),
			pieces("The blank line of the response with the CRLF before it by itself", 0, 4),
			together("5.5.2", "A ping and a text in the write of the response", "Answer the ping, and echo the text", []Step{ping("first"), text("Hello")}, closesAfter(ping("first"), text("Hello"))),
			together("5.5.1", "A Close in the write of the response", "Answer the Close", []Step{closing(1000, "")}, closedAfter(codes(1000))),
			together("5.1", "A masked text in the write of the response", "Fail the connection", []Step{odd(Odd{OtherWay: true}, text("Hello"))}, fails(1002)),
			together("5.6", "300 texts in the write of the response", "Echo them all", repeated(300, text("Hello")), closesAfter(repeated(300, text("Hello"))...)),
		),
	}
}
