//go:build linux

package server

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/bench/internal/child"
	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/idlewire/idlewire/bench/internal/mode"
)

// begin starts a server, and returns its address and what counts the members of its room.
func begin(t *testing.T, k Kind, m mode.Mode) (addr string, inRoom func() int64) {
	if k.node == "" {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		var counts func() any
		go k.serve(ln, m, &counts) // until the end of the test process, as in Main
		none := members.Load()
		return ln.Addr().String(), func() int64 { return members.Load() - none }
	}
	if err := k.Missing(); err != nil {
		t.Skip(err)
	}
	name, args, err := k.Command("", m)
	require.NoError(t, err)
	p, err := child.Start(-1, nil, name, args...)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p.Addr, func() int64 {
		var rep Report
		require.NoError(t, p.Ask("collect", &rep))
		return rep.Members
	}
}

// All servers do the same work, or their figures could not stand in one table. The client looks at every octet.
func TestServersDoTheSame(t *testing.T) {
	for _, k := range Kinds {
		if k.level != 0 {
			continue // without compression it is the one before
		}
		t.Run(k.Name, func(t *testing.T) {
			addr, inRoom := begin(t, k, mode.Mode{})
			for _, o := range []load.Options{{Payload: 64}, {Payload: 64, InFlight: 32}, {Payload: 16 << 10}, {Payload: 64 << 10, Text: true}, {Payload: 1 << 20}} {
				work(t, addr, o)
			}

			cl := client(t, addr, load.Options{Payload: 128, Path: broadcastPath})
			require.NoError(t, cl.Open(7))
			await(t, inRoom, 7)
			n, err := cl.Broadcast(time.Minute, 10*7)
			require.NoError(t, err)
			require.Equal(t, 10*7, n)
			require.NoError(t, cl.Close())
			await(t, inRoom, 0)
			cl.Abandon()

			cl = client(t, addr, load.Options{Payload: 64})
			n, err = cl.Churn(3, time.Minute, 30)
			require.NoError(t, err)
			require.GreaterOrEqual(t, n, 30)
			cl.Abandon()
		})
	}
}

// They compress as the mode says, which the client sees in what they agree to and in what they send; or they say that they cannot, and do not.
func TestServersCompress(t *testing.T) {
	for _, k := range Kinds {
		for _, how := range []string{"on", "takeover", "takeover-12", "takeover-9"} {
			t.Run(k.Name+"/"+how, func(t *testing.T) {
				m, err := mode.Parse(how)
				require.NoError(t, err)
				if why := k.Cannot(m); why != "" {
					_, _, err := k.Command("", m)
					require.ErrorContains(t, err, why)
					if k.node == "" {
						addr, _ := begin(t, k, m)
						cl := client(t, addr, load.Options{Payload: 1 << 10, Mode: m})
						defer cl.Abandon()
						require.ErrorContains(t, cl.Open(1), "offered")
					}
					return
				}
				addr, _ := begin(t, k, m)
				for _, o := range []load.Options{{Payload: 1 << 10}, {Payload: 1 << 10, InFlight: 8}, {Payload: 16 << 10}, {Payload: 64 << 10}} {
					o.Mode = m
					got := work(t, addr, o)
					require.Less(t, got.Ratio(), 0.9)
					require.Greater(t, got.Ratio(), 0.1)
				}
			})
		}
	}
}

// work lets a few connections echo.
func work(t *testing.T, addr string, o load.Options) load.Traffic {
	cl := client(t, addr, o)
	defer cl.Abandon()
	require.NoError(t, cl.Open(5))
	require.NoError(t, cl.Once())
	require.NoError(t, cl.One(3))
	n, err := cl.Echo(time.Minute, 20*o.InFlight+20)
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 20*o.InFlight+20)
	return cl.Traffic()
}

func await(t *testing.T, count func() int64, n int64) {
	require.Eventually(t, func() bool { return count() == n }, time.Minute, time.Millisecond)
}

func client(t *testing.T, addr string, o load.Options) *load.Client {
	cl, err := load.New(addr, o)
	require.NoError(t, err)
	return cl
}

func TestChoose(t *testing.T) {
	all, err := Choose("all")
	require.NoError(t, err)
	there := slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return k.Missing() != nil || k.level != 0 })
	require.Equal(t, len(there), len(all))
	require.GreaterOrEqual(t, len(all), 9)
	compressing, err := Choose("compressing")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(compressing), 4)
	for _, k := range compressing {
		require.Empty(t, k.Cannot(mode.Mode{On: true, Bits: mode.MaxBits}), k.Name)
	}
	two, err := Choose("gorilla, idlewire")
	require.NoError(t, err)
	require.Equal(t, []string{"gorilla", "idlewire"}, []string{two[0].Name, two[1].Name})
	_, err = Choose("gorila")
	require.ErrorContains(t, err, "gorila")
}
