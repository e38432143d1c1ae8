package main

import (
	"math/rand/v2"

	"github.com/idlewire/idlewire/fuzz"
)

// directed makes a session for one cell of the state table: messages, what brings a receiver into a state, a frame of a kind, and what may follow it.
func directed(r *rand.Rand, setup fuzz.Setup) fuzz.Session {
	s := fuzz.Session{Setup: setup}
	add := func(f fuzz.Frame) {
		f.Masked = f.Masked != (setup.Role == fuzz.Server) // those that are Masked are masked wrongly
		if f.Masked {
			copy(f.Key[:], octets(r, 4))
		}
		if f.Length == 0 {
			f.Length = uint64(len(f.Payload))
		}
		s.Frames = append(s.Frames, f)
	}
	whole := func(op byte) fuzz.Frame { return fuzz.Frame{Fin: true, Opcode: op, Payload: words(r, r.IntN(20))} }
	for range r.IntN(3) {
		add(whole([...]byte{fuzz.OpText, fuzz.OpBinary, fuzz.OpPing}[r.IntN(3)]))
	}
	state := r.IntN(states)
	kind := r.IntN(len(kinds))
	for !possible(kind, state, setup.Deflate != nil) {
		state, kind = r.IntN(states), r.IntN(len(kinds))
	}
	if state == stateSqueezed && kind == kindNoText { // the generator has those
		state = stateText
	}
	op := fuzz.OpText
	switch state {
	case stateText, stateBinary:
		op = byte(state)
		add(fuzz.Frame{Opcode: op, Payload: words(r, r.IntN(9))})
	case stateSqueezed:
		add(fuzz.Frame{Opcode: op, Rsv: 4, Payload: []byte{0xf2, 0x48, 0xcd}})
	case stateClosed:
		add(fuzz.Frame{Fin: true, Opcode: fuzz.OpClose, Payload: []byte{3, 232}})
	}
	if state == stateText && r.IntN(4) == 0 {
		add(whole(fuzz.OpPing))
	}
	f := frameOfKind(r, kind)
	switch {
	case kind == kindNoText && state == stateText:
		f.Opcode = fuzz.OpContinuation
	case state == stateSqueezed && kind == kindNoDeflate:
		f.Opcode, f.Rsv = fuzz.OpContinuation, 0
	case state == stateSqueezed && f.Opcode == fuzz.OpContinuation:
		f.Payload = []byte{0xc9, 0xc9, 0x07, 0x00}
	}
	add(f)
	if f.Opcode <= fuzz.OpBinary && !f.Fin || state == stateText || state == stateBinary {
		add(fuzz.Frame{Fin: true, Opcode: fuzz.OpContinuation, Payload: words(r, r.IntN(9))})
	}
	if r.IntN(2) == 0 {
		add(whole(fuzz.OpText))
	}
	if r.IntN(3) == 0 {
		s.Cuts = []int{1 + r.IntN(12)}
	}
	return s
}

// words are n octets of text.
func words(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return b
}

// frameOfKind makes a frame of a kind of the table. It is Masked if the mask is to be wrong.
func frameOfKind(r *rand.Rand, kind int) fuzz.Frame {
	any := [...]byte{fuzz.OpText, fuzz.OpBinary, fuzz.OpPing, fuzz.OpPong}
	control := [...]byte{fuzz.OpPing, fuzz.OpPong, fuzz.OpClose}
	f := fuzz.Frame{Fin: true, Payload: words(r, r.IntN(30))}
	switch kind {
	case 0, 2, 4:
		f.Opcode = fuzz.OpText + byte(kind/2)
	case 1, 3, 5:
		f.Opcode, f.Fin = fuzz.OpText+byte(kind/2), false
	case 6, 7:
		f.Opcode, f.Fin = fuzz.OpContinuation, kind == 7
	case 8, 9:
		f.Opcode = fuzz.OpPing + byte(kind-8)
	case 10:
		f.Opcode, f.Payload = fuzz.OpClose, nil
	case 11, 12:
		code := [...]int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}[r.IntN(16)]
		f.Opcode, f.Payload = fuzz.OpClose, append([]byte{byte(code >> 8), byte(code)}, words(r, (kind-11)*(1+r.IntN(123)))...)
	case 13:
		f.Opcode, f.Rsv = any[r.IntN(4)], byte(1+r.IntN(7))
	case 14:
		f.Opcode = 3 + byte(r.IntN(5))
	case 15:
		f.Opcode = 11 + byte(r.IntN(5))
	case 16:
		f.Opcode, f.Fin = control[r.IntN(3)], false
		if f.Opcode == fuzz.OpClose {
			f.Payload = []byte{3, 232}
		}
	case 17:
		f.Opcode, f.Payload = control[r.IntN(3)], words(r, [...]int{126, 127, 300, 65536}[r.IntN(4)])
		if f.Opcode == fuzz.OpClose {
			copy(f.Payload, "\x03\xe8")
		}
	case 18:
		f.Opcode, f.Masked = any[r.IntN(4)], true
	case 19:
		f.Opcode, f.Form = any[r.IntN(4)], fuzz.Form16+fuzz.Form(r.IntN(2))
	case 20:
		f.Opcode, f.Form, f.Length = any[r.IntN(2)], fuzz.Form64, 1<<63+uint64(r.IntN(40))
	case 21:
		f.Opcode, f.Payload = fuzz.OpClose, []byte{3}
	case 22:
		code := [...]int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}[r.IntN(13)]
		f.Opcode, f.Payload = fuzz.OpClose, append([]byte{byte(code >> 8), byte(code)}, words(r, r.IntN(9))...)
	}
	switch kind {
	case kindNoText:
		f.Opcode, f.Payload = fuzz.OpText, noText(r)
		f.Fin = r.IntN(4) > 0
	case kindNoReason:
		f.Opcode, f.Payload = fuzz.OpClose, append([]byte{3, 232}, noText(r)...)
	case kindNoDeflate:
		f.Opcode, f.Rsv, f.Payload = fuzz.OpText+byte(r.IntN(2)), 4, [...][]byte{{0x07}, {0x00, 0x01, 0x00, 0x00}, {0xf2, 0x48, 0xcd, 0xc9, 0xff, 0xff}, {0x04, 0xff}}[r.IntN(4)]
	}
	if kind == 4 || kind == 5 { // "Hello", as in RFC 7692, 7.2.3.1
		f.Opcode, f.Rsv, f.Payload = fuzz.OpText+byte(r.IntN(2)), 4, []byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}
		if kind == 5 {
			f.Payload = f.Payload[:3]
		}
	}
	return f
}

// noTexts are octets that no text has: what never stands anywhere, longer forms, surrogates, beyond U+10FFFF, RFC 2279, and characters that do not end.
var noTexts = [...]string{
	"\xff", "\xfe", "\x80", "\xbf", "\xc0\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",
	"\xed\xa0\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf",
	"\xf8\x88\x80\x80\x80", "\xfb\xbf\xbf\xbf\xbf", "\xfc\x84\x80\x80\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf",
	"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xe2", "\xf0\x9f", "\xc3a", "\xe2\x82a", "\xf0\x9f\x98a",
}

// noText is text with something that is none, at its end half of the times.
func noText(r *rand.Rand) []byte {
	b := append(words(r, r.IntN(24)), noTexts[r.IntN(len(noTexts))]...)
	if r.IntN(2) == 0 {
		b = append(b, words(r, 1+r.IntN(8))...)
	}
	return b
}
