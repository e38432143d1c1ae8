package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// echoClient lets a fuzzingserver test it: it runs all its cases, one after the other, and asks for the reports.
func (c *command) echoClient(ctx context.Context) (int, error) {
	if c.uri == "" {
		c.uri = defaultURL
	}
	agent := c.ident
	if agent == "" {
		agent = "idlewire"
	}
	options := testeeOptions(c.deflate)
	options.HandshakeTimeout = 10 * time.Second
	t := testee{
		base:   strings.TrimRight(c.uri, "/"),
		agent:  url.QueryEscape(agent),
		dialer: conn.Dialer{Options: options, TLS: &tls.Config{InsecureSkipVerify: true}},
	}
	n, err := t.count(ctx)
	if err != nil {
		return badInput, err
	}
	c.say("%s at %s, as %q", count(n, "case"), c.uri, agent)
	for i := 1; i <= n; i++ {
		err := t.visit(ctx, fmt.Sprintf("/runCase?case=%d&agent=%s", i, t.agent))
		if ctx.Err() != nil {
			return notGood, errors.New("interrupted")
		}
		if refused := (*handshake.Error)(nil); err != nil && !errors.As(err, &refused) { // an opening handshake may be what a case tests
			return badInput, fmt.Errorf("case %d: %w", i, err)
		}
	}
	if err := t.visit(ctx, "/updateReports?agent="+t.agent); err != nil {
		return badInput, fmt.Errorf("asking for the reports: %w", err)
	}
	return allGood, nil
}

// A testee is a client of a fuzzingserver.
type testee struct {
	base   string // URL of the server, without a slash at its end
	agent  string // as it stands in a query
	dialer conn.Dialer
}

// maxCount bounds how many cases a server may say it has.
const maxCount = 100_000

// count asks how many cases there are.
func (t *testee) count(ctx context.Context) (int, error) {
	c, err := conn.Dial(ctx, t.base+"/getCaseCount", &t.dialer)
	if err != nil {
		return 0, fmt.Errorf("connecting to %s: %w", t.base, err)
	}
	defer c.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, t.dialer.Options.HandshakeTimeout) // what is no fuzzingserver may say nothing at all
	defer cancel()
	m, err := c.ReadContext(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking for the number of cases: %w", err)
	}
	n, err := strconv.Atoi(string(m.Payload))
	if m.Op != frame.Text || err != nil || n < 0 || n > maxCount {
		return 0, fmt.Errorf("expected the number of cases, found %.60q", m.Payload)
	}
	return n, nil
}

// visit connects to a path and sends messages back until the connection ends. The error is one of connecting.
func (t *testee) visit(ctx context.Context, path string) error {
	c, err := conn.Dial(ctx, t.base+path, &t.dialer)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	stop := context.AfterFunc(ctx, func() { c.CloseNow() })
	defer stop()
	echoAll(c)
	return nil
}
