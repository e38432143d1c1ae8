package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/handshake"
)

// A Dialer says how to open connections as a client. The zero Dialer is ready to use, as a nil one is. It must not
// change while a Dial is in progress.
type Dialer struct {
	// Options of the connection. HandshakeTimeout limits all of Dial: name, proxy, TLS, opening handshake, redirects.
	Options Options

	// Header is sent with the opening handshake, whose own headers it may not contain. Cookies of the program go here, or into Jar.
	Header http.Header

	// Jar, if set, gives cookies and takes them. It sees ws as http, and wss as https.
	Jar http.CookieJar

	// Origin is sent, if not empty. Browsers always do; other clients rarely need to.
	Origin string

	// Subprotocols are offered in this order of preference.
	Subprotocols []string

	// TLS is for wss. If nil, or where it leaves them open: certificates are verified against the system's roots and the name that was dialled, and
	// HTTP/1.1 is asked for. Versions below TLS 1.2 are not spoken.
	TLS *tls.Config

	// NetDial opens the transport, to the server or to the proxy; network is "tcp" and addr is host:port. If nil, that is net.Dialer's
	// DialContext. This is the place for SOCKS, unix sockets, tunnels, names of one's own. It has to obey ctx.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Proxy says which HTTP proxy leads to a URL; nil for none. It is asked for http where ws is dialled, and for https where it is wss.
	// If Proxy is nil, the environment decides: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as in http.ProxyFromEnvironment. Both ws and wss go through
	// a tunnel, by CONNECT. The user information of the proxy's URL is sent to the proxy.
	Proxy func(*url.URL) (*url.URL, error)

	// ProxyTLS is for proxies with an https URL, as TLS is for servers.
	ProxyTLS *tls.Config

	// MaxRedirects is how many redirects Dial follows. By default it follows none. To another origin (scheme, host and port), Authorization, Cookie
	// and Proxy-Authorization of Header and the user information of the URL are not sent. From wss to ws Dial does not go.
	MaxRedirects int
}

// Dial opens a connection to a URL with scheme ws or wss, as a client. A nil d is all defaults. User information in the URL is
// sent as basic authorization.
//
// ctx limits Dial, and has no meaning for the connection that it returns; Options.HandshakeTimeout limits it, too. If the server, or a proxy, refuses,
// the error is a *handshake.Error with the status, the headers and at most 1 KiB of the body. If ctx or the time ended, it is ctx.Err() or
// context.DeadlineExceeded. What cannot be sent, as a header with a line break, is an error before anything is dialled.
func Dial(ctx context.Context, url string, d *Dialer) (*Conn, error) {
	if d == nil {
		d = new(Dialer)
	}
	c, err := d.dial(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("conn: dial: %w", err)
	}
	return c, nil
}

func (d *Dialer) dial(ctx context.Context, raw string) (*Conn, error) {
	if t := d.Options.handshakeTimeout(); t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	u, err := handshake.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	target := hop{u, d.Header}
	for followed := 0; ; followed++ {
		c, err := d.try(ctx, target)
		if err == nil {
			return c, nil
		}
		if e := ctx.Err(); e != nil && !errors.As(err, new(*handshake.Error)) {
			return nil, fmt.Errorf("%s: %w", target.url.Host, e)
		}
		refusal, ok := err.(*handshake.Error) // of the server: that of a proxy is wrapped
		if !ok || d.MaxRedirects <= 0 || !isRedirect(refusal) {
			return nil, err
		}
		if followed == d.MaxRedirects {
			return nil, fmt.Errorf("after %d redirects: %w", followed, err)
		}
		if target, err = target.redirect(refusal); err != nil {
			return nil, err
		}
	}
}

// try dials once.
func (d *Dialer) try(ctx context.Context, h hop) (*Conn, error) {
	offer := handshake.Offer{URL: h.url, Origin: d.Origin, Subprotocols: d.Subprotocols, Header: d.withCookies(h)}
	z := d.Options.Compression
	if z != nil {
		offer.Extensions = z.Offers()
	}
	request, err := offer.AppendRequest(nil)
	if err != nil {
		return nil, err
	}
	nc, err := d.connect(ctx, h.url)
	if err != nil {
		return nil, err
	}
	stop := interrupt(ctx, nc)
	response, rest, err := exchange(nc, request)
	if err == nil {
		err = offer.Check(response)
	}
	if err == nil || response.Status != 0 {
		d.keepCookies(h.url, response)
	}
	if err != nil {
		readBody(nc, response, rest, err)
	}
	a := agreed{subprotocol: response.Subprotocol, extensions: slices.Clone(response.Extensions)}
	if err == nil && z != nil {
		a.compressor, err = z.Agree(a.extensions)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = nc.SetDeadline(noDeadline)
	}
	if err != nil {
		a.release()
		nc.Close()
		return nil, err
	}
	o := d.Options
	return newConn(nc, Client, &o, bytes.Clone(rest), a), nil
}

// interrupt makes calls of nc fail when ctx is done. It returns a function that ends that, and reports whether ctx was not done.
func interrupt(ctx context.Context, nc net.Conn) func() bool {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { nc.SetDeadline(longAgo) })
}

// exchange sends request and receives the head of the response. rest is what followed it: frames after a 101, which must not be lost, else
// the beginning of a body.
func exchange(nc net.Conn, request []byte) (r *handshake.Response, rest []byte, err error) {
	r = new(handshake.Response)
	if _, err := nc.Write(request); err != nil {
		return r, nil, fmt.Errorf("sending the request: %w", err)
	}
	b := make([]byte, 4<<10)
	for {
		n, err := nc.Read(b)
		if n == 0 && err != nil {
			return r, nil, fmt.Errorf("waiting for the response: %w", eofIsUnexpected(err))
		}
		rest, done, err := r.Receive(b[:n])
		if err != nil || done {
			return r, rest, err
		}
	}
}

// readBody adds to a refusal what the server has to say about it.
func readBody(nc net.Conn, r *handshake.Response, rest []byte, err error) {
	var e *handshake.Error
	if !errors.As(err, &e) || r.Status == 0 || r.Status == http.StatusSwitchingProtocols {
		return // there was no response, or it is not e's
	}
	b := make([]byte, handshake.MaxBody)
	for done := r.ReceiveBody(rest); !done; {
		n, err := nc.Read(b)
		done = r.ReceiveBody(b[:n]) || err != nil
	}
	e.Body = bytes.Clone(r.Body())
}

// connect opens the transport to u, through a proxy and with TLS as need be.
func (d *Dialer) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	proxy, err := d.proxyFor(u)
	if err != nil {
		return nil, err
	}
	var nc net.Conn
	if proxy != nil {
		nc, err = d.tunnel(ctx, proxy, address(u))
	} else {
		nc, err = d.netDial(ctx, address(u))
	}
	if err == nil && strings.EqualFold(u.Scheme, "wss") {
		return startTLS(ctx, nc, d.TLS, u.Hostname())
	}
	return nc, err
}

func (d *Dialer) netDial(ctx context.Context, addr string) (net.Conn, error) {
	if d.NetDial != nil {
		return d.NetDial(ctx, "tcp", addr)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// address returns the host and port of u.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		switch strings.ToLower(u.Scheme) {
		case "wss", "https":
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// startTLS makes nc a TLS connection to the server called host, and closes nc if it cannot.
func startTLS(ctx context.Context, nc net.Conn, config *tls.Config, host string) (net.Conn, error) {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" {
		host, _, _ = strings.Cut(host, "%") // the zone of an address is our own business
		config.ServerName = host
	}
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"http/1.1"}
	}
	t := tls.Client(nc, config)
	if err := t.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	return t, nil
}
