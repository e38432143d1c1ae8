package autobahn

import "strings"

func requestLines() Section {
	refused := func(title, first string) *Case {
		return opens("4.2.1", title, refusal400, asks(line(first)), refuseIt())
	}
	garbled := func(title, first string) *Case {
		return opens("4.2.1", title, refusal400, asks(line(first)), rejectIt())
	}
	return Section{
		Title: "The request line",
		Requires: "4.2.1: an opening handshake is a GET request of HTTP/1.1 or higher; a server that finds that it does not match this, or the grammar, MUST stop " +
			"processing it and return an HTTP response with an error code. RFC 9110, 9.1: methods are case-sensitive; 9.3.2: a response to HEAD MUST NOT have a body. " +
			"RFC 9112, 2.3: HTTP is case-sensitive.",
		Cases: forOnly(Servers,
			opens("4.2.1", "The request of section 1.3", serveIt, asks(), openIt()),
			refused("POST in place of GET", "POST {target} HTTP/1.1"),
			refused("HEAD in place of GET", "HEAD {target} HTTP/1.1"),
			refused("PUT in place of GET", "PUT {target} HTTP/1.1"),
			refused("OPTIONS in place of GET", "OPTIONS {target} HTTP/1.1"),
			garbled("CONNECT in place of GET", "CONNECT {host} HTTP/1.1"),
			refused("Method get in lower case", "get {target} HTTP/1.1"),
			refused("HTTP/1.0", "GET {target} HTTP/1.0"),
			garbled("HTTP/0.9", "GET {target} HTTP/0.9"),
			opens("4.2.1, RFC 9110 6.2", "HTTP/1.2", serveIt, asks(line("GET {target} HTTP/1.2")), serveOr("it refuses what it does not know (RFC 9110, 6.2 has no MUST)")),
			garbled("HTTP/2.0 in a request of HTTP/1.1", "GET {target} HTTP/2.0"),
			garbled("HTTP in lower case", "GET {target} http/1.1"),
			garbled("Octets behind the version", "GET {target} HTTP/1.1x"),
			garbled("No version", "GET {target}"),
			opens("4.2.1, RFC 9112 3", "Two spaces in the request line", refusal400, asks(line("GET  {target} HTTP/1.1")),
				rejectOr("it accepts (RFC 9112, 3 lets a server split at white space)")),
			opens("4.2.1, RFC 9112 3", "Tabs in the request line", refusal400, asks(line("GET\t{target}\tHTTP/1.1")),
				rejectOr("it accepts (RFC 9112, 3 lets a server split at white space)")),
			opens("4.2.1, RFC 9112 2.2", "An empty line before the request line", serveIt, "\r\n"+asks(), serveOr("it refuses (RFC 9112, 2.2: a server SHOULD ignore the line)")),
			soon(opens("10.7", "Octets that are no HTTP, with a blank line behind them", "Refuse, or close TCP", strings.Repeat("\x00\xff\x80\n", 8)+"\r\n\r\n", neverMind())),
			soon(opens("10.7", "The beginning of a TLS handshake", "Refuse, or close TCP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("\x5a", 32)+"\r\n\r\n", neverMind())),
			soon(opens("10.7", "WebSocket frames in place of a request", "Refuse, or close TCP", "\x81\x85\x00\x00\x00\x00Hello\r\n\r\n", neverMind())),
		),
	}
}

func requestTargets() Section {
	const liberal = "it accepts (4.2.1 and RFC 9112, 3.2 leave the reading of a bad target to the server)"
	target := func(rfc, title, first string, a []Answer) *Case {
		expects := refuseOr
		if a[0].Kind == Accepts {
			expects = serveMay
		}
		return opens(rfc, title, expects, asks(line(first)), a)
	}
	return Section{
		Title: "The request target",
		Requires: "4.2.1: the request has a resource name, or an absolute URI that contains it; a target that breaks the grammar is refused (MUST). RFC 9112, 3.2.2: a server " +
			"MUST accept the absolute form. 3.2.4: \"*\" is for OPTIONS. RFC 6455, 3: a fragment identifier MUST NOT be used.",
		Cases: forOnly(Servers,
			opens("4.2.1, RFC 9112 3.2.2", "Absolute form", serveIt, asks(line("GET http://{host}{target} HTTP/1.1")),
				serveOr("it refuses what only proxies are sent in practice (RFC 9112, 3.2.2 would have it accepted)")),
			target("4.2.1, RFC 9112 3.2.2", "Absolute form with scheme ws", "GET ws://{host}{target} HTTP/1.1", eitherWay()),
			target("4.2.1, RFC 9112 3.2.2", "Absolute form that names another host", "GET http://other.example{target} HTTP/1.1", eitherWay()),
			target("4.2.1, RFC 9112 3.2.4", "Target *", "GET * HTTP/1.1", rejectOr(liberal)),
			target("4.2.1, RFC 9112 3.2.1", "Target that begins with two slashes", "GET //{host}{target} HTTP/1.1", eitherWay()),
			target("3, 4.2.1", "Target with a fragment identifier", "GET {target}#fragment HTTP/1.1", rejectOr(liberal)),
			target("4.2.1, RFC 9112 3.2", "Target without a slash", "GET websocket HTTP/1.1", rejectOr(liberal)),
			target("4.2.1, RFC 9112 3.2", "Target with a space", "GET {target}?a b HTTP/1.1", rejectOr(liberal)),
			target("4.2.1, RFC 9112 3.2", "Target with a % that begins no octet", "GET {target}?%zz HTTP/1.1", rejectOr(liberal)),
			target("4.2.1, RFC 9112 3.2", "Target with octets that are not ASCII", "GET {target}?\xc3\xa4 HTTP/1.1", rejectOr(liberal)),
			opens("4.2.1, RFC 9112 3.2", "Target with a NUL", refusal400, asks(line("GET {target}?a\x00b HTTP/1.1")), rejectIt()),
			opens("4.2.1, RFC 9112 2.2", "Target with a bare CR", refusal400, asks(line("GET {target}?a\rb HTTP/1.1")), rejectIt()),
		),
	}
}

func hostHeaders() Section {
	// The status is named by RFC 9112, 3.2: "A server MUST respond with a 400".
	refuse400 := []Answer{refuses(400, 400), answers(NonStrict, "it refuses with another status than 400 (RFC 9112, 3.2)", refuses(401, 599))}
	host := func(title string, lines ...string) *Case {
		return opens("4.2.1, RFC 9112 3.2", title, "Refuse with status 400", asks(instead("Host", lines...)), refuse400)
	}
	return Section{
		Title:    "Host",
		Requires: "4.2.1: a Host header. RFC 9112, 3.2: a server MUST respond with 400 to a request that lacks it, has it more than once, or with an invalid value.",
		Cases: forOnly(Servers,
			host("No Host"),
			host("Host twice", "Host: {host}", "Host: {host}"),
			host("Two different Hosts", "Host: {host}", "Host: other.example"),
			opens("4.2.1, RFC 9112 3.2", "Host without a value", "Refuse with status 400", asks(instead("Host", "Host:")),
				append(rejectIt(), answers(NonStrict, "it accepts (RFC 9112, 3.2: no value is for a target that has no authority)", accepts()))),
			host("Host with a space in it", "Host: a {host}"),
			host("Host with a path", "Host: {host}/path"),
			host("Host with two values in a line", "Host: {host}, other.example"),
		),
	}
}

func upgradeHeaders() Section {
	// What asks for no WebSocket is a plain GET, and may be answered as one.
	plainGet := []Answer{refuses(200, 599), answers(NonStrict, "it closes TCP without a response (4.2.1)", Answer{Kind: Drops})}
	refused := func(title, name string, lines ...string) *Case {
		return opens("4.2.1", title, "Refuse, or answer as to a plain GET", asks(instead(name, lines...)), plainGet)
	}
	served := func(title, name string, lines ...string) *Case {
		return opens("4.2.1", title, serveIt, asks(instead(name, lines...)), openIt())
	}
	return Section{
		Title: "Upgrade and Connection",
		Requires: "4.2.1: an Upgrade header that contains websocket, treated as an ASCII case-insensitive value, and a Connection header that includes the token Upgrade, likewise; " +
			"else the server MUST stop processing the handshake.",
		Cases: forOnly(Servers,
			refused("No Upgrade", "Upgrade"),
			refused("Upgrade to something else", "Upgrade", "Upgrade: h2c"),
			refused("Upgrade without a value", "Upgrade", "Upgrade:"),
			refused("Upgrade to websocket2", "Upgrade", "Upgrade: websocket2"),
			refused("Upgrade to web socket", "Upgrade", "Upgrade: web socket"),
			refused("Upgrade with a letter that only Unicode folds to s", "Upgrade", "Upgrade: web\u017focket"),
			served("Upgrade in capitals", "Upgrade", "Upgrade: WEBSOCKET"),
			served("Upgrade in camel case", "Upgrade", "Upgrade: WebSocket"),
			opens("4.2.1, RFC 9110 7.8", "Upgrade with two protocols", serveIt, asks(instead("Upgrade", "Upgrade: h2c, websocket")),
				serveOr("it refuses a list (4.2.1: an Upgrade header containing the value)")),
			opens("4.2.1, RFC 9110 7.8", "Upgrade twice, with websocket in the second", serveIt, asks(instead("Upgrade", "Upgrade: h2c", "Upgrade: websocket")),
				serveOr("it refuses a list (4.2.1: an Upgrade header containing the value)")),
			opens("4.2.1, RFC 9110 7.8", "Upgrade with a version of the protocol", serveMay, asks(instead("Upgrade", "Upgrade: websocket/13")), append(eitherWay(), refuses(200, 399))),
			refused("No Connection", "Connection"),
			refused("Connection: keep-alive", "Connection", "Connection: keep-alive"),
			refused("Connection: close", "Connection", "Connection: close"),
			refused("Connection with a longer word", "Connection", "Connection: Upgraded"),
			refused("Connection with the word inside another", "Connection", "Connection: keep-alive-Upgrade"),
			refused("Connection with the word in quotes", "Connection", `Connection: "Upgrade"`),
			served("Connection in lower case", "Connection", "Connection: upgrade"),
			served("Connection with two options, as browsers send it", "Connection", "Connection: keep-alive, Upgrade"),
			served("Connection with two options and no space", "Connection", "Connection: Upgrade,keep-alive"),
			served("Connection with empty elements", "Connection", "Connection: , Upgrade,,"),
			opens("4.2.1, RFC 9110 5.3", "Connection twice", serveIt, asks(instead("Connection", "Connection: keep-alive", "Connection: Upgrade")),
				serveOr("it looks at one line only (RFC 9110, 5.3: a recipient MAY combine them)")),
			opens("4.2.1, RFC 9110 7.6.1", "Connection with Upgrade and close", serveMay, asks(instead("Connection", "Connection: close, Upgrade")), eitherWay()),
		),
	}
}

func keyHeaders() Section {
	refused := func(title string, lines ...string) *Case {
		return opens("4.2.1, 11.3.1", title, refusal400, asks(instead("Sec-WebSocket-Key", lines...)), refuseIt())
	}
	// 4.2.2: "It is not necessary for the server to base64-decode the |Sec-WebSocket-Key| value."
	strange := func(title, key string) *Case {
		c := opens("4.2.1, 4.2.2", title, refusal400, asks(), append(refuseIt(), answers(NonStrict, "it accepts (4.2.2 does not oblige it to decode the key)", accepts())))
		c.Opening.Key = key
		return c
	}
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	return Section{
		Title:    "Sec-WebSocket-Key",
		Requires: "4.2.1: a Sec-WebSocket-Key header whose value is base64 and decodes to 16 octets; 11.3.1: it MUST NOT appear more than once.",
		Cases: forOnly(Servers,
			refused("No key"),
			refused("Key without a value", "Sec-WebSocket-Key:"),
			refused("The same key twice", "Sec-WebSocket-Key: {key}", "Sec-WebSocket-Key: {key}"),
			refused("Two keys", "Sec-WebSocket-Key: {key}", "Sec-WebSocket-Key: "+key),
			refused("Key under a name with underscores", "Sec_WebSocket_Key: {key}"),
			strange("Key of 15 octets", "dGhlIHNhbXBsZSBub25j"),
			strange("Key of 17 octets", "dGhlIHNhbXBsZSBub25jZWU="),
			strange("Key that is not base64", "!!!!!!!!!!!!!!!!!!!!!!=="),
			strange("Key without padding", "dGhlIHNhbXBsZSBub25jZQ"),
			strange("Key in the base64 of URLs", "-_-_-_-_-_-_-_-_-_-_-w=="),
			strange("Key with a space in it", "dGhlIHNhbXB sZSBub25jZQ="),
			strange("Key of 3000 octets", strings.Repeat("A", 4000)),
			strange("Key whose last digit encodes more than it should", "dGhlIHNhbXBsZSBub25jZR=="),
			opens("4.2.1, RFC 9110 5.5", "Key with white space around it", serveIt, asks(instead("Sec-WebSocket-Key", "Sec-WebSocket-Key: \t {key} \t")), openIt()),
			opens("4.2.1, RFC 9110 5.1", "Headers with their names in lower case", serveIt, strings.NewReplacer("Host:", "host:", "Upgrade:", "upgrade:", "Connection:", "connection:",
				"Sec-WebSocket-", "sec-websocket-", "Key:", "key:", "Version:", "version:").Replace(asks()), openIt()),
		),
	}
}

func versionHeaders() Section {
	const header = "Sec-WebSocket-Version: 13"
	// 4.2.2: "the server MUST abort the WebSocket handshake [...] and instead send an appropriate HTTP error code [...] and a |Sec-WebSocket-Version| header field".
	mismatch := []Answer{{Verdict: OK, Kind: Refuses, Lowest: 400, Highest: 599, Header: header}}
	other := func(title, version string) *Case {
		return opens("4.2.2, 4.4", title, "Refuse with an HTTP error, such as 426, that names version 13", asks(instead("Sec-WebSocket-Version", "Sec-WebSocket-Version: "+version)), mismatch)
	}
	draft := func(title, version string) *Case {
		c := other(title, version)
		c.Opening.Answers = append(c.Opening.Answers, answers(NonStrict, "it accepts a version of the drafts (4.2.2: one understood by the server)", accepts()))
		return c
	}
	wrong := func(title string, lines ...string) *Case {
		return opens("4.2.1, 11.3.5", title, refusal400, asks(instead("Sec-WebSocket-Version", lines...)), refuseIt())
	}
	return Section{
		Title: "Sec-WebSocket-Version",
		Requires: "4.2.1: a Sec-WebSocket-Version header with a value of 13; 11.3.5: it MUST NOT appear more than once in a request. 4.2.2: to a version that it does not understand " +
			"the server MUST answer with an HTTP error code and a Sec-WebSocket-Version header with those that it does.",
		Cases: forOnly(Servers,
			wrong("No version header"),
			wrong("Version without a value", "Sec-WebSocket-Version:"),
			other("Version 0", "0"),
			draft("Version 7", "7"),
			draft("Version 8", "8"),
			draft("Version 12", "12"),
			other("Version 14", "14"),
			other("Version 255", "255"),
			wrong("Version that is no number", "Sec-WebSocket-Version: abc"),
			wrong("Version 130", "Sec-WebSocket-Version: 130"),
			wrong("Version 013", "Sec-WebSocket-Version: 013"),
			wrong("Version 13.0", "Sec-WebSocket-Version: 13.0"),
			wrong("Version +13", "Sec-WebSocket-Version: +13"),
			wrong("Version 4294967309, which is 13 in 32 bits", "Sec-WebSocket-Version: 4294967309"),
			wrong("Two versions in a line", "Sec-WebSocket-Version: 13, 8"),
			wrong("Version 13 twice", header, header),
			wrong("Versions 8 and 13, in two lines", "Sec-WebSocket-Version: 8", header),
			wrong("Two keys of the first drafts, and no version", "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5", "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00"),
		),
	}
}
