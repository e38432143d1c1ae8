// Package handshake is the opening handshake of WebSocket (RFC 6455 section 4): its bytes and its policy, for
// servers and for clients.
//
// # The wire format
//
// Two heads of HTTP/1.1 (RFC 9112), lines that end with CRLF, and a blank line after each:
//
//	GET /chat HTTP/1.1                               request line        Limits.RequestLine
//	Host: server.example.com                         once                Limits.HeaderLine, each
//	Upgrade: websocket                               a list, any case    Limits.HeaderBytes, all
//	Connection: Upgrade                              a list, any case    Limits.Headers, how many
//	Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==      once; 16 octets
//	Sec-WebSocket-Version: 13                        once
//	Origin: http://example.com                       from browsers; at most once
//	Sec-WebSocket-Protocol: chat, superchat          if there are offers
//	Sec-WebSocket-Extensions: permessage-deflate     if there are offers
//
//	HTTP/1.1 101 Switching Protocols
//	Upgrade: websocket
//	Connection: Upgrade
//	Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=   AppendAccept of the key
//	Sec-WebSocket-Protocol: chat                         at most one of those offered
//	Sec-WebSocket-Extensions: permessage-deflate         those agreed to
//
// What follows a blank line is frames.
//
// # The types
//
// A server has a [Request], which receives, and an [Upgrader], which decides and answers. A client has an [Offer], which asks and
// checks, and a [Response], which receives. [Limits] bound both. An [Extension] is what the two agree on, and an [Error] is why
// they do not. None of them does I/O: Receive takes bytes, however they are cut, and gives back those that follow; Append makes
// the longer slice. Only [Upgrader.Hijack] touches a connection, one that net/http has received a request on.
//
// # Strictness
//
// A handshake is where proxies and servers come to disagree on what they saw, so nothing is repaired. A line ends with CRLF; lines are not folded; names
// are tokens, values have no control characters. A request is GET, HTTP/1.1, and its target is a path that begins with one
// slash. It has no body, though it may say "Content-Length: 0", as some clients do always. Lists may have empty elements, as
// RFC 9110 section 5.6.1.2 wants. The drafts before version 13 are not spoken. A refusal always closes the connection.
//
// Host names are letters, digits, '-', '.', '_' and '~', or an address in brackets: RFC 3986 allows more, which no host uses and tricks do.
// Requests for "*", for an absolute URI, or for a path that begins with "//" get status 400.
//
// A client is as strict with heads. It reads over interim responses (1xx) within the same limits, takes a status line that ends
// after the number, and accepts a refusal from HTTP/1.0 but not a 101.
//
// Whatever is accepted, net/http accepts as well, and with the same meaning; the tests compare.
//
// # What is not here
//
// Timeouts: the driver has the clock. WebSocket over HTTP/2 (RFC 8441) and HTTP/3. The parameters of permessage-deflate: an
// Upgrader has a hook for extensions, an Offer a list. Redirects, proxies and cookie jars belong to who dials. Whether a request
// offers a subprotocol twice is not checked (section 4.1 says it must not): nothing follows from it.
//
// # A program
//
// It answers one client, and has the first frames in rest:
//
//	var r handshake.Request
//	var u handshake.Upgrader
//	b := make([]byte, 4096)
//	for {
//		n, err := nc.Read(b)
//		if err != nil {
//			return err
//		}
//		rest, done, err := r.Receive(b[:n])
//		if err == nil && !done {
//			continue
//		}
//		response, err := u.AppendResponse(nil, &r) // a refusal, if Receive had an error
//		if _, e := nc.Write(response); err != nil || e != nil {
//			return errors.Join(err, e, nc.Close())
//		}
//		return serve(nc, rest)
//	}
package handshake
