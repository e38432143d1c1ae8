package golibs

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// A faultyLink is a gobwasDeflate that does one thing wrong.
type faultyLink struct{ *gobwasDeflate }

// faulty returns d with a fault; d itself without.
func (d *gobwasDeflate) faulty(fault string) link {
	switch d.fault = fault; fault {
	case "":
		return d
	case "window":
		d.flate = newGobwasDeflate(d.gobwasLink, 15, 0, d.alone).flate
		d.flate.Reset(&d.out)
	case "takeover", "alone":
		d.alone = !d.alone
	}
	return faultyLink{d}
}

func (l faultyLink) send(op byte, payload []byte) error {
	switch l.fault {
	case "never":
		return l.gobwasLink.send(op, payload)
	case "noise":
		if len(payload) >= 1000 {
			return l.raw(op, 0xc0, []byte{0xff, 0xff, 0xff})
		}
	case "stale": // takes for sent what it has not sent
		if len(payload) == 65535 {
			l.pack(document(500))
		}
	case "swaps":
		if len(payload) == 1000 {
			return l.gobwasDeflate.send(op, bytes.ToUpper(payload))
		}
	case "rsv2":
		if len(payload) == 1000 {
			return l.raw(op, 0xe0, nil)
		}
	case "utf8":
		if len(payload) == 1000 {
			return l.gobwasDeflate.send(opText, []byte("\xc3("))
		}
	case "longer":
		if len(payload) >= 1000 {
			return l.longer(op, payload)
		}
	}
	return l.gobwasDeflate.send(op, payload)
}

// longer sends the message in stored blocks.
func (l faultyLink) longer(op byte, payload []byte) error {
	var b []byte
	for rest := payload; len(rest) > 0; {
		n := min(len(rest), 1<<15)
		b = append(append(b, 0, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8)), rest[:n]...)
		rest = rest[n:]
	}
	return l.raw(op, 0xc0, append(b, 0))
}

// raw writes a frame whose first octet has these high bits.
func (l faultyLink) raw(op, high byte, payload []byte) error {
	f := ws.NewFrame(ws.OpCode(op), high&0x80 != 0, payload)
	f.Header.Rsv = high >> 4 & 7
	return l.write(f)
}

func (l faultyLink) plain(op byte, payload []byte) error {
	if l.fault == "never_plain" {
		return l.gobwasDeflate.send(op, payload)
	}
	return l.gobwasDeflate.plain(op, payload)
}

func (l faultyLink) fragments(op byte, parts [][]byte, between func() error) error {
	switch l.fault {
	case "whole":
		return l.gobwasDeflate.send(op, bytes.Join(parts, nil))
	case "rsv1_on_continuations":
		packed, err := l.pack(bytes.Join(parts, nil))
		if err != nil {
			return err
		}
		if err := l.raw(op, 0x40, packed[:1]); err != nil {
			return err
		}
		return l.raw(opContinuation, 0xc0, packed[1:])
	case "rsv1_on_a_ping":
		return l.raw(opPing, 0xc0, nil)
	case "rsv1_missing":
		packed, err := l.pack(bytes.Join(parts, nil))
		if err != nil {
			return err
		}
		return l.raw(opBinary, 0x80, packed)
	}
	return l.gobwasDeflate.fragments(op, parts, between)
}

// TestDeflateChecksCanFail: the judge finds each fault, be it that of a server that was made for it, or one that a library really has.
func TestDeflateChecksCanFail(t *testing.T) {
	urls := serveDeflate(t, deflateLibs)
	gobwas := func(knobs, want, finds string) talkThatFails {
		return talkThatFails{talk{client: "gobwas", clientKnobs: both + " client_window", server: "gobwas", serverKnobs: knobs, want: want}, finds}
	}
	for _, k := range []talkThatFails{
		gobwas(both+" server_bits=9 fault=window", "server_max_window_bits=9", "beyond the window"),
		gobwas("fault=takeover", none, "7.1.1: a distance"),
		gobwas(both+" fault=alone", "", "no message refers to an earlier one"),
		gobwas("fault=never", none, "not compressed"),
		gobwas("fault=never_plain", none, "though it should not be"),
		gobwas("fault=noise", none, "RFC"),
		gobwas(both+" fault=stale", "", "a distance"),
		gobwas("fault=swaps", none, "is another message"),
		gobwas("fault=rsv2", none, "reserved bits"),
		gobwas("fault=utf8", none, "not UTF-8"),
		gobwas("fault=longer", none, "no shorter"),
		gobwas("fault=whole", none, "not in fragments"),
		gobwas("fault=rsv1_on_continuations", none, "RSV1"),
		gobwas("fault=rsv1_on_a_ping", none, "RSV1"),
		gobwas("fault=rsv1_missing", none, "is another message"),
		gobwas(both, none, "want"),
		gobwas(both, "none", "want"),

		// gws names the client's window to those who have not offered that, and does not limit its own to what was asked for (7.1.2).
		{talk{client: "gws", clientKnobs: "server_takeover", server: "gws", serverKnobs: both + " client_bits=10", want: "client_max_window_bits=10; client_no_context_takeover"}, "is no answer to"},
		{talk{client: "gws", clientKnobs: both + " server_bits=9", server: "gws", serverKnobs: both}, "is no answer to"},
		// gorilla does not, either.
		{talk{client: "gobwas", clientKnobs: "server_bits=9", server: "gorilla", want: none}, "is no answer to"},
		// gws takes the payload of a pong for part of what later messages may refer to; the pings of coder have one.
		{talk{client: "coder", clientKnobs: both, server: "gws", serverKnobs: both}, "is another message"},
	} {
		t.Run(k.name(), func(t *testing.T) {
			t.Parallel()
			_, judged := k.play(t, deflateLibs[k.client], libIs(t, k.talk), urls[k.server])
			if judged == nil || !strings.Contains(judged.Error(), k.finds) {
				t.Errorf("the judge says %v, want it to find %q", judged, k.finds)
			}
		})
	}
}

// A talkThatFails is a talk, and what the judge has to find.
type talkThatFails struct {
	talk
	finds string
}
