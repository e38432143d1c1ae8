package autobahn

import (
	"context"
	"net"
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/stretchr/testify/require"
)

// testServer tests a peer of some kind as a server, over sockets.
func testServer(t *testing.T, k *testee.Kind, cases []*Case) map[string]*Result {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- testee.Serve(ctx, ln, k) }()
	runner := Client{Targets: []Target{{URL: "ws://" + ln.Addr().String(), Agent: k.Name, Options: DefaultOptions()}}, Cases: cases, Seed: 1}
	report, err := runner.Run(ctx)
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-served)
	return report.results[k.Name]
}

// testClient tests one as a client. The error is what the client says.
func testClient(t *testing.T, k *testee.Kind, cases []*Case) (map[string]*Result, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	visited := make(chan error, 1)
	go func() {
		defer cancel()
		visited <- testee.Visit(ctx, ln.Addr().String(), k.Name, k)
	}()
	runner := Server{Cases: cases, Options: DefaultOptions(), Seed: 1}
	report, err := runner.Serve(ctx, ln)
	require.NoError(t, err)
	return report.results[k.Name], <-visited
}
