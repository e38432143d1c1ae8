package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/fuzz"
)

// What is said only of those who are held to more than the RFC says.
func TestJudgeStrict(t *testing.T) {
	const hello, ping, ping2 = "8185 00000000 48656c6c6f", "8982 00000000 6869", "8981 00000000 61"
	const bye, fault = "8882 00000000 03e8", "8380 00000000"
	for _, row := range []struct {
		name, sent, got string
		end             ending
		late            string
		want            string // the finding that -strict adds; "": there is none
	}{
		{"good", hello + ping + ping2 + bye, "8105 48656c6c6f 8a02 6869 8a01 61 8802 03e8", finished, "", ""},
		{"5.5.3 the newest pong", ping + ping2 + bye, "8a01 61 8802 03e8", finished, "", "odd: 5.5.3: what stands before a Close is answered: leaves out a pong"},
		{"no echo before a Close", hello + bye, "8802 03e8", finished, "", "odd: -: what stands before a Close is answered: loses a message"},
		{"no echo before a fault", hello + fault, "8802 03ea", finished, "", "odd: -: what stands before a fault is answered: loses a message"},
		{"no pong before a fault", ping + fault, "8802 03ea", finished, "", "odd: 5.5.3: what stands before a fault is answered: leaves out a pong"},
		{"all before a fault", hello + ping + fault, "8105 48656c6c6f 8a02 6869 8802 03ea", finished, "", ""},
		{"a reset takes what it finds", hello + fault, "8802 03ea", reset, "", ""},
		{"10.4 a flood", strings.Repeat(ping, commonControls+1) + bye, "8802 03e8", finished, "", ""},
		{"5.5.2 a ping", bye, "8901 61 8802 03e8", finished, "", "odd: 5.5.2: a ping may be sent at any time: sends one"},
		{"8.1 waits", "0182 00000000 61ff", "", running, earlyFailure, "odd: 8.1: text that cannot become UTF-8 is refused at once: waits"},
		{"8.1 does not wait", "0182 00000000 61ff", "8802 03ef", finished, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := &played{plan: &plan{}, role: fuzz.Server, sent: octetsOf(t, row.sent), got: octetsOf(t, row.got), end: row.end, late: row.late}
			w := common()
			require.Empty(t, judge(p, w), "not strict")
			w.strict = true
			titles(t, judge(p, w), row.want)
		})
	}
}

func titles(t *testing.T, found []*finding, want string) {
	t.Helper()
	if want == "" {
		for _, f := range found {
			require.Fail(t, f.title())
		}
		return
	}
	require.NotEmpty(t, found)
	require.Contains(t, found[0].title(), want)
}

// What a client has to do besides.
func TestJudgeClient(t *testing.T) {
	const fresh = "8a81 01020304 60 8a81 01020305 60 8a81 01020306 60 8882 01020307 02ea"
	const same = "8a81 01020304 60 8a81 01020304 60 8882 01020304 02ea"
	const pings = "8901 61 8901 61"
	w := common()
	w.strict = true
	judged := func(sent, got, late string) []*finding {
		return judge(&played{plan: &plan{}, role: fuzz.Client, sent: octetsOf(t, sent), got: octetsOf(t, got), late: late}, w)
	}
	titles(t, judged(pings+"8901 61 8802 03e8", fresh, ""), "")
	titles(t, judged(pings+"8802 03e8", same, ""), "broken: 5.3: each frame has a fresh masking key: masks all frames with the same")
	titles(t, judged("8802 03e8", "8882 01020304 02ea", clientsEnd), "odd: 7.1.1: a client does not wait for ever")
}

// An answer that takes too long is a finding of its own.
func TestJudgeSlow(t *testing.T) {
	w := common()
	p := &played{plan: &plan{}, role: fuzz.Server, sent: octetsOf(t, "8880 00000000"), got: octetsOf(t, "8800"), end: finished, latest: 300 * time.Millisecond, waited: "a pong"}
	titles(t, judge(p, w), "")
	w.slow = 301 * time.Millisecond
	titles(t, judge(p, w), "")
	w.slow = 300 * time.Millisecond
	titles(t, judge(p, w), "slow: -: answers come within 300ms: takes longer for a pong")
}

// What is compressed, and what is not, of three messages that are the same.
func TestJudgeCompression(t *testing.T) {
	random := draw(1, 1)
	for _, row := range []struct {
		name     string
		payload  []byte
		takeover bool
		squeeze  []bool // what comes back compressed
		want     string
	}{
		{"all", make([]byte, minSqueezed), false, []bool{true, true}, ""},
		{"nothing", make([]byte, minSqueezed), false, []bool{false, false}, "odd: RFC 7692 6: a message that compression makes shorter is compressed: sends it as it is"},
		{"too short to matter", make([]byte, minSqueezed-1), false, []bool{false, false}, ""},
		{"does not shrink", octets(random, minSqueezed), false, []bool{false, false}, ""},
		{"no takeover was agreed on", words(random, minSqueezed), false, []bool{true, true}, ""},
		{"no takeover", words(random, minSqueezed), true, []bool{true, true}, "odd: RFC 7692 7.1.1: a message refers to those before it, if that was agreed on: does not"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var sent, got []byte
			for _, squeeze := range row.squeeze {
				f := fuzz.Frame{Fin: true, Opcode: fuzz.OpBinary, Length: uint64(len(row.payload)), Payload: row.payload}
				back := f
				f.Masked = true
				sent = f.Append(sent)
				if squeeze {
					back.Rsv, back.Payload = 4, afresh(t, row.payload)
					back.Length = uint64(len(back.Payload))
				}
				got = back.Append(got)
			}
			z := &fuzz.Deflate{Bits: 15, Takeover: row.takeover}
			p := &played{plan: &plan{}, role: fuzz.Server, to: z, from: z, sent: sent, got: got}
			w := common()
			titles(t, judge(p, w), "")
			w.compress = true
			titles(t, judge(p, w), row.want)
		})
	}
}

// What counts depends on what is wanted.
func TestCounts(t *testing.T) {
	lax, strict := &hunt{}, &hunt{flags: flags{strict: true}}
	for _, row := range []struct {
		f           finding
		lax, strict bool
	}{
		{finding{class: odd}, false, true},
		{finding{class: odd, moot: true}, false, false},
		{finding{class: slow}, true, true}, // it is there only if it was asked for
		{finding{class: lesser}, true, true},
		{finding{class: broken}, true, true},
	} {
		require.Equal(t, row.lax, lax.counts(&row.f), row.f.class)
		require.Equal(t, row.strict, strict.counts(&row.f), row.f.class)
	}

	// RFC 7692, 7.1.2.1: a message refers 610 octets back, which a window of 256 does not reach.
	w := common()
	w.strict = true
	far := append(append([]byte("beginning "), words(draw(1, 1), 600)...), "beginning "...)
	squeezed := afresh(t, far)
	f := fuzz.Frame{Fin: true, Opcode: fuzz.OpBinary, Rsv: 4, Masked: true, Length: uint64(len(squeezed)), Payload: squeezed}
	back := fuzz.Frame{Fin: true, Opcode: fuzz.OpBinary, Length: uint64(len(far)), Payload: far}
	z := &fuzz.Deflate{Bits: 8}
	found := judge(&played{plan: &plan{}, role: fuzz.Server, to: z, from: z, sent: f.Append(nil), got: back.Append(nil)}, w)
	titles(t, found, "odd: RFC 7692 7.2.2: "+beyondWindow)
	require.True(t, found[0].moot)
}
