package autobahn

import (
	"context"
	"crypto/tls"
	"errors"
)

// A Target is a server to test.
type Target struct {
	URL       string   // ws or wss; path and query are sent as they are
	Agent     string   // its name in the reports; "": the Server header of its response, else "UnknownServer"
	Origin    string   // sent as the Origin header, if not ""
	Protocols []string // subprotocols to offer
	Hostname  string   // name for TLS, if not that of URL
	Options   Options  // use DefaultOptions
}

// A Client tests servers: it connects to each, once for each case.
type Client struct {
	Targets []Target
	Cases   []*Case // in the order of Cases
	// Skip, if set, says which cases are not judged with an agent: the runner connects, closes, and records nothing.
	Skip func(agent string, c *Case) bool

	Parallel int         // connections at a time to a server; 0: the default, 1: one after the other as the original does
	Repeat   int         // how often each case runs; the worst result stands; 0: once
	Seed     uint64      // of masking keys and of the corpora; 0: the keys from crypto/rand and the corpora of seed 1
	TLS      *tls.Config // nil: the default; certificates are verified unless it says otherwise

	// Started and Finished, if set, are told of each case, one call at a time. Err is why a server's remaining cases are not run.
	Started  func(t *Target, c *Case)
	Finished func(r *Result)
	Skipped  func(t *Target, err error)
}

// Run runs the cases with every target and returns what it found. If ctx ends first it returns what ran, and the error of ctx. A server that cannot be reached is an error
// too, after the others have been tested; errors.Is finds ErrUnreachable.
func (c *Client) Run(ctx context.Context) (*Report, error) {
	panic("to be written")
}

// ErrUnreachable says that no connection to a server could be made.
var ErrUnreachable = errors.New("autobahn: cannot connect")
