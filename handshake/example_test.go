package handshake_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/idlewire/idlewire/handshake"
)

// A server, without any I/O: bytes in, bytes out.
func ExampleRequest() {
	segments := []string{
		"GET /chat?room=1 HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: webs",
		"ocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nframes",
	}
	var r handshake.Request
	var u handshake.Upgrader
	for _, segment := range segments {
		rest, done, err := r.Receive([]byte(segment))
		if err != nil {
			fmt.Printf("%s", handshake.AppendRefusal(nil, err))
			return // and close the connection
		}
		if !done {
			continue // with what comes next
		}
		response, err := u.AppendResponse(nil, &r)
		fmt.Print(strings.ReplaceAll(string(response), "\r\n", "\n"))
		if err != nil {
			return // and close the connection: it was a refusal
		}
		fmt.Printf("path %s, query %s, then %q\n", r.Path(), r.Query(), rest)
	}
	// Output:
	// HTTP/1.1 101 Switching Protocols
	// Upgrade: websocket
	// Connection: Upgrade
	// Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
	//
	// path /chat, query room=1, then "frames"
}

// Who may connect, from where, and speaking what.
func ExampleUpgrader() {
	u := handshake.Upgrader{
		Origins:      []string{"https://example.com"},
		Subprotocols: []string{"v2.chat", "v1.chat"},
		Hook: func(r *handshake.Request) error {
			if string(r.Cookie("session")) != "s3cret" {
				return &handshake.Error{Status: http.StatusUnauthorized, Body: []byte("log in first\n")}
			}
			return r.AddHeader("X-Served-By", "example")
		},
	}
	for _, cookie := range []string{"session=s3cret", "session=guess"} {
		var r handshake.Request
		_, _, err := r.Receive([]byte("GET / HTTP/1.1\r\nHost: example.com\r\nOrigin: https://example.com\r\nCookie: " + cookie +
			"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v1.chat, v2.chat\r\n\r\n"))
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = u.AppendResponse(nil, &r)
		fmt.Printf("%q %v\n", r.Subprotocol, err)
	}
	// Output:
	// "v1.chat" <nil>
	// "" handshake: Unauthorized (status 401)
}

// A handler of net/http.
func ExampleUpgrader_Hijack() {
	var u handshake.Upgrader
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rest, agreed, err := u.Hijack(w, r)
		if err != nil {
			return // w has been answered
		}
		defer nc.Close()
		_ = rest // what the client sent already; it comes before what is read from nc
		fmt.Fprintf(nc, "frames for %s", agreed.Path())
	}))
	defer s.Close()

	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	fmt.Fprintf(nc, "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	line, err := bufio.NewReader(nc).ReadString('\n')
	fmt.Printf("%q %v\n", line, err)
	// Output: "HTTP/1.1 101 Switching Protocols\r\n" <nil>
}

// A client, without any I/O.
func ExampleOffer() {
	u, err := handshake.ParseURL("wss://server.example.com/chat")
	if err != nil {
		fmt.Println(err)
		return
	}
	o := handshake.Offer{
		URL:          u,
		Subprotocols: []string{"chat"},
		Key:          "dGhlIHNhbXBsZSBub25jZQ==", // only so that the example prints always the same
	}
	request, err := o.AppendRequest(nil)
	fmt.Print(strings.ReplaceAll(string(request), "\r\n", "\n"), err, "\n")

	for _, response := range []string{
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframes",
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 9\r\n\r\ncome back",
	} {
		var r handshake.Response
		rest, done, err := r.Receive([]byte(response))
		if err != nil || !done {
			fmt.Println(done, err)
			return
		}
		err = o.Check(&r)
		var refusal *handshake.Error
		if errors.As(err, &refusal) {
			r.ReceiveBody(rest)
			fmt.Printf("%d, try again in %s s: %s\n", refusal.Status, refusal.Header.Get("Retry-After"), r.Body())
			continue
		}
		fmt.Printf("then %q\n", rest)
	}
	// Output:
	// GET /chat HTTP/1.1
	// Host: server.example.com
	// Upgrade: websocket
	// Connection: Upgrade
	// Sec-WebSocket-Version: 13
	// Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
	// Sec-WebSocket-Protocol: chat
	//
	// <nil>
	// then "frames"
	// 503, try again in 5 s: come back
}

func ExampleParseExtensions() {
	exts, err := handshake.ParseExtensions(nil, []byte(`permessage-deflate; client_max_window_bits; server_max_window_bits="10"`))
	fmt.Printf("%+v %v\n", exts, err)
	b, err := handshake.AppendExtensions(nil, exts)
	fmt.Printf("%s %v\n", b, err)
	// Output:
	// [{Name:permessage-deflate Params:[{Name:client_max_window_bits Value:} {Name:server_max_window_bits Value:10}]}] <nil>
	// permessage-deflate; client_max_window_bits; server_max_window_bits=10 <nil>
}
