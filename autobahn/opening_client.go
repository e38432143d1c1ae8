package autobahn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/handshake"
)

// userAgent is how the runner names itself.
const userAgent = "idlewire-wstest/1"

// maxRefusal is how many octets of a response are kept for the report.
const maxRefusal = 32 << 10

// dial connects to the target. The error is one of the network.
func dial(ctx context.Context, t *Target, config *tls.Config) (net.Conn, error) {
	u, err := handshake.ParseURL(t.URL)
	if err != nil {
		return nil, err
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", address(u))
	if err != nil || u.Scheme != "wss" {
		return nc, err
	}
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	if t.Hostname != "" {
		config.ServerName = t.Hostname
	}
	return tls.Client(nc, config), nil
}

// address returns host and port of u.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "wss" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// open makes the opening handshake for a case. If it fails the result says so, and is complete but for Agent and Number. Agent is the server's name as it gave it, or "".
func open(ctx context.Context, nc net.Conn, t *Target, c *Case) (o opening, agent string, failed *Result) {
	began := time.Now()
	o.nc = nc
	nc.SetDeadline(began.Add(t.Options.openingTime()))
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	agent, err := o.open(t, c)
	if err == nil {
		nc.SetDeadline(time.Time{})
		return o, agent, nil
	}
	nc.Close()
	return o, agent, o.failed(t, c, began, err)
}

// failed is the result of a case whose opening handshake failed with err.
func (o *opening) failed(t *Target, c *Case, began time.Time, err error) *Result {
	r := newSession(c, true, t.Options, nil).r
	r.BehaviorClose, r.ReasonClose = Failed, "the connection was never open"
	r.Opened, r.DroppedByMe = false, true
	r.Started, r.Duration = began, time.Since(began)
	r.HTTPRequest, r.HTTPResponse = o.request, o.response
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		r.OpenHandshakeTimeout = true
		err = errors.New("no response to the opening handshake in time")
	}
	r.WasNotCleanReason = err.Error()
	judge(r)
	r.Reason = "the opening handshake failed: " + err.Error()
	return r
}

func (o *opening) open(t *Target, c *Case) (agent string, err error) {
	u, err := handshake.ParseURL(t.URL)
	if err != nil {
		return "", err
	}
	offer := handshake.Offer{
		URL:          u,
		Host:         address(u),
		Origin:       t.Origin,
		Subprotocols: t.Protocols,
		Header:       http.Header{"User-Agent": {userAgent}, "Pragma": {"no-cache"}, "Cache-Control": {"no-cache"}},
	}
	if c.Compression != nil {
		offer.Extensions = deflate.Offers(c.Compression.Profile)
	}
	request, err := offer.AppendRequest(nil)
	if err != nil {
		return "", err
	}
	request = withVersion(request, t.Options.Version)
	o.request = string(request)
	if _, err := o.nc.Write(request); err != nil {
		return "", fmt.Errorf("writing the request: %w", err)
	}
	var response handshake.Response
	var head []byte
	buf := make([]byte, 4096)
	for done := false; !done; {
		n, err := o.nc.Read(buf)
		if n == 0 {
			o.response = string(head)
			return "", fmt.Errorf("reading the response: %w", err)
		}
		head = append(head, buf[:n]...)
		var rest []byte
		if rest, done, err = response.Receive(buf[:n]); err != nil {
			o.response = string(head[:min(len(head), maxRefusal)])
			return "", err
		}
		o.rest = append([]byte(nil), rest...)
		o.response = string(head[:len(head)-len(rest)])
	}
	agent = string(response.Header("Server"))
	if err := offer.Check(&response); err != nil {
		if response.Status != http.StatusSwitchingProtocols {
			err = fmt.Errorf("status %s: %w", strconv.Itoa(response.Status), err)
		}
		return agent, err
	}
	if o.deflate, err = deflate.Agreed(response.Extensions); err != nil {
		return agent, err
	}
	return agent, nil
}

// withVersion turns a request of RFC 6455 into one of the draft that version stands for: 10 to 12 put version 8 on the wire, and had an origin header of their own.
func withVersion(request []byte, version int) []byte {
	if version == 0 || version >= 13 {
		return request
	}
	request = bytes.Replace(request, []byte("\r\nSec-WebSocket-Version: 13\r\n"), []byte("\r\nSec-WebSocket-Version: 8\r\n"), 1)
	return bytes.Replace(request, []byte("\r\nOrigin: "), []byte("\r\nSec-WebSocket-Origin: "), 1)
}
