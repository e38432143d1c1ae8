package golibs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// closeChecks are the closing handshakes that a client begins, 7.1.2, and those that a fault of the client brings about, 7.1.7.
func closeChecks() (all []check) {
	for _, g := range []goodbye{
		{1000, ""}, {1000, "bye"}, {1001, "going away"}, {1011, "oops"}, {3000, "tschüß 線"}, {4999, strings.Repeat("r", 123)},
	} {
		all = append(all, check{fmt.Sprintf("close/%d with %d octets", g.code, len(g.reason)), func(s *stage) error { return closing(s, g.code, g.reason) }})
	}
	all = append(all,
		check{"close/without a code", func(s *stage) error { return closing(s, 1005, "") }},
		check{"close/after messages", closeAfterMessages},
		check{"close/inside a fragmented message", closeInside},
		check{"text that is not UTF-8", notUTF8},
	)
	for _, b := range breaches {
		all = append(all, check{"breach/" + b.name, func(s *stage) error { return breach(s, b.bytes, b.code) }})
	}
	return all
}

// finishClosing waits for the server's Close with this code and for its end of TCP.
func finishClosing(p *peer, want int) error {
	code, reason, err := p.waitGoodbye()
	if err != nil {
		return err
	}
	if code != want {
		return fmt.Errorf("the server's Close has code %d %q, want %d", code, reason, want)
	}
	p.drop() // waits for the end of TCP
	return p.t.ended()
}

func closing(s *stage, code int, reason string) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	if err := p.send(opText, []byte("before")); err != nil {
		return err
	}
	if err := p.expect(opText, []byte("before")); err != nil {
		return err
	}
	p.t.linger.Store(true)
	if err := p.goodbye(code, reason); err != nil {
		return err
	}
	if c, r, ok := closeOf(p.t.sent()); !ok || c != code || r != reason {
		return fmt.Errorf("%w: the client sent Close %d %q", errNotOffered, c, r)
	}
	return finishClosing(p, code) // 5.5.1: "typically echos the status code it received"
}

// closeAfterMessages: what was sent before Close is still answered.
func closeAfterMessages(s *stage) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	p.t.linger.Store(true)
	for n := range 5 {
		if err := p.send(opBinary, sample(opBinary, 3000*n)); err != nil {
			return err
		}
	}
	if err := p.goodbye(1000, "enough"); err != nil {
		return err
	}
	if err := finishClosing(p, 1000); err != nil {
		return err
	}
	got := payloadsOf(p.t.received(), opBinary)
	if len(got) != 5 {
		return fmt.Errorf("%d messages came back before Close, want 5", len(got))
	}
	for n, b := range got {
		if err := same(b, sample(opBinary, 3000*n)); err != nil {
			return err
		}
	}
	return nil
}

// closeInside: 5.4: control frames, Close among them, may come in the middle of a fragmented message.
func closeInside(s *stage) error {
	p, err := s.open("/", opts{small: true})
	if err != nil {
		return err
	}
	p.t.linger.Store(true)
	var said error
	p.fragments(opText, cut(sample(opText, 12000), 4), func() error { // the library rightly refuses the rest
		said = p.goodbye(1001, "")
		return errors.New("enough")
	})
	if said != nil {
		return said
	}
	if sent := p.t.sent(); len(sent) < 2 || sent[0].fin {
		return fmt.Errorf("%w: no fragment left before Close", errNotOffered)
	}
	if err := finishClosing(p, 1001); err != nil {
		return err
	}
	if n := len(payloadsOf(p.t.received(), opText)); n != 0 {
		return fmt.Errorf("%d frames of an unfinished message came back", n)
	}
	return nil
}

// notUTF8: 8.1. Some libraries let a program send such text.
func notUTF8(s *stage) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	p.wild = true
	p.t.linger.Store(true)
	if err := p.send(opText, []byte("abc\xed\xa0\x80def")); err != nil {
		return fmt.Errorf("%w: %w", errNotOffered, err)
	}
	return finishClosing(p, 1007)
}

// breaches are wrong bytes after the handshake of a real client, and the code with which the server must fail the connection. The masking key is 0.
var breaches = []struct {
	name, bytes string
	code        int
}{
	{"5.2 reserved bit 1", "c1 80 00000000", 1002},
	{"5.2 reserved bit 3", "91 80 00000000", 1002},
	{"5.2 opcode 3", "83 80 00000000", 1002},
	{"5.2 opcode b", "8b 80 00000000", 1002},
	{"5.1 not masked", "81 01 41", 1002},
	{"5.2 length of 5 in 16 bits", "82 fe 0005 00000000", 1002},
	{"5.2 length of 65535 in 64 bits", "82 ff 000000000000ffff 00000000", 1002},
	{"5.2 length with bit 63", "82 ff 8000000000000000 00000000", 1002},
	{"5.4 continuation of nothing", "80 80 00000000", 1002},
	{"5.4 text inside text", "01 81 00000000 41  81 81 00000000 42", 1002},
	{"5.5 ping in fragments", "09 80 00000000", 1002},
	{"5.5 ping of 126", "89 fe 007e 00000000", 1002},
	{"5.5.1 Close of one octet", "88 81 00000000 03", 1002},
	{"7.4 code 0", "88 82 00000000 0000", 1002},
	{"7.4 code 999", "88 82 00000000 03e7", 1002},
	{"7.4 code 1005", "88 82 00000000 03ed", 1002},
	{"7.4 code 1006", "88 82 00000000 03ee", 1002},
	{"7.4 code 1015", "88 82 00000000 03f7", 1002},
	{"7.4 code 2999", "88 82 00000000 0bb7", 1002},
	{"7.4 code 5000", "88 82 00000000 1388", 1002},
	{"5.5.1 reason not UTF-8", "88 83 00000000 03e8 ff", 1007},
	{"8.1 impossible octet in a first fragment", "01 82 00000000 f490", 1007},
	{"8.1 impossible octet inside a frame", "81 fe 00ff 00000000 f490", 1007},
	{"8.1 text ends inside a character", "81 81 00000000 c3", 1007},
	{"10.4 four gigabytes announced", "82 ff 0000000100000000 00000000", 1009},
}

func breach(s *stage, bytes string, code int) error {
	p, err := s.open("/", opts{})
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(bytes, " ", ""))
	if err != nil {
		return err
	}
	p.wild = true
	p.t.linger.Store(true)
	if _, err := p.t.Write(raw); err != nil {
		return err
	}
	return finishClosing(p, code)
}
