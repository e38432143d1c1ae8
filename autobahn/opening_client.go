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
	"strings"
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
	key := newKey()
	offer := handshake.Offer{
		URL:          u,
		Key:          key,
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
	r, err := o.readResponse()
	if err != nil {
		return "", err
	}
	if server := r.fields["server"]; len(server) > 0 {
		agent = server[0]
	}
	if wrong := r.wrong(key, t.Protocols, c.Compression != nil); wrong != "" {
		return agent, errors.New(wrong)
	}
	var extensions []handshake.Extension
	for _, v := range r.fields["sec-websocket-extensions"] {
		if extensions, err = handshake.ParseExtensions(extensions, []byte(v)); err != nil {
			return agent, fmt.Errorf("101 with a malformed Sec-WebSocket-Extensions: %.60q", v)
		}
	}
	if o.deflate, err = deflate.Agreed(extensions); err != nil {
		return agent, err
	}
	return agent, nil
}

// readResponse reads up to the end of the head of the final response, and keeps what was on the wire. The suite parses it itself: package handshake may have made it.
func (o *opening) readResponse() (response, error) {
	var in []byte // all that came
	buf := make([]byte, 4096)
	for begins, seen := 0, 0; ; { // where in it the response begins that is not complete, and where its end is looked for
		if end := bytes.Index(in[seen:], []byte("\r\n\r\n")); end >= 0 {
			head := string(in[begins : seen+end])
			begins = seen + end + 4
			seen = begins
			o.response = string(in[:begins])
			r, err := parseResponse(head)
			if err == nil && r.status < 200 && r.status != http.StatusSwitchingProtocols { // RFC 9110, 15.2: an interim response
				continue
			}
			o.rest = in[begins:]
			return r, err
		}
		seen = max(begins, len(in)-3)
		o.response = string(in[:min(len(in), maxRefusal)])
		if len(in) > maxRefusal {
			return response{}, fmt.Errorf("more than %d octets before the end of the response", maxRefusal)
		}
		n, err := o.nc.Read(buf)
		if n == 0 && err != nil {
			return response{}, fmt.Errorf("reading the response: %w", err)
		}
		in = append(in, buf[:n]...)
	}
}

// wrong says what is wrong with a response, and "" if it opens the connection (RFC 6455, 4.1).
func (r *response) wrong(key string, offered []string, extensions bool) string {
	if r.status != http.StatusSwitchingProtocols {
		return fmt.Sprintf("status %d", r.status)
	}
	if r.http10 {
		return "101 of HTTP/1.0"
	}
	if upgrade := r.fields["upgrade"]; len(upgrade) != 1 || !strings.EqualFold(upgrade[0], "websocket") {
		return "101 without the one Upgrade: websocket"
	}
	g := opener{Opening: &Opening{}, key: key, offered: offered, first: *r}
	if extensions {
		g.Deflate = &Deflate{}
	}
	return g.wrongSwitch()
}

// withVersion turns a request of RFC 6455 into one of the draft that version stands for: 10 to 12 put version 8 on the wire, and had an origin header of their own.
func withVersion(request []byte, version int) []byte {
	if version == 0 || version >= 13 {
		return request
	}
	request = bytes.Replace(request, []byte("\r\nSec-WebSocket-Version: 13\r\n"), []byte("\r\nSec-WebSocket-Version: 8\r\n"), 1)
	return bytes.Replace(request, []byte("\r\nOrigin: "), []byte("\r\nSec-WebSocket-Origin: "), 1)
}
