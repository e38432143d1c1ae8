package conn

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/idlewire/idlewire/handshake"
)

// RFC 6455, section 4.1: "if the user agent is configured to use a proxy ... the client SHOULD connect to that proxy and ask it to open a TCP connection
// to the host given by /host/ and the port given by /port/." That is CONNECT (RFC 9110, section 9.3.6), for ws as for wss.

// proxyFor returns the proxy that leads to u, or nil.
func (d *Dialer) proxyFor(u *url.URL) (*url.URL, error) {
	ask := d.Proxy
	if ask == nil {
		ask = func(u *url.URL) (*url.URL, error) { return http.ProxyFromEnvironment(&http.Request{URL: u}) }
	}
	proxy, err := ask(asHTTP(u))
	if err != nil {
		return nil, fmt.Errorf("choosing a proxy: %w", err)
	}
	if proxy == nil {
		return nil, nil
	}
	switch strings.ToLower(proxy.Scheme) {
	case "http", "https":
		return proxy, nil
	}
	return nil, fmt.Errorf("proxy with scheme %q: expected http or https; others go through Dialer.NetDial", proxy.Scheme)
}

var errProxySpoke = errors.New("sent data before the tunnel was used")

// tunnel opens a connection to addr through proxy.
func (d *Dialer) tunnel(ctx context.Context, proxy *url.URL, addr string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err) // not its user information
	}
	nc, err := d.netDial(ctx, address(proxy))
	if err != nil {
		return fail(err)
	}
	if strings.EqualFold(proxy.Scheme, "https") {
		if nc, err = startTLS(ctx, nc, d.ProxyTLS, proxy.Hostname()); err != nil {
			return fail(err)
		}
	}
	stop := interrupt(ctx, nc)
	response, rest, err := exchange(nc, connectRequest(proxy, addr))
	switch {
	case err != nil:
	case response.Status == http.StatusSwitchingProtocols:
		err = handshake.ErrResponse // nobody asked for that
	case response.Status/100 != 2:
		err = new(handshake.Offer).Check(response)
		readBody(nc, response, rest, err)
	case len(rest) > 0:
		err = errProxySpoke // neither TLS nor HTTP lets a server speak first
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = nc.SetDeadline(noDeadline)
	}
	if err != nil {
		nc.Close()
		return fail(err)
	}
	return nc, nil
}

// connectRequest returns the request for a tunnel to addr, a host and port that stood in a checked URL.
func connectRequest(proxy *url.URL, addr string) []byte {
	b := fmt.Appendf(nil, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", addr, addr)
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		b = append(b, "Proxy-Authorization: Basic "...)
		b = base64.StdEncoding.AppendEncode(b, []byte(u.Username()+":"+password)) // RFC 7617
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}
