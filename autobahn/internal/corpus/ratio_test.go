package corpus

import (
	"compress/flate"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	klauspost "github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"
)

type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

type flusher interface {
	Write(b []byte) (int, error)
	Flush() error
}

// ratio compresses the first 1000 messages, or so many as go through the corpus once, and tells what is left of them, without the four octets that a
// sender takes off each.
func ratio(t *testing.T, c *Corpus, n int, w flusher, out *counter, reset func()) float64 {
	var message []byte
	in := 0
	count := min(1000, (c.Len()+n-1)/n)
	for k := range count {
		message = c.Message(message[:0], k, n)
		in += len(message)
		if k > 0 {
			reset()
		}
		_, err := w.Write(message)
		require.NoError(t, err)
		require.NoError(t, w.Flush())
	}
	return float64(int(*out)-4*count) / float64(in)
}

// Ours are to go through a compressor as the original's do: about as much of them is left, for every length of message. With a window of 9 bits the
// compressor at hand is another one, which makes little of short messages.
func TestRatios(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine that takes a minute")
	}
	for _, f := range facts(t) {
		c := Get(f.Corpus, 1)
		for _, mode := range []struct {
			name string
			want map[string]float64
			from int     // octets of a message
			near float64 // part of what is wanted
		}{{"takeover", f.Ratios.Takeover, 16, 0.15}, {"no takeover", f.Ratios.NoTakeover, 16, 0.15}, {"window 9", f.Ratios.Window9, 1024, 0.25}} {
			t.Run(f.Corpus+"/"+mode.name, func(t *testing.T) {
				var lengths []int
				for n := range mode.want {
					i, err := strconv.Atoi(n)
					require.NoError(t, err)
					if i >= mode.from {
						lengths = append(lengths, i)
					}
				}
				slices.Sort(lengths)
				for _, n := range lengths {
					out := new(counter)
					var got float64
					if mode.name == "window 9" {
						w, err := klauspost.NewWriterWindow(out, 1<<9)
						require.NoError(t, err)
						got = ratio(t, c, n, w, out, func() {})
					} else {
						w, err := flate.NewWriter(out, 6)
						require.NoError(t, err)
						got = ratio(t, c, n, w, out, func() {
							if mode.name == "no takeover" {
								w.Reset(out)
							}
						})
					}
					want := mode.want[strconv.Itoa(n)]
					line := fmt.Sprintf("%7d: %.3f, original %.3f", n, got, want)
					t.Log(line)
					if math.Abs(got-want) > max(mode.near*want, 0.02) {
						t.Errorf("too far: %s", line)
					}
				}
			})
		}
	}
}
