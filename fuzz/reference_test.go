package fuzz

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// It takes no testing.TB: OSS-Fuzz's *testing.F is none.
func octets(t require.TestingT, s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	require.NoError(t, err)
	return b
}

// say puts a verdict on a line.
func say(v Verdict) string {
	var parts []string
	for _, e := range v.Events {
		parts = append(parts, e.String())
	}
	if v.State == Failed {
		return strings.Join(append(parts, v.Fault.String()), ", ")
	}
	return strings.Join(append(parts, v.State.String()), ", ")
}

var (
	server   = Setup{Role: Server}
	client   = Setup{Role: Client}
	limited  = Setup{Role: Client, Limits: Limits{Message: 5, Fragments: 2, Wire: 100}}
	squeezed = Setup{Role: Client, Limits: limited.Limits, Deflate: &Deflate{Bits: 15, Takeover: true}}
)

// Literal octets, and what the RFC has to say of them.
var judgeTests = []struct {
	name   string
	setup  Setup
	stream string
	want   string
}{
	{"nothing", server, "", "open"},
	{"5.7 a single-frame unmasked text message", client, "81 05 48656c6c6f", `text "Hello", open`},
	{"5.7 a single-frame masked text message", server, "81 85 37fa213d 7f9f4d5158", `text "Hello", open`},
	{"5.7 a fragmented unmasked text message", client, "01 03 48656c | 80 02 6c6f", `text "Hello", open`},
	{"5.7 ping and pong", client, "89 05 48656c6c6f | 8a 05 48656c6c6f", `ping "Hello", pong "Hello", open`},
	{"5.4 a ping in between", client, "01 03 48656c | 89 00 | 80 02 6c6f", `ping "", text "Hello", open`},
	{"half a header", client, "81", "need more"},
	{"half a payload", client, "81 05 48", "need more"},
	{"half a message", client, "01 01 48", "need more"},
	{"5.7 256 octets in 16 bits", client, "82 7e 0100" + strings.Repeat("00", 256), "binary " + `"` + strings.Repeat(`\x00`, 32) + `"... (256), open`},
	{"5.7 64 KiB in 64 bits", client, "82 7f 0000000000010000", "need more"},
	{"5.1 not masked", server, "81 05", "1002 at octet 2: 5.1: frame from a client is not masked"},
	{"5.1 masked", client, "81 85", "1002 at octet 2: 5.1: frame from a server is masked"},
	{"5.2 RSV1", client, "c1", "1002 at octet 1: 5.2: RSV without an extension that gives it a meaning"},
	{"5.2 RSV2 with compression", squeezed, "a1", "1002 at octet 1: 5.2: RSV without an extension that gives it a meaning"},
	{"5.2 opcode 3", client, "83", "1002 at octet 1: 5.2: reserved opcode"},
	{"5.2 opcode 11", client, "8b", "1002 at octet 1: 5.2: reserved opcode"},
	{"5.2 125 in 16 bits", client, "82 7e 007d", "1002 at octet 4: 5.2: length not in the minimal number of bytes"},
	{"5.2 126 in 16 bits", client, "82 7e 007e", "need more"},
	{"5.2 65535 in 64 bits", client, "82 7f 000000000000 ffff", "1002 at octet 8: 5.2: length not in the minimal number of bytes"},
	{"5.2 the most significant bit", client, "82 7f 80", "1002 at octet 3: 5.2: most significant bit of a length is not 0"},
	{"5.2 the greatest length", client, "82 7f 7fffffffffffffff", "need more"},
	{"5.4 nothing to continue", client, "80 00", "1002 at octet 1: 5.4: continuation, and nothing to continue"},
	{"5.4 interleaved", client, "01 00 | 81 00", "1002 at octet 3: 5.4: fragments of two messages are interleaved"},
	{"5.5 ping in fragments", client, "09 00", "1002 at octet 1: 5.5: control frame in fragments"},
	{"5.5 ping of 126", client, "89 7e 007e", "1002 at octet 2: 5.5: control frame longer than 125"},
	{"5.5.1 close", client, "88 02 03e8 | 81 05 48656c6c6f", `close 1000 "", closed`},
	{"5.5.1 close with nothing", client, "88 00", `close 1005 "", closed`},
	{"5.5.1 close with a reason", client, "88 05 03e9 627965", `close 1001 "bye", closed`},
	{"5.5.1 close with one octet", client, "88 01 03", "1002 at octet 2: 5.5.1: body of a close of one octet"},
	{"5.5.1 reason", client, "88 04 03e8 c3 61", "1007 at octet 6: 5.5.1: reason of a close is not UTF-8"},
	{"5.5.1 half a character", client, "88 03 03e8 c3", "1007 at octet 5: 5.5.1: reason of a close ends inside a character"},
	{"7.4 1005", client, "88 02 03ed", "1002 at octet 4: 7.4: code that no endpoint may send"},
	{"8.1 at the first octet that cannot be", client, "01 04 61 62 ff 63", "1007 at octet 5: 8.1: text is not UTF-8"},
	{"8.1 cut in a character", client, "01 01 c3 | 80 01 a9", `text "é", open`},
	{"8.1 ends in a character", client, "01 01 c3 | 80 00", "1007 at octet 5: 8.1: text ends inside a character"},
	{"8.1 binary is no text", client, "82 01 ff", "binary ff, open"},
	{"10.4 as long as the limit", limited, "02 02 0000 | 80 03 000000", `binary "\x00\x00\x00\x00\x00", open`},
	{"10.4 longer", limited, "02 02 0000 | 80 04", "1009 at octet 6: 10.4: message longer than the limit"},
	{"10.4 three frames of two", limited, "02 00 | 00 00 | 80 00", "1008 at octet 6: 10.4: message in more fragments than the limit"},

	{"RFC 7692 7.2.3.1", squeezed, "c1 07 f248cdc9c90700", `text "Hello", open`},
	{"RFC 7692 7.2.3.1, in fragments", squeezed, "41 03 f248cd | 80 04 c9c90700", `text "Hello", open`},
	{"RFC 7692 7.2.3.2, the window is shared", squeezed, "c1 07 f248cdc9c90700 | c1 05 f200110000", `text "Hello", text "Hello", open`},
	{"RFC 7692 7.2.3.2, and it is not", Setup{Role: Client, Deflate: &Deflate{Bits: 15}}, "c1 07 f248cdc9c90700 | c1 05 f200110000",
		`text "Hello", 1007 at octet 14: RFC 7692 7.2.2: distance beyond the beginning`},
	{"RFC 7692 7.2.3.3, a block without compression", squeezed, "c1 0b 000500faff48656c6c6f00", `text "Hello", open`},
	{"RFC 7692 7.2.3.4, a final block", squeezed, "c1 08 f348cdc9c9070000", `text "Hello", open`},
	{"RFC 7692 7.2.3.5, two blocks", squeezed, "c1 0d f248050000 00ffff cac9c90700", `text "Hello", open`},
	{"RFC 7692 7.2.3.6, an empty message", squeezed, "c1 01 00", `text "", open`},
	{"RFC 7692 6.1, on a ping", squeezed, "c9 00", "1002 at octet 1: RFC 7692 6.1: RSV1 on a control frame or on a fragment that is not the first"},
	{"RFC 7692 6.1, on a continuation", squeezed, "41 01 00 | c0 00",
		"1002 at octet 4: RFC 7692 6.1: RSV1 on a control frame or on a fragment that is not the first"},
	{"block of the reserved type", squeezed, "c1 01 07", "1007 at octet 3: RFC 7692 7.2.2: block of the reserved type"},
	{"complement", squeezed, "c1 06 0005000500 00", "1007 at octet 7: RFC 7692 7.2.2: length of a stored block, and its complement do not agree"},
	{"nothing at all", squeezed, "c1 00", "1007 at octet 2: RFC 7692 7.2.2: compressed data ends inside a block"},
	{"10.4 decompressed", squeezed, "c1 0c 000600f9ff48656c6c6f6f00", "1009 at octet 13: 10.4: message longer than the limit"},
}

func TestJudge(t *testing.T) {
	for _, row := range judgeTests {
		t.Run(row.name, func(t *testing.T) {
			stream := octets(t, row.stream)
			v := Judge(row.setup, stream)
			require.Equal(t, row.want, say(v))
			// A fault is certain with the octet that it names, and not before; and whatever the state, it was not reached by what comes later.
			for n := range stream {
				early := Judge(row.setup, stream[:n])
				if v.State == Failed && n >= v.Fault.At {
					require.Equal(t, v, early, n)
				} else {
					require.NotEqual(t, Failed, early.State, n)
				}
			}
			require.Empty(t, Between(v, JudgeLate(row.setup, stream), Outcome{v.Events, v.State == Failed, v.Fault.Code}))
			late := JudgeLate(row.setup, stream)
			require.Empty(t, Between(v, late, Outcome{late.Events, late.State == Failed, late.Fault.Code}))
		})
	}
}

// An endpoint that looks at text when the message is complete hears the ping before; both are right, and nobody else.
func TestBetween(t *testing.T) {
	s := Setup{Role: Client}
	stream := octets(t, "01 01 ff | 89 00 | 81 00")
	early, late := Judge(s, stream), JudgeLate(s, stream)
	require.Equal(t, "1007 at octet 3: 8.1: text is not UTF-8", say(early))
	require.Equal(t, `ping "", 1002 at octet 7: 5.4: fragments of two messages are interleaved`, say(late))
	ping := []Event{{Op: OpPing}}
	for _, row := range []struct {
		got  Outcome
		want string
	}{
		{Outcome{Failed: true, Code: 1007}, ""},
		{Outcome{Failed: true}, ""},
		{Outcome{ping, true, 1007}, ""},
		{Outcome{ping, true, 1002}, ""},
		{Outcome{Failed: true, Code: 1009}, "failure 1009; want 1007 at octet 3: 8.1: text is not UTF-8"},
		{Outcome{}, "no failure; want 1007 at octet 3: 8.1: text is not UTF-8"},
		{Outcome{Events: ping}, "no failure; want 1007 at octet 3: 8.1: text is not UTF-8"},
		{Outcome{[]Event{{Op: OpPong}}, true, 1007}, `event 0 is pong ""; want ping ""`},
		{Outcome{append(ping, ping...), true, 1002}, `event 1 is ping ""; want failure, 1007 at octet 3: 8.1: text is not UTF-8`},
	} {
		require.Equal(t, row.want, Between(early, late, row.got), row.got)
	}
	// Late with what is compressed, and early with headers: half a header is enough for 1002.
	z := Setup{Role: Client, Deflate: &Deflate{Bits: 15}}
	require.Empty(t, Compare(z, octets(t, "42 01 07 | 89 00 | 09"), Outcome{Events: ping}))
	require.Empty(t, Compare(z, octets(t, "c2 01 07"), Outcome{Failed: true, Code: 1007}))
	require.Empty(t, Compare(z, octets(t, "42 01 07 | 89 00 | 09"), Outcome{Failed: true, Code: 1007}))
	require.Empty(t, Compare(z, octets(t, "42 01 07 | 89 00 | 09"), Outcome{ping, true, 1002}))
	require.NotEmpty(t, Compare(z, octets(t, "42 01 07 | 89 00 | 09"), Outcome{ping, true, 1009}))
	// What is wrong with a Close need not be seen before all of it is there.
	require.Empty(t, Compare(s, octets(t, "88 01"), Outcome{}))
	require.Empty(t, Compare(s, octets(t, "88 01"), Outcome{Failed: true, Code: 1002}))
	require.NotEmpty(t, Compare(s, octets(t, "88 01 03"), Outcome{}))
	require.Empty(t, Compare(s, octets(t, "88 04 03ed ff"), Outcome{}))
	require.NotEmpty(t, Compare(s, octets(t, "88 04 03ed ffff"), Outcome{}))
	whole := octets(t, "81 01 61")
	require.Equal(t, `0 events (failed: false, 0); want one more: text "a"`, Compare(s, whole, Outcome{}))
	require.Equal(t, "failure 1002; want none", Compare(s, whole, Outcome{[]Event{{Op: OpText, Payload: []byte("a")}}, true, 1002}))
	require.Equal(t, `event 0 is text "b"; want text "a"`, Compare(s, whole, Outcome{Events: []Event{{Op: OpText, Payload: []byte("b")}}}))
}

func TestAnswers(t *testing.T) {
	v := Judge(Setup{Role: Client}, octets(t, "89 02 6869 | 81 00 | 88 05 03e9 627965"))
	require.Equal(t, []string{`FIN pong 2 "hi"`, `FIN close 2 1001 ""`}, lines(v.Answers()))
	v = Judge(Setup{Role: Client}, octets(t, "89 00 | 83"))
	require.Equal(t, []string{`FIN pong 0`, `FIN close 2 1002 ""`}, lines(v.Answers()))
}

func lines(frames []Frame) (all []string) {
	for _, f := range frames {
		all = append(all, f.String())
	}
	return all
}

// The reader of texts says what the standard library does, for all strings of four octets from those at the edges of the grammar.
func TestReferenceUTF8(t *testing.T) {
	edges := []byte("\x00\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff")
	var all func(b []byte)
	all = func(b []byte) {
		if got := isText(b); got != utf8.Valid(b) {
			t.Fatalf("% x: %v", b, got)
		}
		if len(b) < 4 {
			for _, o := range edges {
				all(append(b[:len(b):len(b)], o))
			}
		}
	}
	all(nil)
}

// The reference inflates what the standard library does, and nothing else.
func TestReferenceInflate(t *testing.T) {
	accepted := 0
	for i, data := range seeds() {
		d := dice{data: data}
		g := &generator{Session: Session{Setup: Setup{Deflate: &Deflate{Bits: 15, Takeover: true}}}, dice: d}
		for !g.empty() && !g.full() {
			if g.one(2) {
				g.brokenDeflate()
			} else {
				g.send(g.squeezed(OpBinary, g.drawSize(1000)), 1)
			}
		}
		dict := []byte{}
		for _, f := range g.Frames {
			f.Opcode, f.Fin, f.Rsv, f.Masked = OpBinary, true, 4, false
			message := f.Payload
			want, err := inflateStandard(message, dict)
			if err == errFinal {
				break // of which the standard library makes something else
			}
			r := &reference{Setup: g.Setup, history: bytes.Clone(dict)}
			r.Setup.Role = Client
			r.stream = f.Append(nil)
			got, ok := inflateOnce(r)
			if ok != (err == nil) || ok && !bytes.Equal(got, want) {
				t.Fatalf("seed %d, %v: reference %v, %d octets; standard library %v, %d octets", i, f, r.v.Fault, len(got), err, len(want))
			}
			if !ok {
				break
			}
			accepted++
			dict = append(dict, want...)
			dict = dict[max(0, len(dict)-32768):]
		}
	}
	require.Greater(t, accepted, 100)
}

func inflateOnce(r *reference) (message []byte, ok bool) {
	defer func() {
		if e := recover(); e != nil && e != (over{}) {
			panic(e)
		}
	}()
	r.message()
	return r.v.Events[0].Payload, true
}

var errFinal = fmt.Errorf("a final block")

// inflateStandard decompresses a message with compress/flate: the tail, and a final block behind it, so that there is an end.
func inflateStandard(message, dict []byte) ([]byte, error) {
	in := bytes.NewReader(append(bytes.Clone(message), "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...))
	out, err := io.ReadAll(flate.NewReaderDict(in, dict))
	if err == nil && in.Len() > 0 {
		err = errFinal
	}
	return out, err
}

// rulesInSource returns the rules as they stand in the reference.
func rulesInSource(t *testing.T) (rules []string) {
	for _, name := range []string{"reference.go", "reference_inflate.go"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?:must|fail|bad)\(.*?"([a-zA-Z1][^"]* [^"]*[a-z0-9-])"\)`).FindAllStringSubmatch(string(source), -1) {
			rules = append(rules, m[1])
		}
	}
	require.Greater(t, len(rules), 30)
	return rules
}
