package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/idlewire/idlewire/fuzz"
)

// The states of a receiver.
const (
	stateIdle = iota
	stateText
	stateBinary
	stateSqueezed
	stateClosed
	states
)

var stateNames = [states]string{"between messages", "inside text", "inside binary", "inside compressed", "after Close"}

// The kinds of frames, the legal ones first.
var kinds = [...]string{
	"text, whole", "text, first fragment", "binary, whole", "binary, first fragment", "compressed, whole", "compressed, first fragment", "continuation, not last",
	"continuation, last", "ping", "pong", "Close without a body", "Close with a code", "Close with a reason",
	"reserved bits", "reserved opcode, data", "reserved opcode, control", "control frame in fragments", "control frame over 125", "the wrong way about the mask",
	"length not minimal", "length of 2^63 and more", "Close of one octet", "Close with a bad code",
	"text that is not UTF-8", "Close with a reason that is not", "compressed, and is no DEFLATE",
}

// The kinds that the frame alone does not tell.
const (
	kindNoText = 23 + iota
	kindNoReason
	kindNoDeflate
)

// kindOf classifies a frame by its header, and a Close by its code.
func kindOf(f *fuzz.Frame, s *fuzz.Setup) int {
	control := f.Opcode >= 8
	part := 1
	if f.Fin {
		part = 0
	}
	switch {
	case f.Rsv != 0 && !(f.Rsv == 4 && s.Deflate != nil && (f.Opcode == fuzz.OpText || f.Opcode == fuzz.OpBinary)):
		return 13
	case f.Opcode > 2 && f.Opcode < 8:
		return 14
	case f.Opcode > 10:
		return 15
	case control && !f.Fin:
		return 16
	case f.Masked != (s.Role == fuzz.Server):
		return 18
	case control && f.Length > 125:
		return 17
	case f.Form == fuzz.Form16 && f.Length < 126, f.Form == fuzz.Form64 && f.Length < 1<<16:
		return 19
	case f.Length >= 1<<63:
		return 20
	}
	switch f.Opcode {
	case fuzz.OpContinuation:
		return 7 - part
	case fuzz.OpText, fuzz.OpBinary:
		if f.Rsv != 0 {
			return 4 + part
		}
		return 2*int(f.Opcode-1) + part
	case fuzz.OpPing:
		return 8
	case fuzz.OpPong:
		return 9
	}
	code, reason := fuzz.Event{Op: fuzz.OpClose, Payload: f.Payload}.Close()
	switch {
	case len(f.Payload) == 0:
		return 10
	case len(f.Payload) == 1:
		return 21
	case code < 1000 || code >= 1004 && code <= 1006 || code > 1014 && code < 3000 || code > 4999:
		return 22
	case reason != "":
		return 12
	}
	return 11
}

// A table counts which frames have come to a receiver in which states.
type table struct {
	mu    sync.Mutex // guards cells
	cells [len(kinds)][states]int
}

// add counts the frames of a stream, up to the first that is a fault.
func (t *table) add(s fuzz.Setup, stream []byte) {
	frames, _ := fuzz.Dissect(stream)
	v := fuzz.Judge(s, stream)
	t.mu.Lock()
	defer t.mu.Unlock()
	state, at := stateIdle, 0
	for i := range frames {
		f := &frames[i]
		if v.State == fuzz.Failed && at >= v.Fault.At {
			return
		}
		kind := kindOf(f, &s)
		if at += f.Size(); v.State == fuzz.Failed && v.Fault.At <= at {
			switch {
			case v.Fault.Section == "8.1" && f.Opcode <= fuzz.OpText:
				kind = kindNoText
			case v.Fault.Section == "5.5.1" && v.Fault.Code == fuzz.CodeInvalid:
				kind = kindNoReason
			case v.Fault.Section == "RFC 7692 7.2.2":
				kind = kindNoDeflate
			}
		}
		t.cells[kind][state]++
		switch {
		case state == stateClosed:
		case f.Opcode == fuzz.OpClose:
			state = stateClosed
		case f.Opcode > fuzz.OpBinary:
		case f.Fin:
			state = stateIdle
		case f.Rsv != 0:
			state = stateSqueezed
		case f.Opcode != fuzz.OpContinuation:
			state = int(f.Opcode)
		}
	}
}

// possible reports whether a cell can be filled.
func possible(kind, state int, deflate bool) bool {
	switch {
	case !deflate && (state == stateSqueezed || kind == 4 || kind == 5 || kind == kindNoDeflate):
		return false
	case kind == kindNoText || kind == kindNoReason || kind == kindNoDeflate: // these are known of the first fault alone, and need the right state
		return state == stateIdle || kind == kindNoText && (state == stateText || state == stateSqueezed) || kind == kindNoReason && state != stateClosed ||
			kind == kindNoDeflate && state == stateSqueezed
	}
	return true
}

// covered counts the cells that are filled, and those that can be.
func (t *table) covered(deflate bool) (n, of int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range kinds {
		for s := range states {
			if possible(k, s, deflate) {
				of++
				if t.cells[k][s] > 0 {
					n++
				}
			}
		}
	}
	return n, of
}

// print writes the table.
func (t *table) print(w io.Writer, deflate bool) {
	n, of := t.covered(deflate)
	fmt.Fprintf(w, "\nframes by the state of the receiver: %d of %d\n%-30s", n, of, "")
	for _, name := range stateNames {
		fmt.Fprintf(w, " %17s", name)
	}
	fmt.Fprintln(w)
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, name := range kinds {
		var b strings.Builder
		for s := range states {
			text := "-"
			if possible(k, s, deflate) {
				text = fmt.Sprint(t.cells[k][s])
			}
			fmt.Fprintf(&b, " %17s", text)
		}
		fmt.Fprintf(w, "%-30s%s\n", name, b.String())
	}
}
