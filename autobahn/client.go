package autobahn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Target is a server to test.
type Target struct {
	URL       string   // ws or wss; path and query are sent as they are
	Agent     string   // its name in the reports; "": the Server header of its response, or of one before, else "UnknownServer"
	Origin    string   // sent as the Origin header, if not ""
	Protocols []string // subprotocols to offer
	Hostname  string   // name for TLS, if not that of URL
	Options   Options  // zero: DefaultOptions
}

// A Client tests servers: it connects to each, once for each case.
type Client struct {
	Targets []Target
	Cases   []*Case // in the order of Cases
	// Skip, if set, says which cases are not judged with an agent: the runner connects, closes, and records nothing. It may be called by several goroutines.
	Skip func(agent string, c *Case) bool

	Parallel int         // connections at a time to a server; below 1: DefaultParallel, 1: one after the other as the original does
	Repeat   int         // how often each case runs; the worst result stands; 0: once
	Seed     uint64      // of masking keys and of the corpora; 0: the keys from crypto/rand and the corpora of seed 1
	TLS      *tls.Config // nil: the default; certificates are verified unless it says otherwise

	// Started and Finished, if set, are told of each case, one call at a time; Finished not of what Skip says. Unless Parallel is 1, cases that are not OK run
	// again when the others have, and both are told again: what Finished is told last stands. Skipped is told why a server's remaining cases are not run.
	Started  func(t *Target, c *Case)
	Finished func(r *Result)
	Skipped  func(t *Target, err error)

	mu sync.Mutex // guards the calls of Started, Finished and Skipped
}

// ErrUnreachable says that no connection to a server could be made.
var ErrUnreachable = errors.New("autobahn: cannot connect")

// Run runs the cases with every target, one target after the other, and returns what it found. If ctx ends first it returns what ran, and the error of ctx. A server that
// cannot be reached is an error too, after the others have been tested; errors.Is finds ErrUnreachable.
func (c *Client) Run(ctx context.Context) (*Report, error) {
	report := &Report{}
	var failed error
	for i := range c.Targets {
		t := c.Targets[i]
		t.Options = t.Options.orDefault()
		r := run{Client: c, t: &t, report: report}
		r.one = r.connectAndPlay
		if err := r.all(ctx); err != nil && ctx.Err() == nil {
			failed = errors.Join(failed, err)
			if c.Skipped != nil {
				c.Skipped(r.t, err)
			}
		}
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
	}
	return report, failed
}

// A run is the cases with one target.
type run struct {
	*Client
	t      *Target
	report *Report
	given  string            // the name that the server has given itself last; guarded by mu
	ran    map[*Case]*Result // the latest of each case; guarded by mu
	// one plays one case. The result is nil if the agent is excluded from it; an error means that there is no point in going on.
	one func(ctx context.Context, c *Case) (*Result, error)
}

// connectAndPlay is one for a server.
func (r *run) connectAndPlay(ctx context.Context, c *Case) (*Result, error) {
	if c.For == Clients {
		return nil, nil
	}
	nc, err := r.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w to %s: %w", ErrUnreachable, r.t.URL, err)
	}
	if c.Opening != nil {
		return r.playOpening(ctx, nc, c)
	}
	o, agent, result := open(ctx, nc, r.t, c)
	agent = r.name(agent)
	if result == nil {
		skip := r.Skip != nil && r.Skip(agent, c)
		if skip {
			c = skipped
			o.deflate = nil
		}
		result = play(ctx, c, o, true, r.t.Options, r.Seed)
		if skip {
			result = nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if result != nil {
		result.Agent, result.Number = agent, c.Number
	}
	return result, nil
}

// name returns what the server is called in the report, if it gives itself that name in a response. Where it gives none it is called as it was before: it may not
// have come to answer.
func (r *run) name(given string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = cmp.Or(given, r.given)
	return cmp.Or(r.t.Agent, r.given, "UnknownServer")
}

// skipped stands in for a case from which an agent is excluded: a Close without body, and no judgement.
var skipped = &Case{Steps: []Step{{Do: SendClose}}, Deadline: Deadline{After: time.Second}}

// dialTries is how often a connection is tried that is refused: a server may be a moment behind.
const dialTries = 3

func (r *run) connect(ctx context.Context) (nc net.Conn, err error) {
	for try := range dialTries {
		if try > 0 {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		dctx, cancel := context.WithTimeout(ctx, r.t.Options.openingTime())
		nc, err = dial(dctx, r.t, r.TLS)
		cancel()
		if err == nil || ctx.Err() != nil {
			return nc, err
		}
	}
	return nil, err
}
