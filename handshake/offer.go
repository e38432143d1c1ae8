package handshake

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An Offer is an opening handshake as a client sends it (RFC 6455 section 4.1), and the check
// of the answer. Only URL is needed. AppendRequest and Check belong to one connection: an Offer
// that is used again, for a new connection, begins with AppendRequest.
type Offer struct {
	// URL is where to connect to, as ParseURL returns it. User information in it is sent as
	// "Authorization: Basic", unless Header has an Authorization.
	URL *url.URL
	// Host is sent in place of the host and port of URL, if not empty.
	Host string
	// Origin is sent as the Origin header, if not empty.
	Origin string
	// Subprotocols are offered in this order of preference. Each is a token, none comes twice.
	Subprotocols []string
	// Extensions are offered in this order of preference.
	Extensions []Extension
	// Header is sent besides the headers of the handshake, which it may not contain. Cookies go
	// here.
	Header http.Header
	// Key is sent as Sec-WebSocket-Key. Leave it empty, for a fresh one from crypto/rand with
	// each AppendRequest; it is here for tests.
	Key string

	sent [keySize]byte
}

// ParseURL parses the URI of a WebSocket (RFC 6455 section 3): scheme ws or wss, a host, and no
// fragment.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(escape(raw)) // else "ä" in a path would cost us "%2F" in it
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	if strings.Contains(raw, "#") {
		return nil, errFragment
	}
	if strings.Contains(raw, " ") {
		return nil, errTarget // net/url would take it, and send it as %20 or not at all
	}
	if _, _, err := target(u, ""); err != nil {
		return nil, err
	}
	return u, nil
}

var (
	errScheme   = errors.New("handshake: expected a URL with scheme ws or wss")
	errFragment = errors.New("handshake: a WebSocket URL has no fragment; '#' in a path is written %23") // 3
	errHost     = errors.New("handshake: expected a URL with an ASCII host name or address, and port 1 to 65535 if any")
	errTarget   = errors.New("handshake: URL has a path or query that cannot be sent")
)

// target returns what goes into the request line and the Host header, checked.
func target(u *url.URL, host string) (resource, authority string, err error) {
	var port string
	switch {
	case u == nil:
		return "", "", errScheme
	case strings.EqualFold(u.Scheme, "ws"):
		port = ":80"
	case strings.EqualFold(u.Scheme, "wss"):
		port = ":443"
	default:
		return "", "", errScheme
	}
	if u.Fragment != "" {
		return "", "", errFragment
	}
	if host == "" {
		// The zone of an address is nobody else's business (RFC 6874 1).
		host = u.Host
		if i := strings.IndexByte(host, '%'); i >= 0 && host[0] == '[' {
			if j := strings.IndexByte(host, ']'); j > i {
				host = host[:i] + host[j:]
			}
		}
		// 4.1: "when not using the default port". Whole, because of "a:1:", which net/url takes for a host called "a:1".
		if !isAuthority([]byte(host)) {
			return "", "", errHost
		}
		host = strings.TrimSuffix(strings.TrimSuffix(host, port), ":")
	}
	if !isAuthority([]byte(host)) {
		return "", "", errHost
	}
	if u.Opaque != "" {
		return "", "", errTarget
	}
	resource = escape(u.RequestURI())
	if !isTarget(resource) {
		return "", "", errTarget
	}
	return resource, host, nil
}

// escape writes octets above 127, which people put into queries, as RFC 3986 wants them.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	i := 0
	for i < len(s) && s[i] < 0x80 {
		i++
	}
	if i == len(s) {
		return s
	}
	b := []byte(s[:i])
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x80 {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// AppendRequest appends the request to dst. It returns dst and an error if something that the
// program supplied cannot be sent: CR, LF, NUL, another control or a space where none may be,
// what has to be a token and is none, or a header that belongs to the handshake. Nothing is
// retained of dst.
func (o *Offer) AppendRequest(dst []byte) ([]byte, error) {
	b, err := o.appendRequest(dst)
	if err != nil {
		return dst, err
	}
	return b, nil
}

func (o *Offer) appendRequest(b []byte) ([]byte, error) {
	resource, host, err := target(o.URL, o.Host)
	if err != nil {
		return nil, err
	}
	if o.Key == "" {
		appendKey(o.sent[:0])
	} else if !validKey([]byte(o.Key)) {
		return nil, errors.New("handshake: Key is not the base64 of 16 octets")
	} else {
		copy(o.sent[:], o.Key)
	}
	b = append(append(append(b, "GET "...), resource...), " HTTP/1.1\r\n"...)
	b = appendHeader(b, "Host", host)
	b = append(b, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "...)
	b = append(append(b, o.sent[:]...), "\r\n"...)
	if o.Origin != "" {
		if !isFieldValue([]byte(o.Origin)) || strings.ContainsAny(o.Origin, " \t") || has(o.Header, "Origin") {
			return nil, errors.New("handshake: Origin has a space or a control character, or is in Header too")
		}
		b = appendHeader(b, "Origin", o.Origin)
	}
	for i, s := range o.Subprotocols {
		if !isToken(s) || slices.Contains(o.Subprotocols[:i], s) {
			return nil, fmt.Errorf("handshake: subprotocol %q is not a token, or comes twice", s)
		}
	}
	if len(o.Subprotocols) > 0 {
		b = appendHeader(b, "Sec-WebSocket-Protocol", strings.Join(o.Subprotocols, ", "))
	}
	if len(o.Extensions) > 0 {
		b = append(b, "Sec-WebSocket-Extensions: "...)
		if b, err = AppendExtensions(b, o.Extensions); err != nil {
			return nil, err
		}
		b = append(b, "\r\n"...)
	}
	if u := o.URL.User; u != nil && !has(o.Header, "Authorization") {
		if strings.Contains(u.Username(), ":") {
			return nil, errors.New("handshake: user name has a colon") // RFC 7617 2
		}
		password, _ := u.Password()
		b = append(b, "Authorization: Basic "...) // RFC 7617
		b = base64.StdEncoding.AppendEncode(b, []byte(u.Username()+":"+password))
		b = append(b, "\r\n"...)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Header)) {
		if equalFold(name, "host") {
			return nil, errors.New("handshake: Host is set by URL or Offer.Host, not in Header")
		}
		for _, v := range o.Header[name] {
			if err := checkHeader(name, v); err != nil {
				return nil, err
			}
			b = appendHeader(b, name, v)
		}
	}
	return append(b, "\r\n"...), nil
}

// Check checks the response to the request last made by AppendRequest (4.1), for which Receive
// said done, and sets r.Subprotocol and r.Extensions. The error is an *[Error]. If its Status is
// not 101 the server refused, and Header is what it sent; [Response.ReceiveBody] reads the body.
// After an error what follows the response is not frames.
func (o *Offer) Check(r *Response) error {
	switch {
	case r.err != nil:
		return r.err
	case !r.done:
		return ErrResponse
	case r.Status != http.StatusSwitchingProtocols:
		return &Error{Status: r.Status, Header: r.headers(), text: "server refused the opening handshake"}
	case !r.http11:
		return ErrResponseHTTP
	}
	// RFC 9112 6.1: a 101 has neither. As with requests, a length of 0 leaves no doubt.
	if v, n := r.only("Content-Length"); n > 1 || n == 1 && string(v) != "0" || r.Header("Transfer-Encoding") != nil {
		return ErrResponseBody
	}
	if v, n := r.only("Upgrade"); n != 1 || !equalFold(v, "websocket") {
		return ErrResponseUpgrade
	}
	upgrade := false
	for v := range r.Values("Connection") {
		upgrade = upgrade || hasElement(v, "upgrade")
	}
	if !upgrade {
		return ErrResponseConnection
	}
	var want [acceptSize]byte
	AppendAccept(want[:0], o.sent[:])
	if v, n := r.only("Sec-WebSocket-Accept"); n != 1 || string(v) != string(want[:]) {
		return ErrResponseAccept
	}
	v, n := r.only("Sec-WebSocket-Protocol")
	i := slices.Index(o.Subprotocols, string(v))
	if n > 1 || n == 1 && i < 0 {
		return ErrResponseSubprotocols
	}
	var agreed []Extension
	for v := range r.Values("Sec-WebSocket-Extensions") {
		var ok bool
		if agreed, _, ok = parseExtensions(agreed, v, len(agreed), true); !ok {
			return ErrResponseExtensions
		}
	}
	if firstNotOffered(agreed, o.Extensions) != "" {
		return ErrResponseExtensions
	}
	if n == 1 {
		r.Subprotocol = o.Subprotocols[i]
	}
	r.Extensions = agreed
	return nil
}

// only returns the value of the header called name, and how many of them there are.
func (r *Response) only(name string) (value []byte, n int) {
	for v := range r.Values(name) {
		value = v
		n++
	}
	return value, n
}
