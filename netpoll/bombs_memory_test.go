package netpoll

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// What bombs cost in memory, and what is left of it: measured of all living objects, in processes of their own.

// alone runs f in a process that does nothing else.
func alone(t *testing.T, f func(t *testing.T)) {
	if underRace {
		t.Skip("memory is not what it is otherwise")
	}
	const env = "IDLEWIRE_ALONE"
	if os.Getenv(env) == t.Name() {
		f(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), env+"="+t.Name())
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if err != nil || strings.Contains(line, ".go:") {
			t.Log(strings.TrimRight(line, "\n"))
		}
	}
	require.NoError(t, err)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
}

// A scale is a Compression that weighs the heap in the middle of each decompressing, when as much is held as ever.
type scale struct {
	*deflate.Options
	heaviest int // octets of living objects
}

func (s *scale) Accept(offers []handshake.Extension) (handshake.Extension, conn.Compressor, bool) {
	answer, c, ok := s.Options.Accept(offers)
	return answer, weighed{c, s}, ok
}

func (s *scale) Agree(agreed []handshake.Extension) (conn.Compressor, error) {
	c, err := s.Options.Agree(agreed)
	if c == nil || err != nil {
		return c, err
	}
	return weighed{c, s}, nil
}

type weighed struct {
	conn.Compressor
	s *scale
}

func (c weighed) Decompressor() conn.Decompressor {
	return &weighedMessage{c.Compressor.Decompressor(), c.s}
}

type weighedMessage struct {
	conn.Decompressor
	s *scale
}

func (d *weighedMessage) Decompress(dst, src []byte, fin bool) (b, rest []byte, full bool, err error) {
	d.s.heaviest = max(d.s.heaviest, weigh())
	b, rest, full, err = d.Decompressor.Decompress(dst, src, fin)
	d.s.heaviest = max(d.s.heaviest, weigh())
	runtime.KeepAlive(src)
	runtime.KeepAlive(dst)
	return b, rest, full, err
}

// weigh returns the octets of living objects; what pools hold for nobody is no longer there.
func weigh() int {
	for range 2 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// bombed has v fail for a bomb without end, in fragments of n octets each of which is seen to have arrived, or in one frame if n is 0. It calls held, if not nil, with
// how many octets of it have been sent and how many more than before it were held at most, until v has failed.
func bombed(t *testing.T, kind victims, wire, n int, held func(sent, held int)) (most int) {
	s := &scale{Options: &deflate.Options{}}
	v := kind.open(t, conn.Options{ControlBurst: -1, Compression: s}, noTakeover)
	v.send(v.frame(frame.Text, true, 0, []byte("warm")))
	require.Equal(t, digest([]byte("warm")), v.hear())
	w := new(deflater)
	w.forever(wire)
	all := []byte(nil)
	if n == 0 {
		all = v.compressed([][]byte{w.b})
	}
	before := weigh()
	if n == 0 {
		v.send(all)
	}
	for at := 0; n > 0; at += n {
		op, rsv := frame.Continuation, byte(0)
		if at == 0 {
			op, rsv = frame.Binary, frame.Rsv1
		}
		v.send(append(v.frame(op, false, rsv, w.b[at:at+n]), v.frame(frame.Ping, true, 0, nil)...))
		if !v.pong() {
			return s.heaviest - before
		}
		if held != nil {
			held(at+n, s.heaviest-before)
		}
	}
	v.failed(frame.CloseTooBig)
	runtime.KeepAlive([][]byte{all, w.b})
	return s.heaviest - before
}

const (
	fullMessage = mebibyte + 64<<10 // the limit, by default, and as much as there may be besides

	// What a goroutine reads into is its connection's own, up to 64 KiB, also while there is no message; a loop lends its own.
	readInto = 64 << 10
)

// python websockets CVE-2018-1000518: 1 MiB of zeros, a thousand times, in one message of about 1 MB.
func TestV22Bomb(t *testing.T) {
	alone(t, func(t *testing.T) {
		for _, kind := range allVictims() {
			most := bombed(t, kind, 1000*mebibyte/1032, 0, nil)
			t.Logf("%s: at most %d KiB held", kind.name, most>>10)
			require.Greater(t, most, mebibyte*3/4, "it was not weighed") // what was there before may go meanwhile
			require.LessOrEqual(t, most, kind.budget())
		}
	})
}

// budget is what a message may make one of these hold.
func (v victims) budget() int {
	if v.name == "loop" {
		return fullMessage
	}
	return fullMessage + readInto
}

// undici CVE-2026-1526: a frame of 6 MB from a server, which stands for more than 6 GB.
func TestV24BombToAClient(t *testing.T) {
	alone(t, func(t *testing.T) {
		for _, n := range []int{0, 4000} {
			most := bombed(t, victims{"dial", openDial}, 6_000_000, n, nil)
			t.Logf("fragments of %d: at most %d KiB held", n, most>>10)
			require.Greater(t, most, mebibyte*3/4, "it was not weighed") // what was there before may go meanwhile
			require.LessOrEqual(t, most, fullMessage+readInto)
		}
	})
}

// Undertow CVE-2026-5680, CVE-2026-15565: the buffer grew by what came out. Here it grows by what came in.
func TestV78GrowsByWhatWasReceived(t *testing.T) {
	alone(t, func(t *testing.T) {
		for _, kind := range allVictims() {
			steps := 0
			most := bombed(t, kind, 200_000, 600, func(sent, held int) {
				steps++
				require.LessOrEqual(t, held, 32<<10+68*sent, "%s: %d sent", kind.name, sent)
			})
			t.Logf("%s: at most %d KiB held, after %d fragments", kind.name, most>>10, steps)
			require.Greater(t, most, mebibyte*3/4)
			require.Greater(t, steps, 20)
			require.LessOrEqual(t, most, kind.budget())
		}
	})
}
