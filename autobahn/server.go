package autobahn

import (
	"context"
	"net"
)

// A Server tests clients: they connect to it, once for each case, and to its other URLs (README.md lists them).
type Server struct {
	URL     string // ws or wss, with port and without query: every client's Host header has to name this port
	Cases   []*Case
	Options Options // use DefaultOptions
	Skip    func(agent string, c *Case) bool
	Seed    uint64

	// Reports, if set, is called on /updateReports with all results so far. The client waits for it.
	Reports func(r *Report) error

	Started  func(agent string, c *Case)
	Finished func(r *Result)
}

// Serve accepts clients on ln until ctx ends, a client asks for /stopServer, or for /updateReports with shutdownOnComplete. It closes ln and
// returns what it found.
func (s *Server) Serve(ctx context.Context, ln net.Listener) (*Report, error) {
	panic("to be written")
}
