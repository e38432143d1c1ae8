package conn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// A talk is what a peer saw and what the program saw of one connection.
type talk struct {
	data  []Message // delivered to the program
	err   error     // which ended it
	pongs []string  // that came back
	code  frame.CloseCode
}

// hold plays the chunks to a Conn as its peer, and returns what became of it. If the session does not end by itself, the peer closes the
// transport when it has got so many pongs.
func hold(t *testing.T, tr carrier, role Role, streaming, ends bool, pongs int, chunks ...[]byte) (k talk) {
	t.Helper()
	c, p := newPair(t, tr, role, nil)
	wrote := goes(func() {
		for _, b := range chunks {
			if _, err := p.nc.Write(b); err != nil {
				return // the breach was before the end
			}
		}
	})
	k.code = frame.CloseAbnormal
	heard := goes(func() {
		for {
			if len(k.pongs) == pongs && !ends {
				wrote()
				p.nc.Close()
			}
			f, err := p.read()
			if err != nil {
				p.nc.Close()
				return
			}
			switch f.Opcode {
			case frame.Pong:
				k.pongs = append(k.pongs, string(f.Payload))
			case frame.Close:
				k.code, _, _ = frame.ParseClose(f.Payload)
				p.nc.Close()
				return
			default:
				t.Error("the Conn sent", f)
			}
		}
	})
	for {
		m, err := readEither(c, streaming)
		if err != nil {
			k.err = err
			break
		}
		k.data = append(k.data, m)
	}
	heard()
	return k
}

// readEither reads a message, whole or as a stream.
func readEither(c *Conn, streaming bool) (Message, error) {
	if !streaming {
		m, err := c.Read()
		m.Payload = bytes.Clone(m.Payload)
		return m, err
	}
	op, r, err := c.Reader(background)
	if err != nil {
		return Message{}, err
	}
	b, err := io.ReadAll(r)
	return Message{Op: op, Payload: b}, err
}

// E34: the machine and the driver tell the same of every session in the machine's table: the same messages, the same end, the pongs and
// the Close that the RFC wants; whole and byte by byte, over a pipe and over TCP, as messages and as streams.
func TestE34TwinOfTheMachine(t *testing.T) {
	for _, s := range sessions {
		stream := wire(s.wire)
		for _, tr := range carriers[:2] {
			for _, streaming := range []bool{false, true} {
				for _, size := range []int{len(stream), 1} {
					if size == 1 && len(stream) > 1000 || len(stream) == 0 {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/streaming=%v/%d", s.name, tr.name, streaming, size), func(t *testing.T) {
						var chunks [][]byte
						for b := bytes.Clone(stream); len(b) > 0; b = b[size:] {
							chunks = append(chunks, b[:size])
						}
						var data []Message
						var pings []string
						code, echo := frame.CloseAbnormal, frame.CloseAbnormal
						for _, m := range s.msgs {
							switch {
							case m.Op == frame.Ping:
								pings = append(pings, string(m.Payload))
							case m.Op == frame.Close:
								code, _ = m.Close()
								echo = code
							case m.Op.IsData():
								data = append(data, m)
							}
						}
						if s.err != nil {
							code = CodeOf(s.err)
							echo = code
						}
						k := hold(t, tr, s.role, streaming, code != frame.CloseAbnormal, len(pings), chunks...)
						if s.err != nil && k.err != s.err {
							t.Errorf("ended with %v, expected %v", k.err, s.err)
						}
						same(t, outcome{msgs: k.data}, outcome{msgs: data})
						if got := CodeOf(k.err); got != code || k.code != echo {
							t.Errorf("ended with %v (%v), Close %v; expected %v and %v", k.err, got, k.code, code, echo)
						}
						if len(k.pongs) != len(pings) {
							t.Errorf("pongs %q for %q", k.pongs, pings)
						}
						if code == frame.CloseAbnormal && !errors.Is(k.err, io.EOF) && !errors.Is(k.err, io.ErrUnexpectedEOF) {
							t.Error(k.err)
						}
					})
				}
			}
		}
	}
}
