package main

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/fuzz"
)

// What is said of a server that was sent some octets, and answered others.
func TestJudge(t *testing.T) {
	const hello, ping = "8185 00000000 48656c6c6f", "8982 00000000 6869"
	const bye = "8882 00000000 03e8"
	for _, row := range []struct {
		name, sent, got string
		end             ending
		late            string
		want            string // part of the first finding; "": there is none
	}{
		{"good", hello + ping + bye, "8105 48656c6c6f 8a02 6869 8802 03e8", finished, "", ""},
		{"pong first", hello + ping + bye, "8a02 6869 8105 48656c6c6f 8802 03e8", finished, "", ""},
		{"echo in fragments", hello + bye, "0102 4865 8003 6c6c6f 8802 03e8", finished, "", ""},
		{"nothing before an answer to a Close", hello + ping + bye, "8802 03e8", finished, "", ""},
		{"5.5.3 the newest pong", ping + "8981 00000000 61" + bye, "8a01 61 8802 03e8", finished, "", ""},
		{"5.2 refused", "c180 00000000", "8802 03ea", finished, "", ""},
		{"5.2 echoed", "c185 00000000 48656c6c6f", "8105 48656c6c6f", running, "", "broken: 5.2: RSV without an extension that gives it a meaning: accepts it, and sends a message"},
		{"5.2 wrong code", "c180 00000000", "8802 03e8", finished, "", "lesser: 5.2: RSV without an extension that gives it a meaning: fails with 1000"},
		{"5.2 no code", "c180 00000000", "8800", finished, "", "lesser: 5.2: RSV without an extension that gives it a meaning: fails with no code"},
		{"5.2 no Close", "c180 00000000", "", finished, "", "lesser: 5.2: RSV without an extension that gives it a meaning: closes TCP without a Close"},
		{"5.2 silence", "c180 00000000", "", running, "the failure of the connection", "broken: 5.2: RSV without an extension that gives it a meaning: does not fail"},
		{"5.2 accepted ping, and then something else is wrong", ping + "a982 00000000 6869 8080 00000000", "8a02 6869 8a02 6869 8802 03ea", finished, "", "broken: 5.2: RSV without an extension that gives it a meaning: accepts it, and sends a pong"},
		{"5.2 accepted ping", "a980 00000000 8981 00000000 61", "8a00 8a01 61", running, "", "broken: 5.2: RSV without an extension that gives it a meaning: accepts it, and sends a pong"},
		{"7.4 accepted", "8882 00000000 03ed", "8802 03ed", finished, "", "broken: 7.4: code that no endpoint may send: sends it"},
		{"5.5.1 accepted", "8883 00000000 03e8ff", "8802 03e8", finished, "", "broken: 5.5.1: reason of a close is not UTF-8: accepts it, and answers a Close with 1000"},
		{"8.1 1002", "8181 00000000 ff", "8802 03ea", finished, "", "lesser: 8.1: text is not UTF-8: fails with 1002"},
		{"8.1 echoed", "8181 00000000 ff", "8101 ff", running, "", "broken: 8.1: text is not UTF-8: sends it"},
		{"5.2 late and early", "8181 00000000 ff a180 00000000", "8802 03ef", finished, "", ""},
		{"altered", hello + bye, "8105 48656c6c6e 8802 03e8", finished, "", "broken: echo: a message comes back as it is: changes its payload"},
		{"another type", hello + bye, "8205 48656c6c6f 8802 03e8", finished, "", "changes its type"},
		{"twice", hello + bye, "8105 48656c6c6f 8105 48656c6c6f 8802 03e8", finished, "", "sends it twice"},
		{"unasked", bye, "8101 61 8802 03e8", finished, "", "sends a message that is no echo"},
		{"masked", hello + bye, "8185 00000000 48656c6c6f 8802 03e8", finished, "", "broken: 5.1: frame from a server is masked: sends it"},
		{"behind the Close", bye, "8802 03e8 8101 61", finished, "", "broken: 5.5.1: nothing may be sent after a Close: goes on talking"},
		{"no pong", ping, "", running, "a pong", "broken: 5.5.2: a ping is answered: waited in vain for a pong"},
		{"another pong, or one that nobody asked for", ping + bye, "8a02 6868 8802 03e8", finished, "", "odd: 5.5.3: a pong may be sent unasked: sends one"},
		{"another pong", ping, "8a02 6868", running, "a pong", "broken: 5.5.3: a pong has the payload of its ping: sends another"},
		{"pong unasked before a failure", "8882 00000000 0000", "8a00 8802 03ea", finished, "", "odd: 5.5.3: a pong may be sent unasked: sends one"},
		{"pong unasked", bye, "8a00 8802 03e8", finished, "", "odd: 5.5.3: a pong may be sent unasked: sends one"},
		{"pong twice", ping + bye, "8a02 6869 8a02 6869 8802 03e8", finished, "", "odd: 5.5.3: a pong may be sent unasked: sends a pong twice"},
		{"every pong twice", ping + "8981 00000000 61" + ping + bye, "8a02 6869 8a02 6869 8a01 61 8a01 61 8a02 6869 8a02 6869 8802 03e8", finished, "", "odd: 5.5.3: a pong may be sent unasked: sends a pong twice"},
		{"pongs backwards", ping + "8981 00000000 61" + bye, "8a01 61 8a02 6869 8802 03e8", finished, "", "lesser: 5.5.3: the order of pongs"},
		{"pong for a ping behind a fault, or once more for the first", "8980 00000000" + ping + "81ff0000000000000000 00000000 8980 00000000 0080", "8a00 8a02 6869 8100 8a00 8802 03ea", finished, "", "broken: 5.2: length not in the minimal number of bytes: accepts it, and sends a message"},
		{"pongs, and no echo", "8980 00000000" + ping + "c180 00000000 8980 00000000", "8a00 8a02 6869 8a00 8802 03ea", finished, "", "odd: 5.5.3: a pong may be sent unasked: sends one"},
		{"no answer to a Close", bye, "", finished, "", "broken: 5.5.1: a Close is answered: closes TCP without a Close"},
		{"another answer", bye, "8802 03e9", finished, "", "lesser: 5.5.1: the answer to a Close typically has its code: answers with 1001"},
		{"failure of a good session", hello + bye, "8802 03ea", finished, "", "broken: 7.1.7: only a fault is a reason to fail the connection: answers a good session with Close 1002"},
		{"failure in a good session", hello, "8802 03ea", finished, "", "sends Close 1002 in the middle of a good session"},
		{"end of a good session", hello, "", reset, "", "closes TCP in the middle of a good session"},
		{"keeps TCP", bye, "8802 03e8", running, "the end of TCP", "lesser: 7.1.1: the server closes TCP after both Closes"},
		{"incomplete", "8185 00000000 48", "", running, "", ""},
		{"10.4 too big", "82ff 00000000000f4240 00000000", "8802 03f1", finished, "", ""},
		{"10.4 waits for more", "82ff 00000000000f4240 00000000", "", running, "", ""},
		{"10.4 too big, and wrong besides", "83ff 0000000048000000 00000000", "8802 03f1", finished, "", ""},
		{"10.4 not too big, and wrong", "8384 00000000 61616161", "8802 03f1", finished, "", "lesser: 5.2: reserved opcode: fails with 1009"},
		{"5.4 waits for the frame, having not looked at the text", "0181 00000000 ff 0181 00000000", "", running, "the failure of the connection", ""},
		{"8.1 had all of it", "0181 00000000 ff 0181 00000000 61", "", running, "the failure of the connection", "broken: 5.4"},
		{"10.4 a flood", strings.Repeat(ping, commonControls+1), "8802 03f0", finished, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := common()
			p := &played{plan: &plan{}, role: fuzz.Server, sent: octetsOf(t, row.sent), got: octetsOf(t, row.got), end: row.end, late: row.late}
			found := judge(p, want)
			if row.want == "" {
				for _, f := range found {
					require.Fail(t, f.title())
				}
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, found[0].title(), row.want)
		})
	}
}

// Whatever the reference owes is no finding, for endpoints that are prompt as for those that are late.
func TestJudgeReference(t *testing.T) {
	want := common()
	ends := map[fuzz.State]int{}
	for n := range int64(400) {
		r := draw(11, n)
		p := planOf(r, n, "", fuzz.Server, nil, want)
		tight, loose := want.limits.setups(fuzz.Server, nil)
		for _, v := range []fuzz.Verdict{fuzz.Judge(tight, p.stream), fuzz.Judge(loose, p.stream), fuzz.JudgeLate(loose, p.stream)} {
			var got []byte
			for _, e := range v.Events {
				f := fuzz.Frame{Fin: true, Opcode: e.Op, Length: uint64(len(e.Payload)), Payload: e.Payload}
				switch e.Op {
				case fuzz.OpPing:
					f.Opcode = fuzz.OpPong
				case fuzz.OpPong:
					continue
				}
				got = f.Append(got)
			}
			end := running
			if v.State == fuzz.Failed {
				f := fuzz.Frame{Fin: true, Opcode: fuzz.OpClose, Length: 2, Payload: []byte{byte(v.Fault.Code >> 8), byte(v.Fault.Code)}}
				got, end = f.Append(got), finished
			}
			ends[v.State]++
			for _, f := range judge(&played{plan: p, role: fuzz.Server, sent: p.stream, got: got, end: end}, want) {
				require.Fail(t, f.title(), "session %d: %v\n%v", n, v, p.session.String())
			}
		}
	}
	require.Len(t, ends, 4, "all states")
}

func octetsOf(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// common is what everybody is held to who echoes.
func common() *wants {
	f := flags{echo: true}
	w := f.wanted()
	return &w
}
