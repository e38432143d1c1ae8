package corpus

import (
	"bytes"
	"slices"

	"github.com/idlewire/idlewire/autobahn"
	"github.com/idlewire/idlewire/fuzz"
)

// What a conformance case may take here. Those of section 9 are about time and size, with megabytes; here they keep their form.
const (
	maxPayload = 600
	maxFrames  = 24
)

// conformance has what the runner sends in each of the suite's own cases, up to the answer of the peer: echoes change nothing of it. Cases that are the same when they are cut
// down are there once.
func conformance() (all []Entry) {
	var seen [][]byte
	for _, c := range autobahn.Cases() {
		e := Entry{Name: "case-" + c.ID, Note: c.Title}
		if c.Compression != nil {
			e.Deflate, e.Frames = noTakeover, compressed(c.Compression)
			if c.Compression.Profile == "12" {
				e.Deflate = takeover
			}
		} else {
			e.Frames, e.Tail = steps(c)
		}
		stream := e.Stream(fuzz.Client)
		if slices.ContainsFunc(seen, func(b []byte) bool { return bytes.Equal(b, stream) }) {
			continue
		}
		seen = append(seen, stream)
		all = append(all, e)
	}
	return all
}

// steps are the frames of a case's steps. Waits are none.
func steps(c *autobahn.Case) (frames []fuzz.Frame, tail []byte) {
	add := func(f fuzz.Frame, payload []byte) {
		if f.Opcode < fuzz.OpClose {
			payload = payload[:min(len(payload), maxPayload)]
		}
		f.Payload, f.Length = payload, uint64(len(payload))
		if len(frames) < maxFrames {
			frames = append(frames, f)
		}
	}
	for i := range c.Steps {
		st := &c.Steps[i]
		switch st.Do {
		case autobahn.SendFrame:
			add(fuzz.Frame{Fin: !st.More, Rsv: st.Rsv, Opcode: byte(st.Opcode)}, payloadOf(st.Payload))
		case autobahn.SendMessage:
			payload, op := payloadOf(st.Payload), byte(st.Opcode)
			for st.Fragment > 0 && len(payload) > st.Fragment && len(frames) < maxFrames-1 {
				add(fuzz.Frame{Opcode: op}, payload[:st.Fragment])
				payload, op = payload[st.Fragment:], fuzz.OpContinuation
			}
			add(fuzz.Frame{Fin: true, Opcode: op}, payload)
		case autobahn.SendClose:
			add(fuzz.Frame{Fin: true, Opcode: fuzz.OpClose}, payloadOf(st.Payload))
		case autobahn.SendHeader:
			add(fuzz.Frame{Fin: !st.More, Rsv: st.Rsv, Opcode: byte(st.Opcode)}, parts(c.Steps[i+1:]))
		case autobahn.SendOctets:
			tail = append(tail, payloadOf(st.Payload)...)
		}
	}
	return frames, tail
}

// parts joins what is sent in parts after a header.
func parts(steps []autobahn.Step) (b []byte) {
	for _, st := range steps {
		switch st.Do {
		case autobahn.SendPart:
			b = append(b, payloadOf(st.Payload)...)
		case autobahn.Wait:
		default:
			return b
		}
	}
	return b
}

// payloadOf is a payload, or the beginning of a long one.
func payloadOf(p autobahn.Payload) []byte {
	p.Len = min(p.Len, 8*maxPayload)
	return p.Bytes()
}

// compressed is a message of a case of section 12 or 13: the length and the fragments are those of the case, within bounds; what it says is not.
func compressed(c *autobahn.Compression) (frames []fuzz.Frame) {
	text := bytes.Repeat([]byte("{\"a\": [1, 2.5, \"idle wire\"], \"b\": null} "), 2+min(c.MessageLen, 2*maxPayload)/40)
	text = text[:min(c.MessageLen, 2*maxPayload)]
	op := fuzz.OpText
	if c.Binary {
		op = fuzz.OpBinary
	}
	rest, rsv := squeeze(text), byte(4)
	for c.Fragment > 0 && len(rest) > c.Fragment && len(frames) < maxFrames {
		frames = append(frames, fuzz.Frame{Opcode: op, Rsv: rsv, Length: uint64(c.Fragment), Payload: rest[:c.Fragment]})
		rest, op, rsv = rest[c.Fragment:], fuzz.OpContinuation, 0
	}
	return append(frames, fuzz.Frame{Fin: true, Opcode: op, Rsv: rsv, Length: uint64(len(rest)), Payload: rest})
}
