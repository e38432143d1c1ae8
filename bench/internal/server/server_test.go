//go:build linux

package server

import (
	"net"
	"testing"
	"time"

	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/stretchr/testify/require"
)

// All servers do the same work, or their figures could not stand in one table. The client looks at every octet.
func TestServersDoTheSame(t *testing.T) {
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			require.NoError(t, err)
			var counts func() any
			go k.serve(ln, &counts) // until the end of the test process, as in Main

			for _, o := range []load.Options{{Payload: 64}, {Payload: 64, InFlight: 32}, {Payload: 16 << 10}, {Payload: 1 << 20}} {
				cl := client(t, ln, o)
				require.NoError(t, cl.Open(5))
				require.NoError(t, cl.Once())
				require.NoError(t, cl.One(3))
				n, err := cl.Echo(time.Minute, 20*o.InFlight+20)
				require.NoError(t, err)
				require.GreaterOrEqual(t, n, 20*o.InFlight+20)
				cl.Abandon()
			}

			cl := client(t, ln, load.Options{Payload: 128, Path: broadcastPath})
			none := members.Load()
			require.NoError(t, cl.Open(7))
			require.Eventually(t, func() bool { return members.Load() == none+7 }, time.Minute, time.Millisecond)
			n, err := cl.Broadcast(time.Minute, 10*7)
			require.NoError(t, err)
			require.Equal(t, 10*7, n)
			require.NoError(t, cl.Close())
			require.Eventually(t, func() bool { return members.Load() == none }, time.Minute, time.Millisecond)
			cl.Abandon()

			cl = client(t, ln, load.Options{Payload: 64})
			n, err = cl.Churn(3, time.Minute, 30)
			require.NoError(t, err)
			require.GreaterOrEqual(t, n, 30)
			cl.Abandon()
		})
	}
}

func client(t *testing.T, ln net.Listener, o load.Options) *load.Client {
	cl, err := load.New(ln.Addr().String(), o)
	require.NoError(t, err)
	return cl
}

func TestChoose(t *testing.T) {
	all, err := Choose("all")
	require.NoError(t, err)
	require.Len(t, all, len(Kinds))
	two, err := Choose("gorilla, idlewire")
	require.NoError(t, err)
	require.Equal(t, []string{"gorilla", "idlewire"}, []string{two[0].Name, two[1].Name})
	_, err = Choose("gorila")
	require.ErrorContains(t, err, "gorila")
}
