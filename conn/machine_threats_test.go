package conn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// What went wrong in other implementations, as far as it is the machine's: the names are rows of a table of threats. V02 and
// V56 are in product_test.go, V20 in send_test.go, V65 in maskkey_test.go and protocol_test.go; V04, V15 and V17 are also
// held at every call of every test that uses play.

// bothRoles calls f for the server, which gets b masked, and for the client, which gets it as it is.
func bothRoles(t *testing.T, b []byte, f func(t *testing.T, role Role, b []byte)) {
	for _, role := range []Role{Server, Client} {
		t.Run(role.String(), func(t *testing.T) {
			f(t, role, remask(b, role == Server))
		})
	}
}

// gorilla/websocket CVE-2020-27813: a length with the top bit became negative, a sum of lengths ran over.
func TestV01LengthOverflow(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 1<<19)
	half := append(wire("7f 0000000000080000"), big...)
	ping := wire("89 01 'p'")
	sum := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, s := range []struct {
		name string
		wire []byte
		want outcome
	}{
		{"bit 63", wire("82 7f 8000000000000001"), outcome{err: frame.ErrLengthOverflow}},
		{"the greatest length, on the header", wire("02 7f 7fffffffffffffff"), outcome{err: frame.ErrMessageTooBig}},
		{"the sum runs over, on the header", wire("02 01 'x' 00 7f 7fffffffffffffff"), outcome{err: frame.ErrMessageTooBig}},
		{"the limit, with a ping between", sum(wire("02"), half, ping, wire("80"), half),
			outcome{msgs: []Message{pingOf("p"), {Op: frame.Binary, Payload: sum(big, big)}}}},
		{"one more", sum(wire("02"), half, ping, wire("00"), half, wire("80 01")),
			outcome{msgs: []Message{pingOf("p")}, err: frame.ErrMessageTooBig}},
	} {
		t.Run(s.name, func(t *testing.T) {
			bothRoles(t, s.wire, func(t *testing.T, role Role, b []byte) {
				if len(b) < 1000 {
					invariant(t, role, nil, b, s.want)
					return
				}
				for _, w := range ways {
					for _, size := range []int{len(b), 1 << 16, 1000} {
						p := Protocol{Role: role}
						same(t, play(t, &p, w, equal(b, size)...), s.want)
					}
				}
			})
		})
	}
}

// equal cuts b into chunks of size bytes.
func equal(b []byte, size int) (chunks [][]byte) {
	for i := 0; i < len(b); i += size {
		chunks = append(chunks, b[i:min(i+size, len(b))])
	}
	return chunks
}

// undici CVE-2026-1528, noPoll, ios-webkit-debug-proxy: a client and a length that is no number of bytes.
func TestV05ClientAndAnImpossibleLength(t *testing.T) {
	invariant(t, Client, nil, wire("82 7f ffffffffffffffff"), outcome{err: frame.ErrLengthOverflow})
	invariant(t, Server, nil, wire("82 ff ffffffffffffffff 'wire'"), outcome{err: frame.ErrLengthOverflow})
}

// baresip: 4 + length ran over for lengths near 1<<64. TestTheMachineImportsNothing forbids the arithmetic, TestV02DeclaredLengths has the
// length 1<<64-4.
func TestV06LengthNearTheTop(t *testing.T) {
	invariant(t, Client, &Options{MaxMessage: -1}, wire("82 7f fffffffffffffffc"), outcome{err: frame.ErrLengthOverflow})
}

// fastws: the payload of a Close shorter than its code.
func TestV08ClosePayloadLengths(t *testing.T) {
	for n := range 127 {
		payload := "\x03\xe8" + strings.Repeat("x", 125)
		want := outcome{msgs: []Message{closeOf(payload[:n])}}
		b := append([]byte{0x88, byte(n)}, payload[:n]...)
		switch n {
		case 1:
			want = outcome{err: frame.ErrCloseLength}
		case 126:
			b = append(wire("88 7e 007e"), payload[:n]...)
			want = outcome{err: frame.ErrControlTooLong}
		}
		bothRoles(t, b, func(t *testing.T, role Role, b []byte) {
			invariant(t, role, nil, b, want)
			if n == 0 {
				p := Protocol{Role: role}
				m, _, err := p.Receive(b)
				if code, reason := m.Close(); code != frame.CloseNoStatus || reason != "" || err != nil {
					t.Error(code, reason, err)
				}
			}
		})
	}
}

// gobwas/ws #54 and #223, rust-websocket CVE-2022-35922: memory for what is announced. The limits are off here, so that only what
// arrives may cost.
func TestV10NothingIsAllocatedForAnAnnouncement(t *testing.T) {
	bothRoles(t, wire("82 7f 0000000400000000"), func(t *testing.T, role Role, b []byte) {
		p := Protocol{Role: role}
		same(t, play(t, &p, whole, b), outcome{err: frame.ErrMessageTooBig})

		n := binary.BigEndian.Uint64(b[2:])
		if bits := 32 << (^uint(0) >> 63); bits == 32 {
			n = 1<<31 - 1 // there are no longer slices
		}
		binary.BigEndian.PutUint64(b[2:], n)
		p = Protocol{Role: role, Options: &Options{MaxMessage: -1}}
		before := allocated()
		for i := range b {
			if m, _, err := p.Receive(b[i : i+1]); m.Op != 0 || err != nil {
				t.Fatal(m, err)
			}
		}
		if n := p.Buffered(); n > 512 {
			t.Errorf("%d bytes held for a header", n)
		}
		for range 1000 {
			if m, _, err := p.Receive([]byte("x")); m.Op != 0 || err != nil {
				t.Fatal(m, err)
			}
		}
		if n := p.Buffered(); n > 2*1000+4096 {
			t.Errorf("%d bytes held for 1000", n)
		}
		if n := allocated() - before; n > 64<<10 {
			t.Errorf("%d bytes allocated for 1000", n)
		}
		p.Release()
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// gorilla, gobwas and coder do not check it: 5.2, "the minimal number of bytes MUST be used".
func TestV13LengthNotMinimal(t *testing.T) {
	for _, s := range []string{"82 7e 0005 'hello'", "82 7e 007d 125*00", "82 7f 000000000000007e 126*00", "82 7f 000000000000ffff 65535*00", "82 7e 0000", "82 7f 0000000000000000"} {
		bothRoles(t, wire(s), func(t *testing.T, role Role, b []byte) {
			invariant(t, role, nil, b, outcome{err: frame.ErrLengthNotMinimal})
		})
	}
}

// Netty CVE-2014-0193, ws CVE-2026-48779, undici CVE-2026-12151 (the client), aiohttp CVE-2026-54274: a message that never
// ends, in fragments of any size. It is the limit that is met first that speaks, and until then memory follows the wire.
func TestV14EndlessFragments(t *testing.T) {
	limit := 1 << 15
	if raceBuild {
		limit = 1 << 12
	}
	for _, s := range []struct {
		size int
		o    Options
		want error
	}{
		{0, Options{}, frame.ErrTooManyFragments},
		{1, Options{}, frame.ErrTooManyFragments},
		{2, Options{}, frame.ErrTooManyFragments},
		{1, Options{MaxMessage: limit, MaxFragments: -1}, frame.ErrMessageTooBig},
		{2, Options{MaxMessage: limit, MaxFragments: -1}, frame.ErrMessageTooBig},
		{16, Options{MaxMessage: limit, MaxFragments: -1}, frame.ErrMessageTooBig},
		{125, Options{MaxMessage: limit, MaxFragments: -1}, frame.ErrMessageTooBig},
		{2000, Options{MaxMessage: limit, MaxFragments: -1}, frame.ErrMessageTooBig},
		{0, Options{MaxFragments: 1}, frame.ErrTooManyFragments},
		{1, Options{MaxMessage: 10}, frame.ErrMessageTooBig},
	} {
		for _, step := range []int{1 << 16, 7, 1} {
			t.Run(fmt.Sprintf("V15, V16, %d bytes, limits %d, %d, read by %d", s.size, s.o.MaxMessage, s.o.MaxFragments, step), func(t *testing.T) {
				one := frame.Append(nil, frame.Header{}, bytes.Repeat([]byte("x"), s.size))
				b := append([]byte{0x02}, one[1:]...)
				n := 1500 // more than MaxFragments
				if s.o.MaxFragments < 0 {
					n = limit/s.size + 1 // more than MaxMessage
				} else if step == 1<<16 && s.size == 0 {
					n = 200_000 // more than anybody looks at
				}
				for range n {
					b = append(b, one...)
				}
				bothRoles(t, b, func(t *testing.T, role Role, b []byte) {
					for _, w := range ways {
						p := Protocol{Role: role, Options: &s.o}
						same(t, play(t, &p, w, equal(b, step)...), outcome{err: s.want})
					}
				})
			})
		}
	}
}

// ws CVE-2026-48779: 200 000 empty fragments cost it 15 times what was on the wire. Here they count, and hold next to nothing.
func TestV15EmptyFragmentsToAServer(t *testing.T) { emptyFragments(t, Server) }

// undici CVE-2026-12151: the same to a client.
func TestV16EmptyFragmentsToAClient(t *testing.T) { emptyFragments(t, Client) }

func emptyFragments(t *testing.T, role Role) {
	b := remask(append(wire("01 00"), bytes.Repeat(wire("00 00"), 200_000)...), role == Server)
	p := Protocol{Role: role, Options: &Options{MaxFragments: 200_000}}
	same(t, play(t, &p, whole, equal(b[:len(b)/2], 1000)...), outcome{})
	if n := p.Buffered(); n > 512 {
		t.Errorf("%d bytes held for 100 000 fragments of nothing", n)
	}
	same(t, play(t, &p, whole, b[len(b)/2:]), outcome{err: frame.ErrTooManyFragments})
	p = Protocol{Role: role}
	same(t, play(t, &p, whole, b), outcome{err: frame.ErrTooManyFragments})
	if CodeOf(p.breach.err()) != frame.ClosePolicyViolation {
		t.Error(CodeOf(p.breach.err()))
	}
}

// .NET CVE-2021-26423 and CVE-2026-62901, Tomcat CVE-2020-13935, POCO: a loop that goes on without consuming. Built with race, the machine counts the
// turns of its only loop, and play wants at most one for two bytes consumed, in this and every other test and in the fuzz targets; in
// any build it wants every call to bring the stream forward.
func TestV04WorkIsBoundedByTheBytes(t *testing.T) {
	for _, s := range []string{strings.Repeat("89 00 ", 5000), "01 20001*00", "89 00 8a 00", "82 7f 00000000000fffff 'x'", "02 7f 7fffffffffffffff", "88 00 9999*ff"} {
		b := wire(s)
		for _, size := range []int{len(b), 1, 2, 3, 1000} {
			for _, w := range ways {
				p := Protocol{Role: Client, Options: &Options{MaxFragments: -1}}
				play(t, &p, w, equal(b, size)...)
			}
		}
	}
}

// At each limit, and one past it.
func TestLimits(t *testing.T) {
	fragments := func(n, size int) []byte {
		var b []byte
		for i := range n {
			h := frame.Header{Fin: i == n-1}
			if i == 0 {
				h.Opcode = frame.Binary
			}
			b = frame.Append(b, h, bytes.Repeat([]byte("x"), size))
		}
		return b
	}
	binaryOfN := func(n int) outcome {
		return outcome{msgs: []Message{{Op: frame.Binary, Payload: bytes.Repeat([]byte("x"), n)}}}
	}
	for _, s := range []struct {
		name string
		o    *Options
		wire []byte
		want outcome
	}{
		{"MaxFragments, default", nil, fragments(1024, 1), binaryOfN(1024)},
		{"MaxFragments, default, one more", nil, fragments(1025, 1), outcome{err: frame.ErrTooManyFragments}},
		{"MaxFragments, empty ones count", nil, fragments(1025, 0), outcome{err: frame.ErrTooManyFragments}},
		{"MaxFragments 1", &Options{MaxFragments: 1}, fragments(1, 9), binaryOfN(9)},
		{"MaxFragments 1, one more", &Options{MaxFragments: 1}, fragments(2, 9), outcome{err: frame.ErrTooManyFragments}},
		{"MaxFragments off", &Options{MaxFragments: -1}, fragments(2000, 1), binaryOfN(2000)},
		{"MaxMessage 1000, one frame", &Options{MaxMessage: 1000}, fragments(1, 1000), binaryOfN(1000)},
		{"MaxMessage 1000, one more", &Options{MaxMessage: 1000}, fragments(1, 1001), outcome{err: frame.ErrMessageTooBig}},
		{"MaxMessage 1000, fragments", &Options{MaxMessage: 1000}, fragments(10, 100), binaryOfN(1000)},
		{"MaxMessage 1000, empty fragment at the limit", &Options{MaxMessage: 1000}, append(fragments(10, 100)[:1020-102], wire("00 64 100*78 80 00")...), binaryOfN(1000)},
		{"MaxMessage 1000, a byte at the limit", &Options{MaxMessage: 1000}, append(fragments(10, 100)[:1020-102], wire("00 64 100*78 80 01 78")...), outcome{err: frame.ErrMessageTooBig}},
		{"MaxMessage is each message's", &Options{MaxMessage: 3}, wire("82 03 'xxx' 82 03 'yyy'"), outcome{msgs: []Message{binaryOf("xxx"), binaryOf("yyy")}}},
		{"MaxMessage is not for control frames", &Options{MaxMessage: 3, MaxFragments: 1}, wire("89 04 'ping'"), outcome{msgs: []Message{pingOf("ping")}}},
		{"MaxMessage 1", &Options{MaxMessage: 1}, wire("81 01 'x' 81 00 81 02 'xx'"), outcome{msgs: []Message{textOf("x"), textOf("")}, err: frame.ErrMessageTooBig}},
	} {
		t.Run(s.name, func(t *testing.T) {
			bothRoles(t, s.wire, func(t *testing.T, role Role, b []byte) {
				invariant(t, role, s.o, b, s.want)
			})
		})
	}
	// 1 MiB, the default, is long; off is more.
	for n, want := range map[int]error{1<<20 - 1: nil, 1 << 20: nil, 1<<20 + 1: frame.ErrMessageTooBig} {
		p := Protocol{Role: Client}
		if o := play(t, &p, whole, equal(fragments(1, n), 1<<15)...); o.err != want || len(o.msgs) != 1 && want == nil {
			t.Errorf("%d bytes: %v", n, o.err)
		}
		p = Protocol{Role: Client, Options: &Options{MaxMessage: -1}}
		if o := play(t, &p, whole, equal(fragments(1, n), 1<<15)...); o.err != nil || len(o.msgs) != 1 || len(o.msgs[0].Payload) != n {
			t.Errorf("%d bytes, no limit: %v", n, o.err)
		}
	}
}

// aiohttp CVE-2026-54274, PR #13350: a frame that is legal, announced whole and sent in dribbles.
func TestV17Dribble(t *testing.T) {
	const n = 1<<16 - 1
	for _, step := range []int{1, 2, 16, 125, 1000} {
		for _, op := range []frame.Opcode{frame.Text, frame.Binary} {
			b := frame.Append(nil, frame.Header{Opcode: op, Fin: true}, bytes.Repeat([]byte("x"), n))
			bothRoles(t, b, func(t *testing.T, role Role, b []byte) {
				p := Protocol{Role: role, Options: &Options{MaxMessage: n + 1}}
				o := play(t, &p, whole, equal(b, step)...) // which looks at Buffered after every call
				if o.err != nil || len(o.msgs) != 1 || len(o.msgs[0].Payload) != n || p.Buffered() != 0 {
					t.Error(o, p.Buffered())
				}
			})
		}
	}
}

// haskell websockets, userver, glaze: pings of any length. The header is enough to refuse.
func TestV20ControlFrameTooLong(t *testing.T) {
	for _, s := range []string{"89 7e 00c8", "8a 7e 007e", "88 7f 0000000000010000", "89 7e", "89 7f"} {
		bothRoles(t, wire(s), func(t *testing.T, role Role, b []byte) {
			b = b[:2] // the second byte says it
			invariant(t, role, nil, b, outcome{err: frame.ErrControlTooLong})
		})
	}
}

// aiohttp PR #12976: a reserved bit without an extension.
func TestV28ReservedBits(t *testing.T) {
	for _, s := range []string{"c1 05 'Hello'", "a1 05 'Hello'", "91 05 'Hello'", "c9 00", "01 00 c0 00"} {
		bothRoles(t, wire(s), func(t *testing.T, role Role, b []byte) {
			invariant(t, role, nil, b, outcome{err: frame.ErrReservedBits})
		})
	}
}

// Bun, Caddy, websocket-sharp and more: the first frame came with the end of the handshake, and was lost. The machine takes up at any
// byte: whatever followed the blank line is its b.
func TestV42FirstFrameBehindTheHandshake(t *testing.T) {
	handshake := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
	bothRoles(t, wire("81 05 'first' 89 01 'p'"), func(t *testing.T, role Role, b []byte) {
		segment := append([]byte(handshake), b...)
		for cut := len(handshake); cut <= len(segment); cut++ {
			var p Protocol
			p.Role = role
			same(t, play(t, &p, whole, segment[len(handshake):cut], segment[cut:]), outcome{msgs: []Message{textOf("first"), pingOf("p")}})
		}
	})
}

// facil.io, aiohttp, coder: the wrong side masks, and is heard all the same.
func TestV53MaskDirection(t *testing.T) {
	invariant(t, Server, nil, wire("81 05 'hello'"), outcome{err: frame.ErrMaskRequired})
	invariant(t, Client, nil, wire("81 85 00000000 'hello'"), outcome{err: frame.ErrMaskForbidden})
	invariant(t, Server, nil, wire("89 00"), outcome{err: frame.ErrMaskRequired})
	invariant(t, Client, nil, wire("88 82 00000000 03e8"), outcome{err: frame.ErrMaskForbidden})
	invariant(t, Server, nil, wire("01 81 00000000 'h' 80 01 'i'"), outcome{err: frame.ErrMaskRequired})
}

// tetsuo-pulse, tinymux: a continuation of nothing was taken for binary, around the UTF-8 check.
func TestV54Continuation(t *testing.T) {
	for s, want := range map[string]outcome{
		"80 02 fffe":               {err: frame.ErrUnexpectedContinuation},
		"00 00":                    {err: frame.ErrUnexpectedContinuation},
		"01 00 81 00":              {err: frame.ErrExpectedContinuation},
		"01 00 02 00":              {err: frame.ErrExpectedContinuation},
		"81 01 'x' 80 00":          {msgs: []Message{textOf("x")}, err: frame.ErrUnexpectedContinuation},
		"01 01 'x' 89 00 80 01 ff": {msgs: []Message{pingOf("")}, err: frame.ErrInvalidUTF8},
		"01 01 'x' 89 00 80 00":    {msgs: []Message{pingOf(""), textOf("x")}},
	} {
		bothRoles(t, wire(s), func(t *testing.T, role Role, b []byte) { invariant(t, role, nil, b, want) })
	}
}

// cowlib, Beast, moonbit, Mattermost: text in every kind of cut. It fails at the byte with which it becomes impossible, not later and not
// earlier, in a frame and in fragments.
func TestV55TextFailsAtTheFirstImpossibleByte(t *testing.T) {
	for _, s := range []string{
		"\xff", "a\x80", "\xc0\x80", "\xc1\xbf", "\xc3a", "\xc3", "\xe0\x9f\xbf", "\xe0\xa0", "\xe2\x82", "\xe2\x82a", "\xed\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
		"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4", strings.Repeat("x", 200) + "\xe2\x82\xac\xfe" + strings.Repeat("x", 200),
	} {
		// One byte after the other, in one frame, and each in a fragment of its own.
		bothRoles(t, frame.Append(nil, frame.Header{Opcode: frame.Text, Fin: true}, []byte(s)), func(t *testing.T, role Role, b []byte) {
			failsAt(t, role, b, s, len(b)-len(s), 1)
		})
		var b []byte
		for i := range len(s) {
			h := frame.Header{Fin: i == len(s)-1}
			if i == 0 {
				h.Opcode = frame.Text
			}
			b = frame.Append(b, h, []byte{s[i]})
		}
		bothRoles(t, b, func(t *testing.T, role Role, b []byte) {
			each := len(b) / len(s)
			failsAt(t, role, b, s, each-1, each)
		})
	}
}

// failsAt feeds b byte by byte; byte i of text s stands at first+i*each.
func failsAt(t *testing.T, role Role, b []byte, s string, first, each int) {
	t.Helper()
	for _, w := range []way{whole, parts} {
		want := -1
		for i := range len(s) {
			if !oracleText([]byte(s[:i+1]), i == len(s)-1) {
				want = first + i*each
				break
			}
		}
		p := Protocol{Role: role}
		got := -1
		for i := range b {
			receive := p.Receive
			if w == parts {
				receive = p.ReceivePart
			}
			if _, _, err := receive([]byte{b[i]}); err != nil {
				got = i
				break
			}
		}
		if got != want {
			t.Errorf("%v, %q: failed at byte %d, want %d", w, s, got, want)
		}
	}
}

// nbio #347, Tomcat PR #1041: the Close was lost. What a machine appends ends with its Close, with that code, whatever is asked of
// it afterwards.
func TestV60CloseIsTheLastThingSaid(t *testing.T) {
	prepared, err := Prepare(frame.Text, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []Role{Server, Client} {
		p := Protocol{Role: role}
		b, err := p.AppendMessage(nil, frame.Text, []byte("last words"))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = p.AppendClose(b, 3999, "enough"); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			b, _ = p.AppendMessage(b, frame.Text, []byte("x"))
			b, _ = p.AppendFragment(b, frame.Text, false, []byte("x"))
			b, _ = p.AppendPing(b, nil)
			b, _ = p.AppendPong(b, nil)
			b, _ = p.AppendClose(b, frame.CloseNormal, "")
			b, _ = p.AppendPrepared(b, prepared)
			b = p.AppendReply(b, pingOf("x"))
			b = p.AppendReply(b, closeOf("\x03\xe8"))
			if _, err := p.PreparedFrame(prepared); err == nil {
				t.Error("a prepared frame after Close")
			}
		}
		peer := Protocol{Role: Client - role}
		same(t, play(t, &peer, whole, b), outcome{msgs: []Message{textOf("last words"), closeOf("\x0f\x9fenough")}})
	}
}

// Tyrus, OkHttp, tinymux: floods of pings. To the machine a ping costs nothing that lasts; how many may come in a second is
// the drivers' to say. 5.5.3 would allow to answer only the last of ten, but Autobahn 2.10 wants all.
func TestV61Pings(t *testing.T) {
	bothRoles(t, bytes.Repeat(wire("89 02 'hi'"), 10), func(t *testing.T, role Role, b []byte) {
		p := Protocol{Role: role}
		var out []byte
		for rest := b; ; {
			m, r, err := p.Receive(rest)
			if err != nil {
				t.Fatal(err)
			}
			if rest = r; m.Op == 0 {
				break
			}
			out = p.AppendReply(out, m)
		}
		peer := Protocol{Role: Client - role}
		same(t, play(t, &peer, whole, out), outcome{msgs: []Message{pongOf("hi"), pongOf("hi"), pongOf("hi"), pongOf("hi"), pongOf("hi"),
			pongOf("hi"), pongOf("hi"), pongOf("hi"), pongOf("hi"), pongOf("hi")}})
	})

	p := Protocol{Role: Client}
	b, out := wire("89 02 'hi'"), make([]byte, 0, 16)
	n := 1_000_000
	if raceBuild {
		n = 10_000
	}
	before := allocated()
	for range n {
		m, _, err := p.Receive(b)
		if err != nil || m.Op != frame.Ping {
			t.Fatal(m, err)
		}
		out = p.AppendReply(out[:0], m)
		copy(b, "\x89\x02hi") // built with race, the payload is overwritten
	}
	if n := allocated() - before; n > 8<<10 && !raceBuild || p.Buffered() != 0 {
		t.Errorf("%d bytes allocated, %d held for a million pings", n, p.Buffered())
	}
}

// Every code there is, received and sent, in both roles.
func TestV63CloseCodes(t *testing.T) {
	for code := range 1 << 16 {
		valid := oracleCode(code)
		for _, role := range []Role{Server, Client} {
			p := Protocol{Role: role}
			b, err := p.AppendClose(nil, frame.CloseCode(code), "why")
			if (err == nil) != valid || (len(b) > 0) != valid || p.CloseSent() != valid {
				t.Fatalf("%v says %d: %v", role, code, err)
			}
			b = frame.Append(nil, frame.Header{Opcode: frame.Close, Fin: true, Masked: role == Server, Key: 7}, []byte{byte(code >> 8), byte(code), 'w', 'h', 'y'})
			p = Protocol{Role: role}
			m, _, err := p.Receive(b)
			if valid {
				if got, reason := m.Close(); err != nil || int(got) != code || reason != "why" || !p.CloseReceived() {
					t.Fatalf("%v hears %d: %v %q, %v", role, code, got, reason, err)
				}
			} else if err != frame.ErrCloseCode || CodeOf(err) != frame.CloseProtocolError || m.Op != 0 || p.CloseReceived() {
				t.Fatalf("%v hears %d: %v, %v", role, code, m, err)
			}
		}
	}
}

// gorilla panics at the thousandth read after an error.
func TestV66ReadAfterError(t *testing.T) {
	for _, s := range []struct {
		wire string
		want error
	}{{"83 00", frame.ErrReservedOpcode}, {"81 01 ff", frame.ErrInvalidUTF8}, {"01 00 81 00", frame.ErrExpectedContinuation}} {
		p := Protocol{Role: Client}
		if o := play(t, &p, whole, wire(s.wire)); o.err != s.want {
			t.Fatal(o)
		}
		b := wire("81 01 'x'")
		for range 1_000_000 {
			if m, rest, err := p.Receive(b); err != s.want || m.Op != 0 || rest != nil {
				t.Fatal(m, err)
			}
		}
		if !bytes.Equal(b, wire("81 01 'x'")) {
			t.Error("the bytes were touched")
		}
	}
	// So it is after Close, only that it is no error.
	p := Protocol{Role: Client}
	play(t, &p, whole, wire("88 00"))
	for range 1_000_000 {
		if m, rest, err := p.Receive([]byte{0xff, 0xff}); err != nil || m.Op != 0 || rest != nil {
			t.Fatal(m, err)
		}
	}
}
