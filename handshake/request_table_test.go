package handshake

import "strings"

// The request of RFC 6455 section 1.2, with the key of section 1.3.
const rfcRequest = "GET /chat HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Origin: http://example.com\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

// request returns a good request, with each pair of arguments replaced: in "Host", "Host: other"
// the line that begins with Host. An empty replacement removes the line; several lines are
// separated with CRLF. "GET" stands for the request line, "+" adds before the blank line.
func request(changes ...string) string {
	lines := strings.Split(strings.TrimSuffix(plainRequest, "\r\n\r\n"), "\r\n")
	for i := 0; i < len(changes); i += 2 {
		what, with := changes[i], changes[i+1]
		if what == "+" {
			lines = append(lines, with)
			continue
		}
		found := false
		for j, line := range lines {
			if strings.HasPrefix(line, what) {
				lines[j], found = with, true
			}
		}
		if !found {
			panic("no line " + what)
		}
	}
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

var requestTests = []struct {
	name    string
	request string
	err     error
}{
	{"1.2 the RFC's own", rfcRequest, nil},
	{"plain", plainRequest, nil},
	{"Chrome", browserRequest, nil},
	{"Firefox: a list in Connection", request("Connection", "Connection: keep-alive, Upgrade"), nil},

	// RFC 9112 3: method SP request-target SP HTTP-version
	{"RFC 9112 2.2 empty line first", "\r\n" + plainRequest, ErrRequestLine},
	{"RFC 9112 3 empty", "\r\n\r\n", ErrRequestLine},
	{"RFC 9112 3 one word", request("GET", "GET"), ErrRequestLine},
	{"RFC 9112 3 two words", request("GET", "GET /"), ErrRequestLine},
	{"RFC 9112 3 HTTP/0.9", "GET /\r\n", ErrRequestLine},
	{"RFC 9112 3 leading space", request("GET", " GET / HTTP/1.1"), ErrRequestLine},
	{"RFC 9112 3 two spaces", request("GET", "GET  / HTTP/1.1"), ErrTarget},
	{"RFC 9112 3 two spaces before the version", request("GET", "GET /  HTTP/1.1"), ErrTarget},
	{"RFC 9112 3 trailing space", request("GET", "GET / HTTP/1.1 "), ErrRequestLine},
	{"RFC 9112 3 tab", request("GET", "GET\t/\tHTTP/1.1"), ErrRequestLine},
	{"RFC 9112 3 control in the method", request("GET", "G\x00T / HTTP/1.1"), ErrRequestLine},
	{"RFC 9112 3 a TLS client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", ErrRequestLine},
	{"RFC 9112 2.2 bare LF after the request line", strings.Replace(plainRequest, "\r\n", "\n", 1), ErrRequestLine},
	{"RFC 9112 2.2 bare LF at once", "\n", ErrRequestLine},
	{"RFC 9112 2.2 bare CR in the request line", request("GET", "GET /\r HTTP/1.1"), ErrTarget},
	{"RFC 9112 2.2 two CR", request("GET", "GET / HTTP/1.1\r"), ErrRequestLine},

	// 4.1: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
	{"4.1 POST", request("GET", "POST / HTTP/1.1"), ErrMethod},
	{"4.1 HEAD", request("GET", "HEAD / HTTP/1.1"), errHead},
	{"4.1 HEAD of HTTP/1.0", request("GET", "HEAD / HTTP/1.0"), errHead},
	{"4.1 get", request("GET", "get / HTTP/1.1"), ErrMethod},
	{"4.1 CONNECT", request("GET", "CONNECT example.com:80 HTTP/1.1"), ErrMethod},
	{"4.1 HTTP/1.0", request("GET", "GET / HTTP/1.0"), ErrHTTP},
	{"4.1 HTTP/1.2", request("GET", "GET / HTTP/1.2"), ErrHTTP},
	{"4.1 HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrHTTP},
	{"4.1 HTTP/11", request("GET", "GET / HTTP/11"), ErrRequestLine},
	{"4.1 HTTP/1.10", request("GET", "GET / HTTP/1.10"), ErrRequestLine},
	{"4.1 http/1.1", request("GET", "GET / http/1.1"), ErrRequestLine},
	{"4.1 ICY/1.1", request("GET", "GET / ICY//1.1"), ErrRequestLine},

	// RFC 9112 3.2.1: origin form
	{"RFC 9112 3.2.1 a path and a query", request("GET", "GET /a/b%20c;d=e/../?f?g=/h&i=%zz HTTP/1.1"), nil},
	{"RFC 9112 3.2.1 what browsers do not encode", request("GET", "GET /|\\^{}`\"<>?'|{}\"<> HTTP/1.1"), nil},
	{"RFC 9112 3.2.1 double slash inside", request("GET", "GET /a//b HTTP/1.1"), nil},
	{"RFC 9112 3.2.1 half an octet", request("GET", "GET /%a HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 no octet", request("GET", "GET /%zz HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 no slash", request("GET", "GET chat HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 query alone", request("GET", "GET ?a HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 space", request("GET", "GET /a b HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 NUL", request("GET", "GET /\x00 HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 DEL", request("GET", "GET /\x7f HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.1 UTF-8", request("GET", "GET /ä HTTP/1.1"), ErrTarget},
	{"RFC 9112 3.2.3 authority form", request("GET", "GET example.com:80 HTTP/1.1"), ErrTarget},

	// RFC 9112 5: field-line = field-name ":" OWS field-value OWS
	{"RFC 9112 5 no space after the colon", request("Host", "Host:example.com"), nil},
	{"RFC 9112 5 much space around the value", request("Host", "Host: \t example.com \t "), nil},
	{"RFC 9112 5 names in any case", strings.ToLower(request("+", "X: y", "GET", "G: x"))[len("g: x\r\n"):], ErrRequestLine},
	{"RFC 9112 5 empty value", request("+", "X:"), nil},
	{"RFC 9112 5 octets above 127 and tabs in a value", request("+", "X: \x80\xff\ta"), nil},
	{"RFC 9112 5.1 space before the colon", request("Host", "Host : example.com"), ErrHeader},
	{"RFC 9112 5.1 tab before the colon", request("Host", "Host\t: example.com"), ErrHeader},
	{"RFC 9112 5.1 no colon", request("+", "X"), ErrHeader},
	{"RFC 9112 5.1 no name", request("+", ": x"), ErrHeader},
	{"RFC 9112 5.1 space in the name", request("+", "X Y: z"), ErrHeader},
	{"RFC 9112 5.1 octet above 127 in the name", request("+", "X\xe4: z"), ErrHeader},
	{"RFC 9112 5.1 control in the name", request("+", "X\x01: z"), ErrHeader},
	{"RFC 9112 5.2 obsolete line folding", request("+", "X: a\r\n b"), ErrHeader},
	{"RFC 9112 5.2 obsolete line folding with a tab", request("+", "X: a\r\n\tb: c"), ErrHeader},
	{"RFC 9112 2.2 space between request line and headers", strings.Replace(plainRequest, "\r\nHost", "\r\n Host", 1), ErrHeader},
	{"RFC 9112 2.2 bare LF after a header", strings.Replace(plainRequest, "websocket\r\n", "websocket\n", 1), ErrHeader},
	{"RFC 9112 2.2 bare LF for the blank line", strings.TrimSuffix(plainRequest, "\r\n") + "\n", ErrHeader},
	{"RFC 9112 2.2 bare CR in a value", request("+", "X: a\rb"), ErrHeader},
	{"RFC 9112 2.2 bare CR at the end of a value", request("+", "X: a\r"), ErrHeader},
	{"RFC 9112 2.2 bare CR for the blank line", strings.TrimSuffix(plainRequest, "\r\n") + "\r\r\n", ErrHeader},
	{"RFC 9110 5.5 NUL", request("+", "X: a\x00b"), ErrHeader},
	{"RFC 9110 5.5 escape", request("+", "X: a\x1bb"), ErrHeader},
	{"RFC 9110 5.5 DEL", request("+", "X: a\x7fb"), ErrHeader},

	// RFC 9112 3.2: Host
	{"RFC 9112 3.2 no Host", request("Host", ""), ErrHost},
	{"RFC 9112 3.2 two Hosts", request("+", "host: example.com"), ErrHost},
	{"RFC 9112 3.2 empty Host", request("Host", "Host:"), ErrHost},
	{"RFC 9112 3.2 port", request("Host", "Host: example.com:8080"), nil},
	{"RFC 9112 3.2 empty port", request("Host", "Host: example.com:"), nil},
	{"RFC 9112 3.2 address", request("Host", "Host: 192.0.2.1:80"), nil},
	{"RFC 9112 3.2 IPv6", request("Host", "Host: [2001:db8::1]:80"), nil},
	{"RFC 9112 3.2 IPv6 with an IPv4 tail", request("Host", "Host: [::ffff:192.0.2.1]"), nil},
	{"RFC 9112 3.2 IPv6 with a zone", request("Host", "Host: [fe80::1%25eth0]"), ErrHost},
	{"RFC 9112 3.2 IPv6 without brackets", request("Host", "Host: 2001:db8::1"), ErrHost},
	{"RFC 9112 3.2 brackets not closed", request("Host", "Host: [::1"), ErrHost},
	{"RFC 9112 3.2 brackets around a name", request("Host", "Host: [example.com]"), ErrHost},
	{"RFC 9112 3.2 brackets around hexadecimal", request("Host", "Host: [abc]"), ErrHost},
	{"RFC 9112 3.2 brackets around an IPv4 address", request("Host", "Host: [192.0.2.1]"), ErrHost},
	{"RFC 9112 3.2 brackets around a name and a port", request("Host", "Host: [abc:80]"), ErrHost},
	{"RFC 9112 3.2 empty brackets", request("Host", "Host: []"), ErrHost},
	{"RFC 9112 3.2 something after the brackets", request("Host", "Host: [::1]x"), ErrHost},
	{"RFC 9112 3.2 port that is no number", request("Host", "Host: example.com:http"), ErrHost},
	{"RFC 9112 3.2 port 0", request("Host", "Host: example.com:0"), ErrHost},
	{"RFC 9112 3.2 port 65535", request("Host", "Host: example.com:65535"), nil},
	{"RFC 9112 3.2 port 65536", request("Host", "Host: example.com:65536"), ErrHost},
	{"RFC 9112 3.2 port of many digits", request("Host", "Host: example.com:000080"), ErrHost},
	{"RFC 9112 3.2 port alone", request("Host", "Host: :80"), ErrHost},
	{"RFC 9112 3.2 user information", request("Host", "Host: user@example.com"), ErrHost},
	{"RFC 9112 3.2 path", request("Host", "Host: example.com/x"), ErrHost},
	{"RFC 9112 3.2 list", request("Host", "Host: a.example, b.example"), ErrHost},
	{"RFC 9112 3.2 list without space", request("Host", "Host: a.example,b.example"), ErrHost},
	{"RFC 9112 3.2 UTF-8", request("Host", "Host: exämple.com"), ErrHost},
	{"RFC 9112 3.2 punycode", request("Host", "Host: xn--exmple-cua.com"), nil},

	// RFC 9112 6: no body
	{"RFC 9112 6 Content-Length of 5", request("+", "Content-Length: 5"), ErrBody},
	{"RFC 9112 6 Content-Length of 0", request("+", "Content-Length: 0"), nil},
	{"RFC 9112 6 Content-Length of 0 twice", request("+", "Content-Length: 0\r\nContent-Length: 0"), ErrBody},
	{"RFC 9112 6 Content-Length of 0, 0", request("+", "Content-Length: 0, 0"), ErrBody},
	{"RFC 9112 6 Content-Length of 00", request("+", "Content-Length: 00"), ErrBody},
	{"RFC 9112 6 Content-Length of +0", request("+", "Content-Length: +0"), ErrBody},
	{"RFC 9112 6 Content-Length of nothing", request("+", "Content-Length:"), ErrBody},
	{"RFC 9112 6 Transfer-Encoding", request("+", "Transfer-Encoding: chunked"), ErrBody},
	{"RFC 9112 6 Transfer-Encoding of identity", request("+", "transfer-encoding: identity"), ErrBody},

	// 4.2.1, items 3 and 4: upgrade
	{"4.2.1 no upgrade, as from a browser's address bar", request("Upgrade", "", "Connection", "Connection: keep-alive", "Sec-WebSocket-Key", "", "Sec-WebSocket-Version", ""), ErrUpgrade},
	{"4.2.1 no Upgrade", request("Upgrade", ""), ErrUpgrade},
	{"4.2.1 another upgrade", request("Upgrade", "Upgrade: h2c"), ErrUpgrade},
	{"4.2.1 upper case", request("Upgrade", "UPGRADE: WEBSOCKET"), nil},
	{"4.2.1 a list", request("Upgrade", "Upgrade: h2c, websocket"), nil},
	{"4.2.1 several lines", request("Upgrade", "Upgrade: websocket\r\nUpgrade: h2c"), nil},
	{"4.2.1 with a version", request("Upgrade", "Upgrade: websocket/13"), ErrUpgrade},
	{"4.2.1 almost", request("Upgrade", "Upgrade: websocke"), ErrUpgrade},
	{"4.2.1 Kelvin sign, which is a k to some", request("Upgrade", "Upgrade: websoc\u212aet"), ErrUpgrade},
	{"4.2.1 no Connection", request("Connection", ""), ErrUpgrade},
	{"4.2.1 another Connection", request("Connection", "Connection: keep-alive"), ErrUpgrade},
	{"4.2.1 Connection in any case", request("Connection", "connection: uPgrade"), nil},
	{"4.2.1 Connection on several lines", request("Connection", "Connection: keep-alive\r\nConnection: Upgrade"), nil},

	// 4.2.1, item 5: key
	{"4.2.1 no key", request("Sec-WebSocket-Key", ""), ErrKey},
	{"4.2.1 empty key", request("Sec-WebSocket-Key", "Sec-WebSocket-Key:"), ErrKey},
	{"4.2.1 two keys", request("+", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), ErrKey},
	{"4.2.1 key of 15 octets", request("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), ErrKey},
	{"4.2.1 key of 17 octets", request("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZUE="), ErrKey},
	{"4.2.1 bad base64", request("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!=="), ErrKey},

	// 4.2.1, item 6, and 4.4: version
	{"4.4 no version", request("Sec-WebSocket-Version", ""), ErrVersion},
	{"4.4 version 14", request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 14"), ErrVersion},
	{"4.4 version 013", request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013"), ErrVersion},
	{"4.4 several versions", request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8"), ErrVersion},
	{"4.4 two lines", request("+", "Sec-WebSocket-Version: 13"), ErrVersions},
	{"4.4 two lines, one other", request("+", "Sec-WebSocket-Version: 8"), ErrVersions},

	// 10.2, RFC 6454 7.3
	{"10.2 two Origins", request("+", "Origin: http://example.com\r\nOrigin: http://example.com"), ErrOrigin},

	// 4.3: Sec-WebSocket-Protocol-Client = 1#token
	{"4.3 one", request("+", "Sec-WebSocket-Protocol: chat"), nil},
	{"4.3 many", request("+", "Sec-WebSocket-Protocol: chat,, v10.stomp ,\r\nSec-WebSocket-Protocol: c"), nil},
	{"4.3 one line empty", request("+", "Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: c"), nil},
	{"4.3 empty", request("+", "Sec-WebSocket-Protocol:"), ErrSubprotocols},
	{"4.3 commas", request("+", "Sec-WebSocket-Protocol: ,,"), ErrSubprotocols},
	{"4.3 no token", request("+", "Sec-WebSocket-Protocol: chat, su per"), ErrSubprotocols},
	{"4.3 slash", request("+", "Sec-WebSocket-Protocol: chat/1"), ErrSubprotocols},
	{"4.3 quotes", request("+", `Sec-WebSocket-Protocol: "chat"`), ErrSubprotocols},

	// 9.1
	{"9.1 permessage-deflate", request("+", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), nil},
	{"9.1 no token", request("+", "Sec-WebSocket-Extensions: a b"), ErrExtensions},
	{"9.1 no value", request("+", "Sec-WebSocket-Extensions: a; b="), ErrExtensions},
	{"9.1 empty", request("+", "Sec-WebSocket-Extensions: "), ErrExtensions},

	// Several faults at once: the request line first, then lines as they come, then what only
	// the whole shows, in the order of this table whatever the order of the headers.
	{"first fault: method before target", request("GET", "POST * HTTP/1.1"), ErrMethod},
	{"first fault: version before method", request("GET", "POST * HTTP/2.0"), ErrHTTP},
	{"first fault: line before Host", request("Host", "", "+", "X"), ErrHeader},
	{"first fault: body before upgrade", request("Upgrade", "", "+", "Content-Length: 1"), ErrBody},
	{"first fault: version before key", request("Sec-WebSocket-Key", "", "Sec-WebSocket-Version", ""), ErrVersion},
}
