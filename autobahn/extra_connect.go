package autobahn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/idlewire/idlewire/handshake"
)

// playOpening plays a case that makes the opening handshake itself, with a server. The result is nil if the server is excluded from it.
func (r *run) playOpening(ctx context.Context, nc net.Conn, c *Case) (*Result, error) {
	agent := r.t.Agent
	if agent != "" && r.Skip != nil && r.Skip(agent, c) {
		return nil, nc.Close()
	}
	u, err := handshake.ParseURL(r.t.URL)
	if err != nil {
		nc.Close()
		return nil, err
	}
	o := opening{nc: nc, target: u.RequestURI(), host: address(u)}
	if failed := o.secure(ctx, r.t, c); failed != nil && ctx.Err() == nil {
		failed.Agent, failed.Number = r.name(""), c.Number
		return failed, nil
	}
	if r.t.Origin != "" {
		o.more = "Origin: " + r.t.Origin + "\r\n"
	}
	if len(r.t.Protocols) > 0 {
		o.more += "Sec-WebSocket-Protocol: " + strings.Join(r.t.Protocols, ", ") + "\r\n"
		o.subprotocols = r.t.Protocols
	}
	result := play(ctx, c, o, true, r.t.Options, r.Seed)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	agent = r.name(serverOf(result.HTTPResponse))
	if r.Skip != nil && r.Skip(agent, c) {
		return nil, nil
	}
	result.Agent, result.Number = agent, c.Number
	return result, nil
}

// secure makes the handshake of TLS, if there is to be one. The connection is closed if that fails, and the result says so: it must not be taken for an answer.
func (o *opening) secure(ctx context.Context, t *Target, c *Case) (failed *Result) {
	nc, ok := o.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	began := time.Now()
	hctx, cancel := context.WithTimeout(ctx, t.Options.openingTime())
	defer cancel()
	if err := nc.HandshakeContext(hctx); err != nil {
		nc.Close()
		return o.failed(t, c, began, fmt.Errorf("TLS: %w", err))
	}
	return nil
}

// serverOf returns the name that a server gives itself in a response, or "".
func serverOf(response string) string {
	r, err := parseResponse(strings.TrimSuffix(response, "\r\n\r\n"))
	if err != nil || len(r.fields["server"]) == 0 {
		return ""
	}
	return r.fields["server"][0]
}
