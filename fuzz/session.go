package fuzz

import (
	"fmt"
	"strings"
)

// Bounds of what a generator makes, whatever it is given.
const (
	MaxFrames = 4096        // of a session
	MaxStream = 512 << 10   // octets of a session on the wire
	maxRuns   = 2 << 20     // octets, decompressed, of messages that are next to nothing on the wire
	maxCuts   = 1 << 16     // pieces of a session beyond which they are larger than its Cuts say
	maxInput  = 64 << 10    // octets of data that Generate looks at
	nothing   = "<nothing>" // listing of an empty session
)

// A Session is what a peer sends on one connection after the opening handshake, and how it arrives.
type Session struct {
	Setup
	Frames []Frame
	Tail   []byte // what comes behind the frames, and is none
	Cuts   []int  // lengths of the pieces, and again from the first; none: all in one piece. 0 is an empty piece
}

// Bytes returns the session as it goes over the wire.
func (s *Session) Bytes() []byte {
	n := len(s.Tail)
	for i := range s.Frames {
		n += s.Frames[i].Size()
	}
	b := make([]byte, 0, n)
	for i := range s.Frames {
		b = s.Frames[i].Append(b)
	}
	return append(b, s.Tail...)
}

// Pieces returns what Bytes does, cut. The pieces are of one new array.
func (s *Session) Pieces() [][]byte { return Cut(s.Bytes(), s.Cuts) }

// Cut cuts a stream into pieces of the given lengths, again and again. They are never more than 65536 and a few; 0 is an empty piece, and
// less is 0.
func Cut(stream []byte, cuts []int) (pieces [][]byte) {
	least := 0
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(cuts) > 0 {
			n = min(max(cuts[i%len(cuts)], least), n)
		}
		if i+1 >= len(cuts) && least == 0 {
			least = 1 // or there might be no end
		}
		if i == maxCuts {
			n = len(stream)
		}
		pieces = append(pieces, stream[:n:n])
		stream = stream[n:]
	}
	return pieces
}

// String lists the session, a line per frame, or for several that are the same; the offset of its first octet stands before it.
func (s *Session) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "to a %v, limits %+v", s.Role, s.Limits)
	if s.Deflate != nil {
		fmt.Fprintf(&b, ", permessage-deflate %+v", *s.Deflate)
	}
	if len(s.Cuts) > 0 {
		fmt.Fprintf(&b, ", cut by %v", s.Cuts[:min(len(s.Cuts), 16)])
	}
	b.WriteByte('\n')
	at := 0
	for i := 0; i < len(s.Frames); {
		line, from, n := s.Frames[i].String(), at, 0
		for ; i < len(s.Frames) && (n == 0 || s.Frames[i].String() == line); i++ {
			at += s.Frames[i].Size()
			n++
		}
		fmt.Fprintf(&b, "%6d %s", from, line)
		if n > 1 {
			fmt.Fprintf(&b, ", %d times", n)
		}
		b.WriteByte('\n')
	}
	if len(s.Tail) > 0 {
		fmt.Fprintf(&b, "%6d %x, no frame\n", at, s.Tail[:min(len(s.Tail), 32)])
	}
	if at == 0 && len(s.Tail) == 0 {
		b.WriteString(nothing + "\n")
	}
	return b.String()
}

// clone returns a copy that shares no frames with s; payloads are shared, and never written to.
func (s Session) clone() Session {
	s.Frames = append([]Frame(nil), s.Frames...)
	return s
}
