package testee

import (
	"context"
	"go/parser"
	"go/token"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serve starts a server, and returns its address and what ends it: that waits for Serve to return.
func serve(t *testing.T, k *Kind) (addr string, stop func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ln, k) }()
	return ln.Addr().String(), func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// open opens a connection, and returns it with the response read.
func open(t *testing.T, addr string) net.Conn {
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(time.Minute))
	c := New(Correct, Client, 1)
	c.Request(time.Now(), addr, "/")
	for _, b := range c.Take() {
		nc.Write(b)
	}
	buf := make([]byte, 1)
	for !c.open {
		_, err := nc.Read(buf)
		require.NoError(t, err)
		c.Receive(time.Now(), buf)
		require.Empty(t, c.refusal)
	}
	return nc
}

// The end of the context ends the server, whatever its connections are at: idle, in the middle of a pause, or not reading for ever.
func TestServeEnds(t *testing.T) {
	hang := *Correct
	hang.opened = (*Peer).hang
	pause := *Correct
	pause.opened = func(p *Peer) { p.pause(time.Hour, func() {}) }
	for _, k := range []*Kind{Correct, &hang, &pause} {
		addr, stop := serve(t, k)
		nc := open(t, addr)
		stop()
		_, err := nc.Read(make([]byte, 1))
		require.Error(t, err)
	}
}

// A server that closes TCP does so when all is written, and without a reset although there are octets that it has not read.
func TestServeLingers(t *testing.T) {
	addr, stop := serve(t, Correct)
	defer stop()
	nc := open(t, addr)
	_, err := nc.Write(append(unhex(t, "88 82 00000000 03e8"), make([]byte, 1<<20)...))
	require.NoError(t, err)
	b, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "88 02 03e8"), b)
}

// Timers fire although nothing comes.
func TestServeTicks(t *testing.T) {
	k := *Correct
	k.opened = func(p *Peer) { p.after(time.Millisecond, p.drop) }
	addr, stop := serve(t, &k)
	defer stop()
	b, err := io.ReadAll(open(t, addr))
	require.NoError(t, err)
	require.Empty(t, b)
}

// A client says what it could not do.
func TestVisitErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	ln.Close()
	require.Error(t, Visit(t.Context(), addr, "x", Correct))

	addr, stop := serve(t, response("no", "", func(o *opening) { *o = opening{line: "HTTP/1.1 403 Forbidden", drop: true} }))
	defer stop()
	require.ErrorContains(t, Visit(t.Context(), addr, "x", Correct), "/getCaseCount: HTTP/1.1 403 Forbidden")

	ctx, cancel := context.WithCancel(t.Context())
	addr, stop = serve(t, Correct) // says nothing of its own accord
	defer stop()
	done := make(chan error, 1)
	go func() { done <- Visit(ctx, addr, "x", Correct) }()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// The testees are to be an opinion of their own: nothing of the code that the suite is there to test, and nothing of the suite.
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imp := range f.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			require.NoError(t, err)
			own, ok := strings.CutPrefix(path, "github.com/idlewire/idlewire/")
			require.True(t, !ok || own == "frame" || own == "handshake" || own == "autobahn/internal/deflate", "%s imports %s", name, path)
		}
	}
}
