package conn

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	off := -1
	for _, row := range []struct {
		o             *Options
		burst, second int // frames that pass at once, and then per second
	}{
		{nil, 200, 100},
		{&Options{ControlRate: 10}, 200, 10},
		{&Options{ControlBurst: 5}, 5, 5},
		{&Options{ControlRate: 1, ControlBurst: 1}, 1, 1},
		{&Options{ControlRate: off}, -1, -1},
		{&Options{ControlBurst: off}, -1, -1},
	} {
		t.Run(fmt.Sprintf("%d+%d", row.burst, row.second), func(t *testing.T) {
			var l limiter
			count := func(now time.Duration) (n int) {
				for n < 100_000 && l.allow(now, row.o) {
					n++
				}
				return n
			}
			start := 12345 * time.Second
			if n := count(start); n != row.burst && row.burst >= 0 || row.burst < 0 && n < 100_000 {
				t.Fatal(n)
			}
			if row.burst < 0 {
				return
			}
			for i := range 10 {
				if n := count(start + time.Duration(i+1)*time.Second); n < row.second-1 || n > row.second {
					t.Fatal(i, n)
				}
			}
			if n := count(start + time.Hour); n != row.burst {
				t.Fatal("after an hour", n)
			}
			if l.allow(0, row.o) {
				t.Fatal("a clock that goes back gives nothing")
			}
		})
	}
}

// The queue holds 16, of more the last and the first 15, in order, with their payloads: compared with a slice of slices.
func TestPings(t *testing.T) {
	var q pings
	var twin []string
	for i := range 100_000 {
		if rand.IntN(3) > 0 {
			s := fmt.Sprint(i, string(make([]byte, rand.IntN(120))))
			q.push([]byte(s))
			if len(twin) == maxPings {
				twin = twin[:maxPings-1]
			}
			twin = append(twin, s)
		} else if len(twin) > 0 {
			if got := string(q.pop()); got != twin[0] {
				t.Fatalf("got %q, expected %q", got, twin[0])
			}
			twin = twin[1:]
		}
		if q.n != len(twin) || len(q.b) > maxPings*126 {
			t.Fatal(q.n, len(twin), len(q.b))
		}
	}
}
