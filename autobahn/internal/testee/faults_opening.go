package testee

import "strings"

// openingFaults are about the opening handshake. No case is ever begun, so that all of them turn red; what the runner as server refuses has no result at all.
var openingFaults = []*Kind{
	response("refuses", "answers the request with status 403", func(o *opening) { *o = opening{line: "HTTP/1.1 403 Forbidden", drop: true} }),
	response("status-200", "answers the request with status 200", func(o *opening) { o.line = "HTTP/1.1 200 OK" }),
	response("status-http-1.0", "answers the request in HTTP/1.0", func(o *opening) { o.line = "HTTP/1.0 101 Switching Protocols" }),
	response("not-http", "answers the request with something that is not HTTP", func(o *opening) { o.line = "WS/13 OPEN" }),
	response("wrong-accept", "answers another key than that of the request", func(o *opening) { o.set("Sec-WebSocket-Accept", accept("another key")) }),
	response("accept-lower-case", "answers the key of the request in lower case", func(o *opening) {
		o.set("Sec-WebSocket-Accept", strings.ToLower(o.get("Sec-WebSocket-Accept")))
	}),
	response("no-accept", "leaves out Sec-WebSocket-Accept", func(o *opening) { o.remove("Sec-WebSocket-Accept") }),
	response("no-upgrade", "leaves out Upgrade", func(o *opening) { o.remove("Upgrade") }),
	response("wrong-upgrade", "upgrades to something else", func(o *opening) { o.set("Upgrade", "h2c") }),
	response("no-connection", "leaves out Connection", func(o *opening) { o.remove("Connection") }),
	response("wrong-connection", "says Connection: close", func(o *opening) { o.set("Connection", "close") }),
	response("unasked-extension", "agrees to an extension that was not offered", func(o *opening) { o.set("Sec-WebSocket-Extensions", "x-something") }),
	response("unasked-protocol", "agrees to a subprotocol that was not offered", func(o *opening) { o.set("Sec-WebSocket-Protocol", "chat") }),
	response("drops-request", "closes TCP when the request comes", func(o *opening) { o.silent, o.drop = true, true }),

	compressing(response("answers-window-16", "agrees to a window of 16 bits", extension("permessage-deflate; server_max_window_bits=16"))),
	compressing(response("answers-window-7", "agrees to a window of 7 bits", extension("permessage-deflate; client_max_window_bits=7"))),
	compressing(response("answers-no-window", "agrees to a window without saying which", extension("permessage-deflate; server_max_window_bits"))),
	compressing(response("answers-flag-value", "gives a value to server_no_context_takeover", extension("permessage-deflate; server_no_context_takeover=1"))),
	compressing(response("answers-unknown", "agrees to a parameter that does not exist", extension("permessage-deflate; level=9"))),
	compressing(response("answers-repeated", "gives a parameter twice", extension("permessage-deflate; server_no_context_takeover; server_no_context_takeover"))),
	compressing(response("answers-twice", "agrees to the extension twice", extension("permessage-deflate, permessage-deflate"))),
	compressing(response("answers-other", "agrees to another extension", extension("x-webkit-deflate-frame"))),

	request("http-1.0", "asks in HTTP/1.0", func(o *opening) { o.line = strings.Replace(o.line, "HTTP/1.1", "HTTP/1.0", 1) }),
	request("post", "asks with POST", func(o *opening) { o.line = strings.Replace(o.line, "GET", "POST", 1) }),
	request("no-host", "leaves out Host", func(o *opening) { o.remove("Host") }),
	request("wrong-port", "names another port in Host", func(o *opening) { o.set("Host", "127.0.0.1:1") }),
	request("asks-no-upgrade", "leaves out Upgrade", func(o *opening) { o.remove("Upgrade") }),
	request("asks-no-connection", "leaves out Connection", func(o *opening) { o.remove("Connection") }),
	request("no-key", "leaves out Sec-WebSocket-Key", func(o *opening) { o.remove("Sec-WebSocket-Key") }),
	request("short-key", "sends a key of 8 octets", func(o *opening) { o.set("Sec-WebSocket-Key", "MTIzNDU2Nzg=") }),
	request("no-version", "leaves out Sec-WebSocket-Version", func(o *opening) { o.remove("Sec-WebSocket-Version") }),
	request("version-12", "asks for version 12", func(o *opening) { o.set("Sec-WebSocket-Version", "12") }),
	compressing(request("offers-window-16", "offers a window of 16 bits", extension("permessage-deflate; client_max_window_bits=16"))),
	compressing(request("offers-unknown", "offers a parameter that does not exist", extension("permessage-deflate; level=9"))),
	compressing(request("offers-repeated", "offers a parameter twice", extension("permessage-deflate; client_max_window_bits; client_max_window_bits"))),
}

// response is a Kind with another response, as a server.
func response(name, text string, change func(*opening)) *Kind {
	return &Kind{Name: name, Text: text, Only: Server, Red: all, Opening: true, traits: traits{opening: change}}
}

// request is a Kind with another request, as a client.
func request(name, text string, change func(*opening)) *Kind {
	return &Kind{Name: name, Text: text, Only: Client, Red: all, Opening: true, traits: traits{opening: change}}
}

// extension changes what extension is offered or agreed to, if any is.
func extension(value string) func(*opening) {
	return func(o *opening) {
		if o.get("Sec-WebSocket-Extensions") != "" {
			o.set("Sec-WebSocket-Extensions", value)
		}
	}
}

// compressing makes a Kind one that compresses.
func compressing(k *Kind) *Kind {
	k.Compresses, k.Red = true, compressed
	return k
}
