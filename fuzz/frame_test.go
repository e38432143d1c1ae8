package fuzz

import (
	"strings"
	"testing"
)

// Of any octets, however many have come, frame.ParseHeader makes what the RFC does, and what it accepts is appended again octet for octet.
func FuzzHeader(f *testing.F) {
	addHeaders(f)
	f.Fuzz(func(t *testing.T, b []byte, plan byte) { CheckHeader(b, plan) })
}

func addHeaders(f *testing.F) {
	if !testing.Testing() {
		return
	}
	for _, s := range sessions() {
		for i := range s.Frames[:min(4, len(s.Frames))] {
			f.Add(s.Frames[i].AppendHeader(nil), byte(s.Role)|byte(i&2))
		}
	}
	for _, n := range borders {
		for form := FormShortest; form <= Form64; form++ {
			h := Frame{Fin: true, Opcode: OpBinary, Form: form, Length: uint64(n)}
			f.Add(h.AppendHeader(nil), byte(Client))
		}
	}
	for _, n := range hugeLengths {
		h := Frame{Fin: true, Opcode: OpBinary, Form: Form64, Length: n}
		f.Add(h.AppendHeader(nil), byte(Client))
	}
}

// A frame.UTF8 says of any octets, however they are cut, what the grammar of RFC 3629 does, and at the first octet that cannot be.
func FuzzText(f *testing.F) {
	for _, bad := range noText {
		f.Add([]byte("a"+bad+"é"), []byte{1, 2})
		f.Add([]byte("0123456789abcdef€"+bad+"0123456789abcdef"), []byte{17, 1})
	}
	for n := range 80 { // read in words, it might seem to go on where the character does
		f.Add([]byte("aé\xe2\x82"+strings.Repeat("a", n)+"\xac0123456789abcdef0123456789abcdef"), []byte{5, 255})
		f.Add([]byte("aé€"+strings.Repeat("a", n)), []byte{5, 255})
	}
	for i, good := range characters {
		f.Add([]byte(good+"0123456789abcdef"+good+good), []byte{byte(i), 3, 0})
	}
	f.Fuzz(func(t *testing.T, text, cuts []byte) { CheckText(text, cuts) })
}

// frame.ParseClose takes a payload for what sections 5.5.1 and 7.4 do, and what it accepts is appended again octet for octet.
func FuzzClose(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3})
	for _, codes := range [2][]int{goodCodes[:], badCodes[:]} {
		for _, code := range codes {
			f.Add([]byte{byte(code >> 8), byte(code)})
			f.Add([]byte{byte(code >> 8), byte(code), 'b', 'y', 0xc3, 0xa9})
			f.Add([]byte{byte(code >> 8), byte(code), 'b', 'y', 0xc3})
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) { CheckClose(payload) })
}
