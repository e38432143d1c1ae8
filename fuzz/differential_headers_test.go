package fuzz

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/stretchr/testify/require"
)

// A headerTwin holds a header against three readers: the reference, frame.ParseHeader and gobwas/ws. Its octets are those that a header of this beginning
// has, and none is missing.
type headerTwin struct {
	octets [maxHeader]byte
	in     bytes.Reader
	ref    reference
	known  [len(headerQuirks)]int
}

// headerQuirks are where gobwas is known to accept what the reference does not. There is nothing that it refuses and the reference does not.
var headerQuirks = [...]struct{ what, why string }{
	{NotMinimal, "ws.ReadHeader takes any form of a length"},
	{"RSV2 or RSV3 with an extension", "ws.CheckHeader looks at no bit of RSV once there is an extension; wsflate.MessageState looks at RSV1, and is asked here"},
}

const anyRsv = "RSV without an extension that gives it a meaning"

var headerExcept = map[bool][]string{false: {NotMinimal, LongControls}, true: {NotMinimal, LongControls, anyRsv}}

// sizeOf is how long a header is that begins with b.
func sizeOf(second byte) int {
	n := 2
	switch second & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if second >= 0x80 {
		n += 4
	}
	return n
}

// check compares. In is whether a message is being received, deflate whether there is compression.
func (t *headerTwin) check(role Role, in, deflate bool) string {
	b := t.octets[:sizeOf(t.octets[1])]
	h, size, fault := t.reference(role, in, deflate, b, nil)

	// gobwas/ws
	state := ws.StateServerSide
	if role == Client {
		state = ws.StateClientSide
	}
	if in {
		state |= ws.StateFragmented
	}
	if deflate {
		state |= ws.StateExtended
	}
	t.in.Reset(b)
	g, err := ws.ReadHeader(&t.in)
	if err == nil {
		err = ws.CheckHeader(g, state)
	}
	if err == nil && deflate {
		_, _, err = wsflate.UnsetBit(g)
	}
	want, lenient := h, fault
	if err == nil && fault.Code != 0 { // with what it does not look at put aside, it has to be right all the same
		want, _, lenient = t.reference(role, in, deflate, b, headerExcept[deflate])
		if fault.Rule == anyRsv {
			t.known[1]++
		} else {
			t.known[0]++
		}
	}
	if (err == nil) != (lenient.Code == 0) {
		return fmt.Sprintf("gobwas: % x to a %v, in a message: %v, deflate: %v: %+v, %v; want %v", b, role, in, deflate, g, err, fault)
	}
	if err == nil && (g.Fin != want.fin || g.Rsv != want.rsv || byte(g.OpCode) != want.op || uint64(g.Length) != want.length || g.Mask != want.key || t.in.Len() != 0) {
		return fmt.Sprintf("gobwas: % x is %+v; want %+v", b, g, want)
	}
	return t.ours(role, in, deflate, b, h, size, fault)
}

// reference reads the header as package fuzz does.
func (t *headerTwin) reference(role Role, in, deflate bool, b []byte, except []string) (h header, size int, fault Fault) {
	t.ref = reference{Setup: Setup{Role: role}, stream: b, except: except}
	if deflate {
		t.ref.Deflate = &anyDeflate
	}
	if in {
		t.ref.op = OpText
	}
	defer func() {
		if e := recover(); e != nil && e != (over{}) {
			panic(e)
		}
		fault = t.ref.v.Fault
		if fault.Section == "5.5.1" { // a Close of one octet is no matter of its header
			h, size, fault = t.late(role, in, deflate, b)
		}
	}()
	h = t.ref.header()
	return h, t.ref.at, fault
}

// late is reference for a Close of one octet, whose fault is its length.
func (t *headerTwin) late(role Role, in, deflate bool, b []byte) (h header, size int, fault Fault) {
	t.ref.at, t.ref.v, t.ref.late = 0, Verdict{}, lateness{frame: true}
	h = t.ref.header()
	return h, t.ref.at, fault
}

var anyDeflate = Deflate{Bits: 15}

// ours reads the header as package frame does, which does not know about messages.
func (t *headerTwin) ours(role Role, in, deflate bool, b []byte, h header, size int, fault Fault) string {
	from, rsv := frame.FromClient, byte(0)
	if role == Client {
		from = frame.FromServer
	}
	if deflate && b[0]&15 != OpContinuation && b[0]&8 == 0 {
		rsv = frame.Rsv1
	}
	p, used, err := frame.ParseHeader(b, from, rsv)
	if fault.Section == "5.4" { // continuations and beginnings out of place
		return ""
	}
	if (err == nil) != (fault.Code == 0) {
		return fmt.Sprintf("frame: % x to a %v, deflate: %v: %+v, %v; want %v", b, role, deflate, p, err, fault)
	}
	key := binary.LittleEndian.Uint32(h.key[:])
	if err == nil && (used != size || p.Fin != h.fin || p.Rsv != h.rsv || byte(p.Opcode) != h.op || uint64(p.Length) != h.length || p.Key != key) {
		return fmt.Sprintf("frame: % x is %+v, %d; want %+v, %d", b, p, used, h, size)
	}
	return ""
}

// extended are the extended lengths that are tried with all first two octets.
var extended = func() (all []uint64) {
	all = append(all, 0, 1, 124, 125, 126, 127, 255, 256, 65535, 65536)
	for shift := 17; shift < 64; shift++ {
		all = append(all, 1<<shift-1, 1<<shift, 1<<shift+1)
	}
	return append(all, 1<<64-1, 1<<64-4)
}()

// systematic makes header i of those that are tried one by one: both octets, and lengths.
func (t *headerTwin) systematic(i int) {
	first, second, n := byte(i>>8), byte(i), extended[i>>16]
	t.octets = [maxHeader]byte{first, second}
	switch second & 0x7f {
	case 126:
		binary.BigEndian.PutUint16(t.octets[2:], uint16(n))
	case 127:
		binary.BigEndian.PutUint64(t.octets[2:], n)
	}
	if second >= 0x80 {
		copy(t.octets[sizeOf(second)-4:], "\x37\xfa\x21\x3d")
	}
}

// allSystematic is how many these are.
var allSystematic = 65536 * len(extended)

// random makes a header of which all may be, but what is likely to be accepted is likely.
func (t *headerTwin) random(r *rand.PCG) {
	a, b := r.Uint64(), r.Uint64()
	binary.LittleEndian.PutUint64(t.octets[2:], b)
	binary.LittleEndian.PutUint32(t.octets[10:], uint32(a>>32))
	t.octets[0], t.octets[1] = byte(a), byte(a>>8)
	if a>>16&3 != 0 { // no RSV, an opcode that there is, a length in more octets, of few or many bits
		t.octets[0] = t.octets[0]&0x80 | [...]byte{0, 1, 2, 8, 9, 10, 1, 2}[a>>18&7]
		if a>>21&1 == 0 {
			t.octets[1] = t.octets[1]&0x80 | 126 + byte(a>>22&1)
			binary.BigEndian.PutUint64(t.octets[2:], b>>(a>>23&63))
		}
	}
}

// Of any header gobwas/ws and package frame make what the reference does, or it is explained: first all of the first two octets, with lengths where
// parsers change their ways, then any; IDLEWIRE_HEADERS in all, and only
// some of the first if these are few. Each is read in the roles and states that its number says.
func TestDifferentialHeaders(t *testing.T) {
	n := howMany(t, "IDLEWIRE_HEADERS", 300_000)
	var next atomic.Int64
	var mu sync.Mutex // guards the rest
	var wrong []string
	var known [len(headerQuirks)]int
	var all sync.WaitGroup
	const batch = 1 << 12
	step := max(1, allSystematic/(n/2)) // of a short run
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			twin := &headerTwin{}
			for text := ""; text == ""; {
				from := int(next.Add(batch)) - batch
				if from >= n {
					break
				}
				r := rand.NewPCG(1, uint64(from))
				for i := from; i < min(from+batch, n) && text == ""; i++ {
					if i < n/2 && i*step < allSystematic {
						twin.systematic(i * step)
					} else {
						twin.random(r)
					}
					state := r.Uint64()
					text = twin.check(Role(state&1), state&2 != 0, state&4 != 0)
					if text != "" {
						mu.Lock()
						wrong = append(wrong, text)
						mu.Unlock()
						next.Store(int64(n))
					}
				}
			}
			mu.Lock()
			for i := range known {
				known[i] += twin.known[i]
			}
			mu.Unlock()
		})
	}
	all.Wait()
	for i, q := range headerQuirks {
		t.Logf("%9d accepted by gobwas: %s: %s", known[i], q.what, q.why)
		require.NotZero(t, known[i], "a quirk that there is no more")
	}
	t.Logf("%d headers, %d unexplained", min(n, int(next.Load())), len(wrong))
	require.Empty(t, wrong)
}
