package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/fuzz"
	"github.com/idlewire/idlewire/handshake"
)

// offers are what sessions offer of permessage-deflate, in turn; "" is nothing.
var offers = [...]string{
	"",
	"permessage-deflate; client_max_window_bits",
	"permessage-deflate",
	"permessage-deflate; client_no_context_takeover; server_no_context_takeover",
	"permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
}

// A source makes connections to the endpoint under test.
type source interface {
	// open returns the next connection. The error is an *openingError if the endpoint's opening handshake is wrong, and else one of the network.
	open(ctx context.Context, offer string, patience time.Duration) (*link, error)
	role() fuzz.Role
}

// An openingError is what is wrong with an opening handshake.
type openingError struct {
	status int // of the response; 101: it would be one, but for something; 0: none that can be read
	text   string
	got    []byte
}

func (e *openingError) Error() string { return e.text }

// A dialer is the source that goes to a server.
type dialer struct{ url *url.URL }

func (d *dialer) role() fuzz.Role { return fuzz.Server }

// address returns host and port of the server.
func (d *dialer) address() string {
	port := d.url.Port()
	if port == "" {
		port = "80"
		if d.url.Scheme == "wss" {
			port = "443"
		}
	}
	return net.JoinHostPort(d.url.Hostname(), port)
}

func (d *dialer) open(ctx context.Context, offer string, patience time.Duration) (*link, error) {
	nc, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", d.address())
	if err != nil {
		return nil, err
	}
	if d.url.Scheme == "wss" {
		// Certificates are not verified: those of test servers seldom can be, and nothing is said that is a secret.
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true, ServerName: d.url.Hostname(), NextProtos: []string{"http/1.1"}})
	}
	nc.SetDeadline(time.Now().Add(patience))
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	l, err := d.shake(nc, offer)
	if err != nil {
		nc.Close()
		return nil, err
	}
	nc.SetDeadline(time.Time{})
	go l.read()
	return l, nil
}

// shake makes the opening handshake (4.1).
func (d *dialer) shake(nc net.Conn, offer string) (*link, error) {
	o := handshake.Offer{URL: d.url}
	if offer != "" {
		exts, err := handshake.ParseExtensions(nil, []byte(offer))
		if err != nil {
			return nil, err
		}
		o.Extensions = exts
	}
	request, err := o.AppendRequest(nil)
	if err != nil {
		return nil, err
	}
	if _, err := nc.Write(request); err != nil {
		return nil, err
	}
	var r handshake.Response
	var got []byte
	b := make([]byte, 4096)
	for {
		n, err := nc.Read(b)
		got = append(got, b[:n]...)
		rest, done, bad := r.Receive(b[:n])
		switch {
		case bad != nil:
			return nil, &openingError{0, bad.Error(), got}
		case done:
			if err := o.Check(&r); err != nil {
				return nil, &openingError{r.Status, err.Error(), got}
			}
			l := newLink(nc, append([]byte(nil), rest...))
			l.offer = offer
			if l.to, l.from, err = agreedOn(&o, &r); err != nil {
				return nil, &openingError{101, err.Error(), got}
			}
			return l, nil
		case err != nil && len(got) > 0:
			return nil, &openingError{0, "the response ends before its head does", got}
		case err != nil:
			return nil, fmt.Errorf("no response to the opening handshake: %w", err)
		}
	}
}

// agreedOn returns the compression of each direction, and what is wrong with the server's answer to the offer (RFC 7692, 7.1).
func agreedOn(o *handshake.Offer, r *handshake.Response) (to, from *fuzz.Deflate, err error) {
	if len(r.Extensions) == 0 {
		return nil, nil, nil
	}
	offered, _ := deflate.ParseParams(o.Extensions[0])
	p, ok := deflate.ParseParams(r.Extensions[0])
	most := offered.ServerMaxWindowBits
	switch {
	case len(r.Extensions) > 1:
		return nil, nil, errors.New("server agrees to permessage-deflate twice")
	case !ok || p.ClientMaxWindowBits == deflate.Any:
		return nil, nil, errors.New("parameters of permessage-deflate are ill-formed")
	case p.ClientMaxWindowBits != 0 && offered.ClientMaxWindowBits == 0: // 7.1.2.2: "the server MUST NOT include"
		return nil, nil, errors.New("server names client_max_window_bits, which was not offered")
	case most != 0 && (p.ServerMaxWindowBits == 0 || p.ServerMaxWindowBits > most):
		return nil, nil, fmt.Errorf("server agrees to an offer of server_max_window_bits=%d, and not to the window", most)
	case offered.ServerNoContextTakeover && !p.ServerNoContextTakeover: // 7.1.1.1
		return nil, nil, errors.New("server agrees to an offer of server_no_context_takeover, and does not say so")
	}
	// 7.1.1.2 and 7.1.2.2: what the client offers of its own direction it keeps to, whatever the server answers.
	to = &fuzz.Deflate{Bits: orElse(p.ClientMaxWindowBits, 15), Takeover: !p.ClientNoContextTakeover && !offered.ClientNoContextTakeover}
	if offered.ClientMaxWindowBits > 0 {
		to.Bits = min(to.Bits, offered.ClientMaxWindowBits)
	}
	from = &fuzz.Deflate{Bits: orElse(p.ServerMaxWindowBits, 15), Takeover: !p.ServerNoContextTakeover}
	return to, from, nil
}
