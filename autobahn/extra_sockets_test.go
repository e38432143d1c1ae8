package autobahn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/idlewire/idlewire/handshake"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// overSockets are the cases in which the drivers do something of their own: openings, pieces, and ends of TCP.
func overSockets(t *testing.T, e Endpoint) []*Case {
	cases, err := Select(CasesFor(ExtraCases(), e), []string{"20.*", "22.3.*", "22.4.*", "25.1.*"}, nil)
	require.NoError(t, err)
	return cases
}

// drive moves octets and time between an end and its connection, and closes it.
func drive(nc net.Conn, p end) {
	defer nc.Close()
	buf := make([]byte, 64<<10)
	for {
		for _, b := range p.Take() {
			if _, err := nc.Write(b); err != nil {
				return
			}
		}
		if p.Gone() {
			nc.(*net.TCPConn).CloseWrite()
			nc.SetReadDeadline(time.Now().Add(time.Second))
			io.Copy(io.Discard, nc)
			return
		}
		at, _ := p.Due()
		nc.SetReadDeadline(at)
		n, err := nc.Read(buf)
		switch {
		case n > 0:
			p.Receive(time.Now(), buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.Tick(time.Now())
		case err == io.EOF:
			p.End(time.Now())
		default:
			return
		}
	}
}

func allGood(t *testing.T, r *Report, cases []*Case) {
	results := byCase(r)
	require.Len(t, results, len(cases))
	for _, c := range cases {
		r := results[c.ID]
		assert.True(t, r.Good(), "%s: %s %s; %s %s", c.ID, r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose)
		assert.NotEmpty(t, r.HTTPRequest, c.ID)
		if strings.HasPrefix(c.ID, "22.4.") { // the end of TCP came over
			assert.Equal(t, OK, r.Behavior, "%s: %s", c.ID, r.Reason)
		}
	}
}

func TestExtraServerOverSockets(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer ln.Close()
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { drive(nc, openServer(testee.Correct)) })
		}
	}()
	cases := overSockets(t, Servers)
	origin := "http://" + ln.Addr().String()
	c := Client{Targets: []Target{{URL: "ws://" + ln.Addr().String() + "/echo?a=b", Origin: origin, Protocols: []string{"chat"}, Options: DefaultOptions()}}}
	c.Cases = append(overSockets(t, Clients)[:40:40], cases...) // it passes over those for clients, as 20.13.1
	report, err := c.Run(t.Context())
	require.NoError(t, err)
	allGood(t, report, cases)
	require.Contains(t, byCase(report)["20.1.1"].HTTPRequest, "\r\nOrigin: "+origin+"\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
}

func TestExtraClientOverSockets(t *testing.T) {
	t.Parallel()
	cases := overSockets(t, Clients)
	report := visited(t, cases, 16)
	for i, c := range cases {
		require.Equal(t, i+1, byCase(report)[c.ID].Number, c.ID)
	}
	var again []*Case // on a busy machine a megabyte may come too late among fifteen others
	for _, c := range cases {
		if !byCase(report)[c.ID].Good() {
			again = append(again, c)
		}
	}
	require.LessOrEqual(t, len(again), 5)
	if len(again) > 0 {
		t.Logf("%d again: %s", len(again), again[0].ID)
		for _, r := range byCase(visited(t, again, 1)) {
			report.Add(r)
		}
	}
	allGood(t, report, cases)
}

// visited has a client that is right play the cases, so many at a time, against our fuzzing server, and returns its report.
func visited(t *testing.T, cases []*Case, many int) *Report {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan *Report, 1)
	go func() {
		// All cases are given to it: it counts those for clients.
		r, err := (&Server{Cases: append(forOnly(Servers, &Case{ID: "20"}), cases...), Options: DefaultOptions()}).Serve(ctx, ln)
		assert.NoError(t, err)
		served <- r
	}()
	visit := func(path string) {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if !assert.NoError(t, err) {
			return
		}
		e := openClient(t, testee.Correct)
		e.offer.URL, err = handshake.ParseURL(fmt.Sprintf("ws://%s/%s", ln.Addr(), path))
		assert.NoError(t, err)
		request, err := e.offer.AppendRequest(nil)
		assert.NoError(t, err)
		nc.Write(request)
		drive(nc, e)
	}
	var visits sync.WaitGroup
	slots := make(chan struct{}, many)
	for _, c := range cases {
		slots <- struct{}{}
		visits.Go(func() {
			defer func() { <-slots }()
			visit("runCase?agent=test&casetuple=" + c.ID)
		})
	}
	visits.Wait()
	visit("updateReports?agent=test&shutdownOnComplete=true") // what still runs comes to its end before the reports are due
	return <-served
}

// A server of wss that drops TCP when TLS begins has not refused an opening handshake, although dropping it would be a good answer to that.
func TestExtraWithoutTLS(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			nc.Close()
		}
	}()
	c := extra("4.1", "T", "E", nil, closesAfter())
	c.ID, c.Opening = "99.1", &Opening{Say: "GET {target} HTTP/1.1\r\n\r\n", Answers: []Answer{{Kind: Drops, Verdict: OK}}}
	for scheme, want := range map[string]Verdict{"ws": OK, "wss": Failed} {
		client := Client{Targets: []Target{{URL: scheme + "://" + ln.Addr().String(), Options: DefaultOptions()}}, Cases: []*Case{c}}
		report, err := client.Run(t.Context())
		require.NoError(t, err)
		r := report.Get("UnknownServer", "99.1")
		require.Equal(t, []Verdict{want, want}, []Verdict{r.Behavior, r.BehaviorClose}, scheme)
	}
}
