package handshake

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// writeTimeout bounds the one write of the response, which fits into the buffer of any socket
// that is not stuck already.
const writeTimeout = 5 * time.Second

// Hijack answers the opening handshake that an http.Server received, and takes the connection
// over from it. The request goes through the same checks, hooks and limits as one that arrives
// in bytes: it is written down again and given to [Request.Receive] and [Upgrader.AppendResponse]. So
// hooks see the target as the client sent it, whatever a router made of r.URL.
//
// On success the response has been sent and nc is the caller's, without deadlines. rest is what
// the client sent after its request; it is the caller's too and comes before what is read from
// nc. agreed has Subprotocol and Extensions, and everything else about the request; it belongs
// to the caller.
//
// On error w has been answered, or the connection is closed if it was taken over already. The
// error is an *[Error] if the handshake was refused.
func (u *Upgrader) Hijack(w http.ResponseWriter, r *http.Request) (nc net.Conn, rest []byte, agreed *Request, err error) {
	req, err := u.receiveHTTP(r)
	if err != nil {
		return nil, nil, nil, refuse(w, err)
	}
	response, err := u.appendSwitch(make([]byte, 0, 512), req)
	if err != nil {
		return nil, nil, nil, refuse(w, err)
	}
	nc, brw, err := http.NewResponseController(w).Hijack() // unwraps what wraps w
	if err != nil {
		return nil, nil, nil, refuse(w, internal(fmt.Errorf("taking the connection from net/http: %w", err)))
	}
	// The bytes are copied, so that the reader's buffer can go.
	if n := brw.Reader.Buffered(); n > 0 {
		b, _ := brw.Reader.Peek(n)
		rest = append(make([]byte, 0, n), b...)
	}
	// The server's own ReadTimeout and WriteTimeout were meant for HTTP.
	nc.SetDeadline(time.Time{})
	nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err = nc.Write(response); err != nil {
		nc.Close()
		return nil, nil, nil, fmt.Errorf("handshake: sending the response: %w", err)
	}
	nc.SetWriteDeadline(time.Time{})
	return nc, rest, req, nil
}

// receiveHTTP writes r down as it came and receives it.
func (u *Upgrader) receiveHTTP(r *http.Request) (*Request, error) {
	if r.ProtoMajor >= 2 {
		return nil, ErrHTTP2
	}
	b, err := appendHTTP(make([]byte, 0, 1024), r)
	if err != nil {
		return nil, err
	}
	req := &Request{Limits: &u.Limits, RemoteAddr: remoteAddr(r.RemoteAddr), TLS: r.TLS != nil}
	_, _, err = req.Receive(b)
	return req, err
}

// appendHTTP appends r as a client sent it, but for the order of the headers. What a middleware
// has put into r is no better than what a client sends: nothing in it may end a line.
func appendHTTP(b []byte, r *http.Request) ([]byte, error) {
	target := r.RequestURI
	if target == "" { // not from a server
		target = r.URL.RequestURI()
	}
	line := r.Method + " " + target + " " + r.Proto
	if !isFieldValue([]byte(line)) {
		return nil, ErrRequestLine
	}
	b = append(append(b, line...), "\r\n"...)
	good := true
	add := func(name, value string) {
		good = good && isToken(name) && isFieldValue([]byte(value))
		b = appendHeader(b, name, value)
	}
	if r.Host != "" {
		add("Host", r.Host)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			add(name, v)
		}
	}
	// net/http has taken these out.
	for _, v := range r.TransferEncoding {
		add("Transfer-Encoding", v)
	}
	if r.ContentLength != 0 && r.Header.Get("Content-Length") == "" {
		add("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if !good {
		return nil, ErrHeader
	}
	return append(b, "\r\n"...), nil
}

// refuse sends the refusal through w and returns it.
func refuse(w http.ResponseWriter, err error) error {
	e := refusal(err)
	body := e.appendBody(nil)
	for name, value := range e.headers(len(body)) {
		w.Header().Add(name, value)
	}
	w.WriteHeader(e.Status)
	w.Write(body)
	return e
}

// A textAddr is a remote address that a middleware wrote.
type textAddr string

func (a textAddr) Network() string { return "tcp" }
func (a textAddr) String() string  { return string(a) }

func remoteAddr(s string) net.Addr {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return net.TCPAddrFromAddrPort(a)
	}
	return textAddr(s)
}
