package handshake

import (
	"errors"
	"fmt"
)

// An Upgrader is the policy of a server: which opening handshakes it accepts, and what it
// answers. The zero value accepts what comes from the same origin or from no browser, without
// subprotocol and extensions. It must not be modified while it is in use, and may then be used
// by any number of goroutines.
//
// Requests go through these steps; the first refusal ends it: the protocol checks of
// [Request.Receive], the origin, Hook.
type Upgrader struct {
	// Limits bound requests; drivers point Request.Limits here.
	Limits Limits

	// Subprotocols are those that the server speaks. The first in the client's list, which is
	// in the client's order of preference, that is among them is chosen; if there is none,
	// the connection goes on without.
	Subprotocols []string

	// Origins are those from which browsers may connect, such as "https://example.com". Empty
	// means the host and port to which the request itself went (RFC 6455 section 10.2). If
	// not empty the server's own origin has to be listed as well. There are no wildcards;
	// scheme and host are compared in either case, an absent port is that of the scheme.
	Origins []string
	// RequireOrigin refuses requests without an Origin header. Browsers always send it,
	// other clients rarely do.
	RequireOrigin bool
	// CheckOrigin, if set, decides in place of Origins, also on requests without Origin (but
	// RequireOrigin comes first).
	CheckOrigin func(r *Request) bool

	// Extensions, if set, is given what the client offers, in the client's order, and returns
	// what the server agrees to, with the parameters of the response. It may return only names
	// that were offered, each once. It is not called when nothing is offered, and comes last,
	// when the connection is otherwise accepted.
	Extensions func(r *Request, offers []Extension) []Extension

	// Hook, if set, sees each request that has passed the checks. It may add headers to the
	// response with r.AddHeader, change r.Subprotocol, or refuse by returning an error: an
	// *[Error] chooses status (200 to 599), headers and body; any other error is a bare 500,
	// and its text stays here. The Request is lent until Hook returns.
	Hook func(r *Request) error
}

// AppendResponse appends to dst the answer to r, for which Receive said done: the response
// that accepts it (status 101), and r.Subprotocol and r.Extensions are set; or, with an
// error, a complete refusal, after which the connection is to be closed. The error is always an
// *[Error]; what a Hook returned is it, or is wrapped in it. dst and r must not overlap.
func (u *Upgrader) AppendResponse(dst []byte, r *Request) ([]byte, error) {
	b, err := u.appendSwitch(dst, r)
	if err != nil {
		r.Subprotocol, r.Extensions = "", nil
		e := refusal(err)
		return AppendRefusal(dst, e), e
	}
	return b, nil
}

var errIncomplete = errors.New("response to a request that is not complete")

func (u *Upgrader) appendSwitch(dst []byte, r *Request) ([]byte, error) {
	switch {
	case r.err != nil:
		return nil, r.err
	case !r.done:
		return nil, internal(errIncomplete)
	}
	r.Subprotocol, r.Extensions = "", nil
	if !u.allowsOrigin(r) {
		return nil, ErrOrigin
	}
	r.Subprotocol = u.chooseSubprotocol(r)

	// 4.2.2
	r.out = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	r.out = append(AppendAccept(r.out, r.slice(r.key)), "\r\n"...)
	r.outErr = nil
	defer func() { r.out = nil }()
	if u.Hook != nil {
		if err := u.Hook(r); err != nil {
			return nil, err
		}
		if r.Subprotocol != "" && !r.offers(r.Subprotocol) {
			return nil, internal(fmt.Errorf("subprotocol %q was not offered", r.Subprotocol))
		}
	}
	if r.Subprotocol != "" {
		r.out = append(append(append(r.out, "Sec-WebSocket-Protocol: "...), r.Subprotocol...), "\r\n"...)
	}
	if u.Extensions != nil && r.extensions > 0 {
		if err := u.agree(r); err != nil {
			return nil, internal(err)
		}
	}
	if r.outErr != nil {
		return nil, internal(r.outErr)
	}
	return append(r.out, "\r\n"...), nil
}

// chooseSubprotocol returns the first that the client offers and u speaks, or "". What it
// returns comes from u, never from the request.
func (u *Upgrader) chooseSubprotocol(r *Request) string {
	if len(u.Subprotocols) == 0 || r.saw&sawSubprotocol == 0 {
		return ""
	}
	for list := range r.Values("Sec-WebSocket-Protocol") {
		for len(list) > 0 {
			var e []byte
			e, list = cutElement(list)
			for _, s := range u.Subprotocols {
				if len(e) > 0 && string(e) == s {
					return s
				}
			}
		}
	}
	return ""
}

// agree appends the extensions that the program picks among those offered (9.1).
func (u *Upgrader) agree(r *Request) (err error) {
	var offers []Extension
	for v := range r.Values("Sec-WebSocket-Extensions") {
		offers, _, _ = parseExtensions(offers, v, len(offers), true)
	}
	agreed := u.Extensions(r, offers)
	if len(agreed) == 0 {
		return nil
	}
	if e := firstNotOffered(agreed, offers); e != "" {
		return fmt.Errorf("extension %q was not offered, or is agreed to twice", e)
	}
	b := append(r.out, "Sec-WebSocket-Extensions: "...)
	if b, err = AppendExtensions(b, agreed); err != nil {
		return err
	}
	r.out, r.Extensions = append(b, "\r\n"...), agreed
	return nil
}

// firstNotOffered returns the name of the first extension in agreed that is not in offers or
// that comes a second time, or "". Both lists are short.
func firstNotOffered(agreed, offers []Extension) string {
	has := func(list []Extension, name string) bool {
		for _, e := range list {
			if e.Name == name {
				return true
			}
		}
		return false
	}
	for i, e := range agreed {
		if !has(offers, e.Name) || has(agreed[:i], e.Name) {
			return e.Name
		}
	}
	return ""
}

// AddHeader adds a header to the response. It is for hooks, while AppendResponse runs. The
// error says that name is no token, that value has a control character, or that the header
// belongs to the handshake itself; then the peer gets status 500 even if the hook goes on.
func (r *Request) AddHeader(name, value string) error {
	err := checkHeader(name, value)
	if err == nil && r.out == nil {
		err = errors.New("handshake: AddHeader outside of a hook")
	}
	if err != nil {
		r.outErr = err
		return err
	}
	r.out = appendHeader(r.out, name, value)
	return nil
}

func appendHeader(dst []byte, name, value string) []byte {
	return append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
}

// checkHeader checks a header that the program wants to send. Nothing that could end the line,
// or take the place of what frames the message or makes the handshake, goes out.
func checkHeader(name, value string) error {
	switch {
	case !isToken(name):
		return fmt.Errorf("handshake: header name %q is not a token", name)
	case !isFieldValue([]byte(value)):
		return fmt.Errorf("handshake: value of header %s has a control character: %q", name, value)
	case isOurs(name):
		return fmt.Errorf("handshake: header %s belongs to the handshake", name)
	}
	return nil
}

func isOurs(name string) bool {
	const ws = "sec-websocket-"
	return equalFold(name, "connection") || equalFold(name, "upgrade") ||
		equalFold(name, "content-length") || equalFold(name, "transfer-encoding") ||
		len(name) >= len(ws) && equalFold(name[:len(ws)], ws)
}
