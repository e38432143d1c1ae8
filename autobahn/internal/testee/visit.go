package testee

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// Visit takes the cases of a fuzzingserver at addr, a host with port, one after the other, with Peers of kind k: it asks for their number, runs each, and asks for the reports.
// How a case ends is for the server to judge. The error is that of a connection that could not be made or opened, or that of ctx.
func Visit(ctx context.Context, addr, agent string, k *Kind) error {
	text, err := ask(ctx, addr, "/getCaseCount")
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("testee: the number of cases: %w", err)
	}
	name := url.QueryEscape(agent)
	for i := 1; i <= count; i++ {
		if err := visit(ctx, addr, fmt.Sprintf("/runCase?case=%d&agent=%s", i, name), New(k, Client, uint64(i))); err != nil {
			return err
		}
	}
	_, err = ask(ctx, addr, "/updateReports?agent="+name)
	return err
}

// Call plays a client of kind k at addr, a host with port, until the connection ends. Its masking keys come from seed. The error is as that of Visit.
func Call(ctx context.Context, addr, target string, k *Kind, seed uint64) error {
	return visit(ctx, addr, target, New(k, Client, seed))
}

// visit plays a client at one URL.
func visit(ctx context.Context, addr, target string, p *Peer) error {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("testee: %w", err)
	}
	p.Request(time.Now(), addr, target)
	err = drive(ctx, nc, p)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.refusal != "":
		return fmt.Errorf("testee: %s: %s", target, p.refusal)
	case !p.open:
		if err == nil {
			err = net.ErrClosed
		}
		return fmt.Errorf("testee: %s: %w", target, err)
	}
	return nil
}

// ask returns the message that a server has for those who come to a URL; "" if there is none.
func ask(ctx context.Context, addr, target string) (text string, err error) {
	listener := *Correct
	listener.message = func(_ *Peer, _ frame.Opcode, payload []byte) { text = string(payload) }
	err = visit(ctx, addr, target, New(&listener, Client, 1))
	return text, err
}
