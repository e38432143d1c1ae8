package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/idlewire/idlewire/frame"
)

// CheckHeader panics unless, of the first octets of b, however many have come, frame.ParseHeader makes what the reference does, and what it accepts is
// appended again octet for octet. Plan chooses who sends the frame, and whether there is compression.
func CheckHeader(b []byte, plan byte) {
	b = b[:min(len(b), maxHeader)]
	s := Setup{Role: Role(plan & 1)}
	from, rsv := frame.FromClient, byte(0)
	if s.Role == Client {
		from = frame.FromServer
	}
	first := len(b) > 0 && (b[0]&15 == OpText || b[0]&15 == OpBinary)
	if plan&2 != 0 && first { // to package frame RSV1 may be on any frame; that it may not is for package conn
		s.Deflate, rsv = &Deflate{Bits: 15}, frame.Rsv1
	}
	for n := range len(b) + 1 {
		h, used, err := frame.ParseHeader(b[:n], from, rsv)
		want, size, fault := headerOf(s, b[:n])
		var e *frame.Error
		switch {
		case fault.Section == "5.5.1": // a Close of one octet is found with its payload
			continue
		case fault.Code != 0:
			if !errors.As(err, &e) || uint16(e.Code) != fault.Code {
				panic(fmt.Sprintf("ParseHeader(% x) = %+v, %v; want %v", b[:n], h, err, fault))
			}
			continue
		case err != nil || used != size:
			panic(fmt.Sprintf("ParseHeader(% x) = %+v, %d, %v; want %d octets", b[:n], h, used, err, size))
		case used == 0:
			continue
		}
		key := uint32(want.key[0]) | uint32(want.key[1])<<8 | uint32(want.key[2])<<16 | uint32(want.key[3])<<24
		if h.Fin != want.fin || h.Rsv != want.rsv || byte(h.Opcode) != want.op || uint64(h.Length) != want.length || h.Key != key || h.Masked != (s.Role == Server) {
			panic(fmt.Sprintf("ParseHeader(% x) = %+v; want %+v", b[:n], h, want))
		}
		if out := h.Append(nil); !bytes.Equal(out, b[:used]) || h.Size() != used {
			panic(fmt.Sprintf("% x is appended as % x, Size is %d", b[:used], out, h.Size()))
		}
		if f, m := dissectHeader(b[:used]); m != used || !bytes.Equal(f.AppendHeader(nil), b[:used]) {
			panic(fmt.Sprintf("% x is dissected as %v", b[:used], f))
		}
	}
}

// headerOf is the reference's view of a header; size is 0 if it is not complete, fault zero if there is none. To continuations there is something to continue.
func headerOf(s Setup, b []byte) (h header, size int, fault Fault) {
	r := &reference{Setup: s, stream: b}
	if len(b) > 0 && b[0]&15 == OpContinuation {
		r.op = OpText
	}
	defer func() {
		if e := recover(); e != nil && e != (over{}) {
			panic(e)
		}
		fault = r.v.Fault
	}()
	h = r.header()
	return h, r.at, fault
}

// CheckText panics unless a frame.UTF8 says of a text, in pieces of the lengths in cuts, what the reference does, at each of them; and so do the functions
// for whole texts.
func CheckText(text, cuts []byte) {
	lengths := make([]int, min(len(cuts), 64))
	for i := range lengths {
		lengths[i] = int(cuts[i])
	}
	var u frame.UTF8
	var r utf8Reader
	ok := true
	for _, piece := range Cut(text, lengths) {
		for _, o := range piece {
			ok = r.read(o)
		}
		if got := u.Valid(piece); got != ok || u.Complete() != r.complete() {
			panic(fmt.Sprintf("% x, cut by %d: after % x Valid is %v, Complete is %v; want %v, %v", text, lengths, piece, got, u.Complete(), ok, r.complete()))
		}
	}
	if want := r.complete(); frame.ValidUTF8(text) != want || utf8.Valid(text) != want {
		panic(fmt.Sprintf("% x: ValidUTF8 is not %v", text, want))
	}
}

// CheckClose panics unless frame.ParseClose says of a payload what the reference does, and frame.AppendClose makes it again.
func CheckClose(payload []byte) {
	payload = payload[:min(len(payload), 200)]
	f := frameOf(OpClose, true, payload)
	v := Judge(Setup{Role: Client}, f.Append(nil))
	code, reason, err := frame.ParseClose(payload)
	var e *frame.Error
	if v.State == Failed {
		if !errors.As(err, &e) || uint16(e.Code) != v.Fault.Code {
			panic(fmt.Sprintf("ParseClose(% x) = %d, %q, %v; want %v", payload, code, reason, err, v.Fault))
		}
		return
	}
	wantCode, wantReason := v.Events[0].Close()
	if err != nil || uint16(code) != wantCode || string(reason) != wantReason {
		panic(fmt.Sprintf("ParseClose(% x) = %d, %q, %v; want %d, %q", payload, code, reason, err, wantCode, wantReason))
	}
	if out, err := frame.AppendClose(nil, code, string(reason)); err != nil || !bytes.Equal(out, payload) {
		panic(fmt.Sprintf("% x is appended as % x, %v", payload, out, err))
	}
}
