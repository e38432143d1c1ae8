package conn

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// fixedKey makes a client's bytes the same each time: the key of RFC 6455, section 5.7.
var fixedKey = &Options{MaskKey: func() uint32 { return 0x3d21fa37 }}

// acts are what a program asks of a sender, and the bytes that come of it.
var acts = []struct {
	name string
	act  func(p *Protocol, dst []byte) ([]byte, error)
	// As a server and as a client send it, with the key 37fa213d.
	server, client string
}{
	{"5.7 text", message(frame.Text, "Hello"), "81 05 'Hello'", "81 85 37fa213d 7f9f4d5158"},
	{"5.7 fragments", both(fragment(frame.Text, false, "Hel"), fragment(frame.Continuation, true, "lo")),
		"01 03 'Hel' 80 02 'lo'", "01 83 37fa213d 7f9f4d 80 82 37fa213d 5b95"},
	{"5.7 ping", func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPing(dst, []byte("Hello")) },
		"89 05 'Hello'", "89 85 37fa213d 7f9f4d5158"},
	{"5.7 pong", func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPong(dst, []byte("Hello")) },
		"8a 05 'Hello'", "8a 85 37fa213d 7f9f4d5158"},
	{"5.7 256 bytes", message(frame.Binary, strings.Repeat("\x00", 256)), "82 7e 0100 256*00", "82 fe 0100 37fa213d 64*37fa213d"},
	{"5.7 64KiB", message(frame.Binary, strings.Repeat("\x00", 65536)), "82 7f 0000000000010000 65536*00",
		"82 ff 0000000000010000 37fa213d 16384*37fa213d"},
	{"5.2 125 bytes", message(frame.Binary, strings.Repeat("\x00", 125)), "82 7d 125*00", "82 fd 37fa213d 31*37fa213d 37"},
	{"5.2 126 bytes", message(frame.Binary, strings.Repeat("\x00", 126)), "82 7e 007e 126*00", "82 fe 007e 37fa213d 31*37fa213d 37fa"},
	{"5.2 65535 bytes", message(frame.Binary, strings.Repeat("\x00", 65535)), "82 7e ffff 65535*00", "82 fe ffff 37fa213d 16383*37fa213d 37fa21"},
	{"nothing in a message", message(frame.Text, ""), "81 00", "81 80 37fa213d"},
	{"5.4 one fragment", fragment(frame.Binary, true, "\x00"), "82 01 00", "82 81 37fa213d 37"},
	{"5.4 empty fragments", both(fragment(frame.Binary, false, ""), fragment(frame.Continuation, true, "")), "02 00 80 00",
		"02 80 37fa213d 80 80 37fa213d"},
	{"5.4 a ping between", both(fragment(frame.Binary, false, ""), reply(pingOf(""))), "02 00 8a 00", "02 80 37fa213d 8a 80 37fa213d"},
	{"5.5.1 close", sayClose(frame.CloseNormal, ""), "88 02 03e8", "88 82 37fa213d 3412"},
	{"5.5.1 close without a code", sayClose(frame.CloseNoStatus, ""), "88 00", "88 80 37fa213d"},
	{"5.5.1 close with a reason", sayClose(frame.CloseGoingAway, "Hi"), "88 04 03e9 'Hi'", "88 84 37fa213d 34136954"},
	{"5.5.1 close in a message", both(fragment(frame.Binary, false, ""), sayClose(4000, "")), "02 00 88 02 0fa0", "02 80 37fa213d 88 82 37fa213d 385a"},
	{"5.5.3 reply to a ping", reply(pingOf("Hello")), "8a 05 'Hello'", "8a 85 37fa213d 7f9f4d5158"},
	{"5.5.3 reply to the longest ping", reply(pingOf(strings.Repeat("\x00", 125))), "8a 7d 125*00", "8a fd 37fa213d 31*37fa213d 37"},
	{"5.5.1 reply to a close", reply(closeOf("\x03\xe8")), "88 02 03e8", "88 82 37fa213d 3412"},
	{"5.5.1 reply to a close with a reason", reply(closeOf("\x03\xe8bye")), "88 02 03e8", "88 82 37fa213d 3412"},
	{"5.5.1 reply to a close without a code", reply(closeOf("")), "88 00", "88 80 37fa213d"},
	{"5.5.1 one close only", both(sayClose(1000, ""), reply(closeOf("\x03\xe9"))), "88 02 03e8", "88 82 37fa213d 3412"},
	{"5.5.1 no pong after close", both(sayClose(1000, ""), reply(pingOf("x"))), "88 02 03e8", "88 82 37fa213d 3412"},
	{"no reply to a pong", reply(pongOf("x")), "", ""},
	{"no reply to a message", reply(textOf("x")), "", ""},
	{"no reply to a piece", reply(Message{Op: frame.Binary, More: true}), "", ""},
	{"no reply to nothing", reply(Message{}), "", ""},
	{"no reply to what Receive never gives: a long ping", reply(pingOf(strings.Repeat("x", 126))), "", ""},
	{"no reply to what Receive never gives: a bad close", reply(closeOf("\x03")), "", ""},
	{"no reply to what Receive never gives: an opcode", reply(Message{Op: 11}), "", ""},
}

type act = func(p *Protocol, dst []byte) ([]byte, error)

func message(op frame.Opcode, payload string) act {
	return func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendMessage(dst, op, []byte(payload)) }
}

func fragment(op frame.Opcode, fin bool, payload string) act {
	return func(p *Protocol, dst []byte) ([]byte, error) {
		return p.AppendFragment(dst, op, fin, []byte(payload))
	}
}

func sayClose(code frame.CloseCode, reason string) act {
	return func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendClose(dst, code, reason) }
}

func reply(m Message) act {
	return func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendReply(dst, m), nil }
}

func both(a, b act) act {
	return func(p *Protocol, dst []byte) ([]byte, error) {
		dst, err := a(p, dst)
		if err != nil {
			return dst, err
		}
		return b(p, dst)
	}
}

func TestAppend(t *testing.T) {
	for _, a := range acts {
		t.Run(a.name, func(t *testing.T) {
			for _, role := range []Role{Server, Client} {
				want := wire(a.server)
				if role == Client {
					want = wire(a.client)
				}
				for _, dst := range [][]byte{nil, []byte("before"), append(make([]byte, 0, 1<<17), "before"...)} {
					p := Protocol{Role: role, Options: fixedKey}
					got, err := a.act(&p, dst)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got, append(bytes.Clone(dst), want...)) {
						t.Errorf("%v: %.40x, want %.40x", role, got[len(dst):], want)
					}
				}
			}
		})
	}
}

// What no endpoint may send is refused: nothing is appended, nothing is cut short, nothing panics, and the state stays what it was.
func TestAppendRefuses(t *testing.T) {
	first := fragment(frame.Binary, false, "")
	last := fragment(frame.Continuation, true, "")
	ping := func(n int) act {
		return func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPing(dst, make([]byte, n)) }
	}
	pong := func(n int) act {
		return func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPong(dst, make([]byte, n)) }
	}
	prepared, err := Prepare(frame.Text, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	appendPrepared := func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPrepared(dst, prepared) }
	appendZero := func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPrepared(dst, new(Prepared)) }
	nothing := act(func(_ *Protocol, dst []byte) ([]byte, error) { return dst, nil })
	bye := sayClose(frame.CloseNormal, "")

	type row struct {
		name     string
		before   act
		act      act
		sentinel error
	}
	rows := []row{
		{"5.4 message in a message", first, message(frame.Text, ""), frame.ErrNotSendable},
		{"5.4 prepared in a message", first, appendPrepared, frame.ErrNotSendable},
		{"5.4 first fragment in a message", first, first, frame.ErrNotSendable},
		{"5.4 continuation of nothing", nothing, last, frame.ErrNotSendable},
		{"5.4 continuation after the last", both(first, last), last, frame.ErrNotSendable},
		{"5.4 continuation after a message of one fragment", fragment(frame.Text, true, ""), last, frame.ErrNotSendable},
		{"5.5 ping of 126", nothing, ping(126), frame.ErrNotSendable},
		{"5.5 ping of 65536", nothing, ping(65536), frame.ErrNotSendable},
		{"5.5 pong of 126", nothing, pong(126), frame.ErrNotSendable},
		{"5.5 reason of 124", nothing, sayClose(frame.CloseNormal, strings.Repeat("x", 124)), frame.ErrNotSendable},
		{"5.5.1 reason that is not UTF-8", nothing, sayClose(frame.CloseNormal, "\xff"), frame.ErrNotSendable},
		{"5.5.1 reason without a code", nothing, sayClose(frame.CloseNoStatus, "x"), frame.ErrNotSendable},
		{"7.4.1 code 1006", nothing, sayClose(frame.CloseAbnormal, ""), frame.ErrNotSendable},
		{"5.5.1 message after close", bye, message(frame.Text, ""), ErrCloseSent},
		{"5.5.1 fragment after close", bye, first, ErrCloseSent},
		{"5.5.1 continuation after close", both(first, bye), last, ErrCloseSent},
		{"5.5.1 ping after close", bye, ping(0), ErrCloseSent},
		{"5.5.1 pong after close", bye, pong(0), ErrCloseSent},
		{"5.5.1 prepared after close", bye, appendPrepared, ErrCloseSent},
		{"5.5.1 close after close", bye, bye, ErrCloseSent},
		{"5.5.1 invalid close after close", bye, sayClose(0, ""), ErrCloseSent},
		{"5.5.1 close after reply", reply(closeOf("")), bye, ErrCloseSent},
		{"a Prepared that nobody prepared", nothing, appendZero, ErrOpcode},
	}
	for op := range frame.Opcode(255) {
		if op != frame.Text && op != frame.Binary {
			rows = append(rows, row{fmt.Sprintf("message of %v", op), nothing, message(op, "x"), ErrOpcode})
		}
		if op > frame.Binary {
			rows = append(rows, row{fmt.Sprintf("fragment of %v", op), nothing, fragment(op, true, "x"), ErrOpcode},
				row{fmt.Sprintf("fragment of %v in a message", op), first, fragment(op, true, "x"), ErrOpcode})
		}
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			for _, role := range []Role{Server, Client} {
				p := Protocol{Role: role}
				if _, err := r.before(&p, nil); err != nil {
					t.Fatal(err)
				}
				state := p
				dst := []byte("before")
				got, err := r.act(&p, dst)
				if !errors.Is(err, r.sentinel) {
					t.Errorf("%v: %v, want %v", role, err, r.sentinel)
				}
				if string(got) != "before" || &got[0] != &dst[0] {
					t.Errorf("%v: appended %q", role, got)
				}
				if p.sent != state.sent {
					t.Errorf("%v: refused, and the state has changed", role)
				}
				if CodeOf(err) != frame.CloseInternalError {
					t.Errorf("%v is nobody's breach, but has code %v", err, CodeOf(err))
				}
			}
		})
	}
}

// Whatever is sent is heard as it was, at every length up to 300 and around the borders, and what is given is not modified.
func TestV20WhatIsAppendedIsReceived(t *testing.T) {
	var lengths []int
	for n := range 300 {
		lengths = append(lengths, n)
	}
	lengths = append(lengths, 65534, 65535, 65536, 65537, 1<<20)
	payload := make([]byte, 1<<20)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	given := bytes.Clone(payload)
	for _, role := range []Role{Server, Client} {
		for _, n := range lengths {
			for _, op := range []frame.Opcode{frame.Binary, frame.Ping, frame.Pong} {
				sender := Protocol{Role: role}
				var b []byte
				var err error
				switch op {
				case frame.Binary:
					b, err = sender.AppendMessage(nil, op, payload[:n])
				case frame.Ping:
					b, err = sender.AppendPing(nil, payload[:n])
				case frame.Pong:
					b, err = sender.AppendPong(nil, payload[:n])
				}
				if op.IsControl() && n > frame.MaxControlPayload {
					if !errors.Is(err, frame.ErrNotSendable) || len(b) > 0 {
						t.Fatalf("%v of %d bytes: %d bytes, %v", op, n, len(b), err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				receiver := Protocol{Role: Client - role}
				same(t, play(t, &receiver, whole, b), outcome{msgs: []Message{{Op: op, Payload: given[:n]}}})
			}
		}
	}
	if !bytes.Equal(payload, given) {
		t.Error("what was given to be sent has been modified")
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	if raceBuild {
		t.Skip("sync.Pool forgets at random when built with race")
	}
	dst := make([]byte, 0, 1<<17)
	prepared, err := Prepare(frame.Text, []byte("Hello"))
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 5000)
	for _, role := range []Role{Server, Client} {
		for name, act := range map[string]act{
			"AppendMessage": func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendMessage(dst, frame.Binary, payload) },
			"AppendFragment": func(p *Protocol, dst []byte) ([]byte, error) {
				return p.AppendFragment(dst, frame.Binary, true, payload)
			},
			"AppendPing":  func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPing(dst, payload[:125]) },
			"AppendPong":  func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPong(dst, payload[:125]) },
			"AppendClose": func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendClose(dst, frame.CloseNormal, "bye") },
			"AppendReply": func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendReply(dst, Message{Op: frame.Ping}), nil },
			"the echo": func(p *Protocol, dst []byte) ([]byte, error) {
				return p.AppendReply(dst, Message{Op: frame.Close}), nil
			},
			"AppendPrepared": func(p *Protocol, dst []byte) ([]byte, error) { return p.AppendPrepared(dst, prepared) },
			"PreparedFrame": func(p *Protocol, dst []byte) ([]byte, error) {
				if p.Role == Client {
					return dst, nil
				}
				return p.PreparedFrame(prepared)
			},
			"a refusal": func(p *Protocol, dst []byte) ([]byte, error) {
				_, err := p.AppendPing(dst, payload)
				if err == nil {
					t.Error("not refused")
				}
				return dst, nil
			},
		} {
			p := new(Protocol)
			if avg := testing.AllocsPerRun(100, func() {
				*p = Protocol{Role: role}
				if _, err := act(p, dst); err != nil {
					t.Error(err)
				}
			}); avg != 0 {
				t.Errorf("%v, %s: %v allocations", role, name, avg)
			}
		}
	}
}
