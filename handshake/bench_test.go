package handshake

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/gobwas/ws"
)

// What Chrome sends.
const browserRequest = "GET /chat?room=1 HTTP/1.1\r\n" +
	"Host: example.com\r\n" +
	"Connection: Upgrade\r\n" +
	"Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\n" +
	"Origin: https://example.com\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\n" +
	"Cookie: session=0123456789abcdef; theme=dark\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" +
	"\r\n"

// What a small client sends: nothing but what section 4.1 asks for.
const plainRequest = "GET / HTTP/1.1\r\n" +
	"Host: example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

var benchRequests = []struct{ name, request string }{
	{"plain", plainRequest},
	{"browser", browserRequest},
}

// The opening handshake of a server: request in, response out.
func BenchmarkUpgrade(b *testing.B) {
	for _, bb := range benchRequests {
		b.Run(bb.name+"/idlewire", func(b *testing.B) {
			in, out := []byte(bb.request), make([]byte, 0, 512)
			var u Upgrader
			var r Request
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				r.Reset()
				if _, done, err := r.Receive(in); !done || err != nil {
					b.Fatal(err)
				}
				var err error
				if out, err = u.AppendResponse(out[:0], &r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/gobwas", func(b *testing.B) {
			request := []byte(bb.request)
			in := bytes.NewReader(nil)
			rw := struct {
				io.Reader
				io.Writer
			}{in, io.Discard}
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.request)))
			var u ws.Upgrader
			for b.Loop() {
				in.Reset(request)
				if _, err := u.Upgrade(rw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The same request in segments of one octet.
func BenchmarkUpgradeByteByByte(b *testing.B) {
	in, out := []byte(browserRequest), make([]byte, 0, 512)
	var u Upgrader
	var r Request
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		r.Reset()
		for i := range in {
			if _, _, err := r.Receive(in[i : i+1]); err != nil {
				b.Fatal(err)
			}
		}
		var err error
		if out, err = u.AppendResponse(out[:0], &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOffer(b *testing.B) {
	u, err := ParseURL("ws://example.com/chat?room=1")
	if err != nil {
		b.Fatal(err)
	}
	o := Offer{URL: u, Subprotocols: []string{"chat"}, Header: http.Header{"Cookie": {"session=0123456789abcdef"}}}
	out := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if out, err = o.AppendRequest(out[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendAccept(b *testing.B) {
	key, out := []byte("dGhlIHNhbXBsZSBub25jZQ=="), make([]byte, 0, acceptSize)
	b.ReportAllocs()
	for b.Loop() {
		out = AppendAccept(out[:0], key)
	}
}
