package netpoll

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A clock is a kernel that can tell the time and nothing else.
type clock struct {
	kernel
	t int64
}

func (c *clock) now() int64 { return c.t }

// E23: the first slow turn is logged at once; of a loop that stays slow the log hears once a second, with the count and the longest.
func TestE23SlowTurnsDoNotFloodTheLog(t *testing.T) {
	var out bytes.Buffer
	k := &clock{t: int64(time.Hour)}
	l := &loop{id: 3, k: k, server: &Server{Logger: slog.New(slog.NewTextHandler(&out, nil))}}
	turn := func(took time.Duration) {
		l.lag.begin(k.t)
		k.t += int64(took)
		l.lag.end(l)
	}
	turn(slowTurn)
	require.Empty(t, out.String(), "as long as it may take")
	turn(slowTurn + 1)
	require.Contains(t, out.String(), `loop=3 turns=1 longest=10.000001ms`)
	for range 50 {
		turn(20 * time.Millisecond)
	}
	require.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())
	require.Contains(t, out.String(), "turns=50 longest=20ms")
	turn(30 * time.Millisecond)
	require.Equal(t, 2, strings.Count(out.String(), "\n"))
	k.t += int64(time.Second)
	turn(1)
	require.Contains(t, out.String(), "turns=1 longest=30ms", "what was left is told later")
	var st Stats
	l.lag.addTo(&st)
	require.EqualValues(t, 52, st.SlowTurns)
	require.Equal(t, 30*time.Millisecond, st.MaxLag)
}
