package corpus

import "strings"

const (
	request  = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	version  = "Sec-WebSocket-Version: 13\r\n"
)

// requests are opening handshakes of clients: RFC 6455, 1.2, and the rows of fuzz/THREATS.md that have one.
func requests() map[string]string {
	return map[string]string{
		"http-rfc6455-1.2":         request + "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n" + version + "\r\n",
		"http-early-frame":         request + version + "\r\n\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
		"http-deflate":             request + version + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, permessage-deflate\r\n\r\n",
		"http-V12-draft-76":        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n\r\n^n:ds[4U",
		"http-V12-version-8":       request + "Sec-WebSocket-Version: 8\r\n\r\n",
		"http-V32-many-headers":    request + strings.Repeat("A: b\r\n", 200) + version + "\r\n",
		"http-V33-endless":         request + "X: " + strings.Repeat("a", 9000),
		"http-V35-spaces":          request + version + "Sec-WebSocket-Protocol: a" + strings.Repeat(" ", 3000) + "b\r\n\r\n",
		"http-V37-names":           request + version + "Sec-WebSocket-Extensions: constructor, __proto__; toString=1\r\n\r\n",
		"http-V39-octets":          request + version + "Sec-WebSocket-Protocol: \xff\x80\r\n\r\n",
		"http-V45-origin":          request + version + "Origin: null\r\n\r\n",
		"http-V47-body":            request + version + "Content-Length: 5\r\n\r\nhello",
		"http-V47-chunked":         request + version + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"http-V47-pipelined":       "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"http-V48-split":           request + version + "Origin: a\r\n\tb: c\nd: e\r\n\r\n",
		"http-V80-absolute":        strings.Replace(request, "/chat", "http://server.example.com/chat#fragment", 1) + version + "\r\n",
		"http-V81-two-keys":        request + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + version + "\r\n",
		"http-V81-short-key":       strings.Replace(request, "dGhlIHNhbXBsZSBub25jZQ==", "dGhl", 1) + version + "\r\n",
		"http-post":                strings.Replace(request, "GET", "POST", 1) + version + "\r\n",
		"http-1.0":                 strings.Replace(request, "HTTP/1.1", "HTTP/1.0", 1) + version + "\r\n",
		"http-no-host":             strings.Replace(request, "Host: server.example.com\r\n", "", 1) + version + "\r\n",
		"http-connection-elements": strings.Replace(request, "Connection: Upgrade", "Connection: keep-alive, Upgrade", 1) + version + "\r\n",
	}
}

// responses are those of servers.
func responses() map[string]string {
	return map[string]string{
		"http-rfc6455-1.3":      response + "Sec-WebSocket-Protocol: chat\r\n\r\n",
		"http-early-frame":      response + "\r\n\x81\x05hello",
		"http-deflate":          response + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=10\r\n\r\n",
		"http-unasked-protocol": response + "Sec-WebSocket-Protocol: other\r\n\r\n",
		"http-wrong-accept":     strings.Replace(response, "s3pP", "S3PP", 1) + "\r\n",
		"http-no-upgrade":       strings.Replace(response, "Upgrade: websocket\r\n", "", 1) + "\r\n",
		"http-redirect":         "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
		"http-forbidden":        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
		"http-426":              "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n",
		"http-V33-endless":      response + strings.Repeat("X: y\r\n", 300),
		"http-bare-lf":          strings.ReplaceAll(response, "\r\n", "\n") + "\n",
	}
}

// extensions are values of Sec-WebSocket-Extensions.
var extensions = map[string]string{
	"deflate": "permessage-deflate", "all": "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits",
	"quoted": "permessage-deflate; server_max_window_bits=\"1\\0\"", "bits-16": "permessage-deflate; server_max_window_bits=16", "bits-08": "permessage-deflate; client_max_window_bits=08",
	"twice": "permessage-deflate; client_max_window_bits; client_max_window_bits=9", "unknown": "permessage-deflate; other", "several": "x-webkit-deflate-frame, permessage-deflate,a;b=c;d",
	"value": "permessage-deflate; server_no_context_takeover=1", "empty": ",, ;", "V26-bits": "permessage-deflate; server_max_window_bits=99999999999999999999",
}
