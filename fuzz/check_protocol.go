package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// CheckServer panics if a conn.Protocol as server makes of a generated session, however it is cut, anything that the reference does not.
func CheckServer(data []byte) { checkGenerated(Server, data) }

// CheckClient is CheckServer for a client.
func CheckClient(data []byte) { checkGenerated(Client, data) }

func checkGenerated(r Role, data []byte) {
	s, rest := SetupOf(data)
	s.Role = r
	session := Generate(s, rest)
	if text := Run(&session); text != "" {
		panic(text + "\n" + session.String())
	}
}

// CheckServerBytes panics if a conn.Protocol as server makes of a stream, cut as plan says, anything that the reference does not. The
// plan is a Setup (see SetupOf), and then the lengths of the pieces.
func CheckServerBytes(stream, plan []byte) { checkBytes(Server, stream, plan) }

// CheckClientBytes is CheckServerBytes for a client.
func CheckClientBytes(stream, plan []byte) { checkBytes(Client, stream, plan) }

func checkBytes(r Role, stream, plan []byte) {
	s, cuts := SetupOf(plan)
	s.Role = r
	session := Session{Setup: s}
	session.Frames, session.Tail = Dissect(stream[:min(len(stream), MaxStream)])
	for _, n := range cuts[:min(len(cuts), 64)] {
		session.Cuts = append(session.Cuts, int(n))
	}
	if text := Run(&session); text != "" {
		panic(text + "\n" + session.String())
	}
}

// Run gives a session to a conn.Protocol, in its pieces and in one, by Receive and by ReceivePart, and compares what comes of it with the reference. It
// returns what is wrong, or "".
func Run(s *Session) string {
	stream, setup := s.Bytes(), within(s.Setup)
	early, late := Judge(setup, stream), JudgeLate(setup, stream)
	for _, way := range ways {
		pieces := [][]byte{bytes.Clone(stream)}
		if way.cut {
			if len(s.Cuts) == 0 {
				continue
			}
			pieces = s.Pieces()
		}
		got, text := receive(setup, early, pieces, way.parts)
		if text == "" {
			text = Between(early, late, got)
		}
		if text != "" {
			return fmt.Sprintf("%s: %s", way.name, text)
		}
	}
	return ""
}

var ways = [...]struct {
	name       string
	cut, parts bool
}{
	{"in one piece", false, false},
	{"in pieces", true, false},
	{"in one piece, by ReceivePart", false, true},
	{"in pieces, by ReceivePart", true, true},
}

// receive runs a Protocol. The text says what is wrong with memory, work or promptness, or "".
func receive(s Setup, early Verdict, pieces [][]byte, parts bool) (got Outcome, text string) {
	p, err := protocolOf(s)
	if err != nil {
		return got, err.Error()
	}
	defer p.Release()
	if p.Compressor != nil {
		defer p.Compressor.Release()
	}
	take := p.Receive
	if parts {
		take = p.ReceivePart
	}
	var message []byte
	fed, calls := 0, 0
	for _, b := range pieces {
		fed += len(b)
		for {
			m, rest, err := take(b)
			if calls++; calls > 2*fed+2*len(pieces)+maxParts {
				return got, fmt.Sprintf("%d calls for %d octets in %d pieces", calls, fed, len(pieces))
			}
			if text := held(s, p, fed, m.Op != 0 && !m.Op.IsControl() && !m.More, parts); text != "" {
				return got, text
			}
			if err != nil {
				var breach *frame.Error
				if !errors.As(err, &breach) {
					return got, fmt.Sprintf("error %v is no *frame.Error", err)
				}
				got.Failed, got.Code = true, uint16(breach.Code)
				if _, _, again := take([]byte{0x81}); again != err {
					return got, fmt.Sprintf("error %v becomes %v", err, again)
				}
				if p.Buffered() != 0 {
					return got, fmt.Sprintf("%d octets held after a failure", p.Buffered())
				}
				return got, prompt(s, early, fed, len(b), true)
			}
			if m.Op == 0 {
				break
			}
			if len(rest) > len(b) {
				return got, fmt.Sprintf("%d octets left of %d", len(rest), len(b))
			}
			b = rest
			if m.Op.IsControl() {
				got.Events = append(got.Events, Event{Op: byte(m.Op), Payload: bytes.Clone(m.Payload)})
				continue
			}
			message = append(message, m.Payload...)
			if !m.More {
				got.Events = append(got.Events, Event{Op: byte(m.Op), Payload: message})
				message = nil
			}
		}
		if text := prompt(s, early, fed, len(b), false); text != "" {
			return got, text
		}
	}
	switch {
	case p.CloseReceived() != (early.State == Closed):
		return got, fmt.Sprintf("CloseReceived is %v; want state %v", p.CloseReceived(), early.State)
	case early.State == Open && p.Buffered() != 0:
		return got, fmt.Sprintf("%d octets held, and nothing is incomplete", p.Buffered())
	}
	return got, ""
}

// maxParts is how many pieces of a message ReceivePart may give beyond one for every octet of the peer.
const maxParts = 1 << 12

// prompt holds a Protocol to more than the RFC: text that is not compressed fails at the first octet that cannot be (8.1), a header when it is complete.
func prompt(s Setup, early Verdict, fed, piece int, failed bool) string {
	if early.State != Failed {
		return ""
	}
	latest := early.Fault.At + maxHeader
	if early.Fault.Section == "8.1" && s.Deflate == nil {
		latest = early.Fault.At
	}
	switch {
	case failed && fed < early.Fault.At:
		return fmt.Sprintf("failure after %d octets; want %v", fed, early.Fault)
	case !failed && s.Deflate == nil && fed >= latest && early.Fault.Section != "5.5.1" && early.Fault.Section != "7.4":
		return fmt.Sprintf("no failure after %d octets; want %v", fed, early.Fault)
	}
	return ""
}

const maxHeader = 14

// held compares what the Protocol holds with what it may. Of a message that is being decompressed that is 64 octets for each received: more only
// when it is complete, and then no more than the limit.
func held(s Setup, p *conn.Protocol, fed int, delivers, parts bool) string {
	most := 2*fed + 4<<10
	if s.Deflate != nil {
		most = 66*fed + 8<<10
		if parts {
			most += 128 << 10
		}
		if delivers && s.Limits.Message < MaxStream*1100 { // DEFLATE makes at most 1032 octets of one
			most += 2 * int(s.Limits.Message)
		} else if delivers {
			most += 2 * 1100 * fed
		}
	}
	if n := p.Buffered(); n > most {
		return fmt.Sprintf("%d octets held after %d", n, fed)
	}
	return ""
}

// protocolOf returns the endpoint that a Setup describes.
func protocolOf(s Setup) (*conn.Protocol, error) {
	p := &conn.Protocol{Role: conn.Role(s.Role), Options: &conn.Options{MaxMessage: int(s.Limits.Message), MaxFragments: s.Limits.Fragments}}
	if s.Deflate == nil {
		return p, nil
	}
	params := deflate.Params{ServerNoContextTakeover: true, ClientNoContextTakeover: !s.Deflate.Takeover, ClientMaxWindowBits: s.Deflate.Bits}
	o := &deflate.Options{
		ClientContextTakeover: true, ClientMaxWindowBits: s.Deflate.Bits, ServerContextTakeover: true, ServerMaxWindowBits: s.Deflate.Bits,
		Budget: -1, ConnBudget: -1,
	}
	var err error
	if s.Role == Client {
		params = deflate.Params{ClientNoContextTakeover: true, ServerNoContextTakeover: !s.Deflate.Takeover, ServerMaxWindowBits: s.Deflate.Bits}
		p.Compressor, err = o.Agree([]handshake.Extension{params.Extension()})
		return p, err
	}
	answer, c, _ := o.Accept([]handshake.Extension{params.Extension()})
	if got, _ := deflate.ParseParams(answer); got.ClientNoContextTakeover == s.Deflate.Takeover {
		return nil, fmt.Errorf("server agreed to %+v", got)
	}
	p.Compressor = c
	return p, nil
}

// within returns the limits that package conn has where s has none.
func within(s Setup) Setup {
	if s.Limits.Message == 0 {
		s.Limits.Message = math.MaxInt
	}
	if s.Limits.Fragments == 0 {
		s.Limits.Fragments = math.MaxInt
	}
	s.Limits.Wire = math.MaxInt64
	if n := s.Limits.Message; n <= (math.MaxInt64-4096)/16 {
		s.Limits.Wire = 16*n + 4096
	}
	return s
}
