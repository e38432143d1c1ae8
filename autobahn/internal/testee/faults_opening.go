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
}

// response is a Kind with another response, as a server.
func response(name, text string, change func(*opening)) *Kind {
	return &Kind{Name: name, Text: text, Only: Server, Red: all, Opening: true, traits: traits{opening: change}}
}

// request is a Kind with another request, as a client.
func request(name, text string, change func(*opening)) *Kind {
	return &Kind{Name: name, Text: text, Only: Client, Red: all, Opening: true, traits: traits{opening: change}}
}
