package deflate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// offered parses the value of a Sec-WebSocket-Extensions header.
func offered(header string) []handshake.Extension {
	exts, err := handshake.ParseExtensions(nil, []byte(header))
	if err != nil {
		panic(err)
	}
	return exts
}

// header is what exts look like on the wire.
func header(exts ...handshake.Extension) string {
	b, err := handshake.AppendExtensions(nil, exts)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// A server and a client that compress. Each may have a policy of its own; what both can do is what they do.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil, &conn.Options{Compression: &deflate.Options{}})
		if err != nil {
			return // Accept has answered
		}
		defer c.CloseNow()
		for {
			m, err := c.Read()
			if err != nil || c.Write(m.Op, m.Payload) != nil {
				return
			}
		}
	}))
	defer server.Close()

	d := &conn.Dialer{Options: conn.Options{Compression: &deflate.Options{}}}
	c, err := conn.Dial(context.Background(), strings.Replace(server.URL, "http", "ws", 1), d)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.CloseNow()
	c.Write(frame.Text, []byte(strings.Repeat("to be or not to be, ", 50)))
	m, err := c.Read()
	fmt.Println(len(m.Payload), err)
	// Output:
	// 1000 <nil>
}

// What a browser offers, answered by four policies.
func ExampleOptions_Accept() {
	browser := offered("permessage-deflate; client_max_window_bits")
	for _, o := range []*deflate.Options{
		{},
		{ServerContextTakeover: true},
		{ServerContextTakeover: true, ClientContextTakeover: true, ServerMaxWindowBits: 12, ClientMaxWindowBits: 9},
		{ServerContextTakeover: true, ClientContextTakeover: true, Budget: 40_000}, // octets: one window of 32 KiB, not two
	} {
		answer, c, _ := o.Accept(browser)
		fmt.Println(header(answer))
		c.Release()
	}
	// Output:
	// permessage-deflate; server_no_context_takeover; client_no_context_takeover
	// permessage-deflate; client_no_context_takeover
	// permessage-deflate; server_max_window_bits=12; client_max_window_bits=9
	// permessage-deflate; client_no_context_takeover
}

// What a client offers: by its policy, or in its own words.
func ExampleOptions_Offers() {
	o := &deflate.Options{ServerContextTakeover: true, ServerMaxWindowBits: 10}
	for _, e := range o.Offers() {
		fmt.Println(header(e))
	}
	o = &deflate.Options{ClientOffers: []deflate.Params{{ServerNoContextTakeover: true, ClientMaxWindowBits: deflate.Any}}}
	fmt.Println(header(o.Offers()...))
	// Output:
	// permessage-deflate; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits
	// permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits
	// permessage-deflate; server_no_context_takeover; client_max_window_bits
}

// A server that answers what was not offered is found out.
func ExampleOptions_Agree() {
	o := &deflate.Options{}
	_, err := o.Agree(offered("permessage-deflate; server_no_context_takeover; client_max_window_bits=7"))
	fmt.Println(errors.Is(err, handshake.ErrResponseDeflate))
	c, err := o.Agree(offered("permessage-deflate; server_no_context_takeover; client_max_window_bits=8"))
	fmt.Println(c != nil, err)
	c, err = o.Agree(nil)
	fmt.Println(c == nil, err)
	// Output:
	// true
	// true <nil>
	// true <nil>
}
