package golibs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An agreement is what an offer or an answer of permessage-deflate says (RFC 7692, 7.1). In the answer it is what both ends have to keep to.
type agreement struct {
	serverAlone, clientAlone bool // no context takeover
	serverBits, clientBits   int  // 15 where nothing is said
	serverSaid, clientSaid   bool // the window was named, with or without a value
}

const extensionName = "permessage-deflate"

// readExtensions reads a header's elements that are permessage-deflate. The words are the element as it stood, its parameters in order of the alphabet.
func readExtensions(h http.Header) (all []agreement, words []string, err error) {
	for _, element := range strings.Split(strings.Join(h["Sec-Websocket-Extensions"], ","), ",") {
		fields := strings.Split(element, ";")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if fields[0] != extensionName {
			continue
		}
		a := agreement{serverBits: 15, clientBits: 15}
		slices.Sort(fields[1:])
		for i, f := range fields[1:] {
			name, value, valued := strings.Cut(f, "=")
			bits, _ := strconv.Atoi(value)
			good := valued && bits >= 8 && bits <= 15 && strconv.Itoa(bits) == value // 7.1.2
			switch name {
			case "server_no_context_takeover":
				a.serverAlone, good = true, !valued
			case "client_no_context_takeover":
				a.clientAlone, good = true, !valued
			case "server_max_window_bits":
				a.serverBits, a.serverSaid = bits, true
			case "client_max_window_bits":
				a.clientSaid = true
				if valued {
					a.clientBits = bits
				} else {
					good = true
				}
			default:
				good = false
			}
			if i > 0 && strings.HasPrefix(fields[i], name) || !good {
				return nil, nil, fmt.Errorf("RFC 7692, 7.1: the parameter %q", f)
			}
		}
		all, words = append(all, a), append(words, strings.Join(fields, "; "))
	}
	return all, words, nil
}

// answers reports whether a may be the answer to the offer, 7.1.1 and 7.1.2.
func (a agreement) answers(offer agreement) bool {
	return (a.serverAlone || !offer.serverAlone) && a.serverBits <= offer.serverBits && (!a.clientSaid || offer.clientSaid)
}

// An end is what is known of one end of a conversation, and so what is wanted of it.
type end struct {
	threshold int  // messages of this many octets and more are compressed, unless they may not be
	plain     bool // it sends as they are what begins with "plain:"
	parts     bool // it sends in fragments what begins with "parts:"
	never     bool // it compresses nothing, though it may
	literal   bool // it compresses without looking for what repeats itself
	shrinks   bool // what it has compressed as a whole is shorter than it was
}

// A direction is what one end said.
type direction struct {
	end
	name     string
	bits     int
	alone    bool
	messages []wireMessage
	frames   []wireFrame
}

// A wireMessage is a data message as it stood in the bytes.
type wireMessage struct {
	op       byte
	packed   bool
	frames   int
	octets   int // in frames, without their headers
	payload  []byte
	back     int // octets that came from earlier messages
	farthest int
	wire     string // the payload as it was in the frames
}

// read reads all that the end said.
func (d *direction) read(b []byte, masked, agreed bool) error {
	var x *inflater
	if agreed {
		x = &inflater{bits: d.bits, alone: d.alone}
	}
	var rest []byte
	var err error
	if d.frames, rest, err = readFrames(b, masked, x); err == nil && len(rest) > 0 {
		err = errors.New("the end of TCP in the middle of a frame")
	}
	if err != nil {
		return fmt.Errorf("the %s, in message %d: %w", d.name, len(d.messages), err)
	}
	var m wireMessage
	for _, f := range d.frames {
		if f.op >= opClose {
			continue
		}
		if f.op != opContinuation {
			m = wireMessage{op: f.op, packed: f.packed}
		}
		m.frames, m.octets, m.wire = m.frames+1, m.octets+len(f.payload), m.wire+string(f.payload)
		if f.fin {
			m.payload, m.back, m.farthest = f.whole, f.back, f.farthest
			d.messages = append(d.messages, m)
		}
	}
	return nil
}

// read reads all that passed, and looks whether they agreed on want, "" for nothing, and kept to it.
func (p *passage) read(want string) (c, s *direction, on bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, s = &direction{name: "client"}, &direction{name: "server"}
	offered, said, _ := afterHead(p.toServer)
	answered, echoed, _ := afterHead(p.toClient)
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(offered)))
	if err != nil {
		return c, s, false, err
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answered)), request)
	if err != nil {
		return c, s, false, err
	}
	offers, offer, err := readExtensions(request.Header)
	if err != nil {
		return c, s, false, fmt.Errorf("the offer: %w", err)
	}
	agreed, answer, err := readExtensions(response.Header)
	switch {
	case err != nil:
		return c, s, false, fmt.Errorf("the answer: %w", err)
	case strings.Join(answer, ", ") != want:
		return c, s, false, fmt.Errorf("offered %q, answered %q, want %q", offer, answer, want)
	case len(agreed) > 0 && !slices.ContainsFunc(offers, agreed[0].answers):
		return c, s, false, fmt.Errorf("RFC 7692, 7.1: %q is no answer to %q", answer, offer)
	}
	on = len(agreed) > 0
	if on {
		c.bits, c.alone = agreed[0].clientBits, agreed[0].clientAlone
		s.bits, s.alone = agreed[0].serverBits, agreed[0].serverAlone
	}
	if err := c.read(said, true, on); err != nil {
		return c, s, on, err
	}
	return c, s, on, s.read(echoed, false, on)
}

// judge looks at all that passed: that they agreed on want, and kept to it, that the server echoed each message, and that both ends compressed as is known of them.
func (p *passage) judge(want string, client, server end) (c, s *direction, err error) {
	c, s, on, err := p.read(want)
	if err != nil {
		return c, s, err
	}
	c.end, s.end = client, server
	if len(c.messages) != len(s.messages) {
		return c, s, fmt.Errorf("%d messages, %d echoes", len(c.messages), len(s.messages))
	}
	for i, m := range c.messages {
		if err := same(s.messages[i].payload, m.payload); err != nil || m.op != s.messages[i].op {
			return c, s, fmt.Errorf("echo %d is another message: opcode %d, want %d, %w", i, s.messages[i].op, m.op, err)
		}
	}
	for _, d := range []*direction{c, s} {
		if err := d.behaved(on); err != nil {
			return c, s, fmt.Errorf("the %s: %w", d.name, err)
		}
	}
	if err := answersPings(c.frames, s.frames); err != nil {
		return c, s, fmt.Errorf("the server: %w", err)
	}
	if err := answersPings(s.frames, c.frames); err != nil {
		return c, s, fmt.Errorf("the client: %w", err)
	}
	for _, d := range []*direction{c, s} {
		if code, _, ok := closeOf(d.frames); !ok || code != 1000 {
			return c, s, fmt.Errorf("the %s said Close %d (%v), want 1000", d.name, code, ok)
		}
	}
	return c, s, nil
}

// answersPings: 5.5.3: at least the last ping is answered.
func answersPings(asks, answers []wireFrame) error {
	pings, pongs := payloadsOf(asks, opPing), payloadsOf(answers, opPong)
	if len(pings) > 0 && (len(pongs) == 0 || !bytes.Equal(pings[len(pings)-1], pongs[len(pongs)-1])) {
		return fmt.Errorf("5.5.3: %d pings, the last %q, and %d pongs", len(pings), pings[len(pings)-1], len(pongs))
	}
	return nil
}

// behaved says whether an end compressed as is known of it.
func (d *direction) behaved(on bool) error {
	back, packed, large, largePacked := 0, 0, 0, 0
	for i, m := range d.messages {
		fault := func(what string) error {
			return fmt.Errorf("message %d, %d octets %.20q, in %d octets and %d frames: %s", i, len(m.payload), m.payload, m.octets, m.frames, what)
		}
		isText, n := m.op == opText, len(m.payload)
		plain := isText && bytes.HasPrefix(m.payload, []byte("plain:"))
		parts := isText && bytes.HasPrefix(m.payload, []byte("parts:"))
		switch {
		case m.packed && !on:
			return fault("compressed without an agreement")
		case !on:
		case m.packed && d.never:
			return fault("compressed by one that compresses nothing")
		case m.packed && plain && d.plain:
			return fault("compressed, though it should not be")
		case !m.packed && isText && !(plain && d.plain) && !parts && n >= max(d.threshold, 126) && !d.never:
			return fault("not compressed")
		case m.packed && isText && n >= 1000 && !parts && m.octets >= n:
			return fault("compressed, and no shorter")
		case m.packed && d.shrinks && !parts && m.octets >= n:
			return fault("compressed, and no shorter")
		}
		if parts && d.parts && m.frames < 2 && m.octets > 8000 {
			return fault("not in fragments")
		}
		back += m.back
		if m.packed {
			packed++
		}
		if isText && n >= 1000 && !plain && !parts {
			large, largePacked = large+n, largePacked+m.octets
		}
	}
	switch {
	case !on || d.never:
	case packed == 0:
		return errors.New("no message was compressed")
	case !d.literal && largePacked*10 > large*6:
		return fmt.Errorf("%d octets of JSON took %d", large, largePacked)
	case !d.alone && !d.literal && back == 0:
		return errors.New("context takeover was agreed on, and no message refers to an earlier one")
	}
	return nil
}

// heard says whether the client said all that belongs to a conversation.
func (d *direction) heard(sizes []int) error {
	for _, n := range sizes {
		for _, op := range []byte{opText, opBinary} {
			if !slices.ContainsFunc(d.messages, func(m wireMessage) bool { return m.op == op && len(m.payload) == n }) {
				return fmt.Errorf("no %s message of %d octets", opNames[op], n)
			}
		}
	}
	for _, prefix := range []string{"plain:", "parts:", "next:"} {
		if !slices.ContainsFunc(d.messages, func(m wireMessage) bool { return bytes.HasPrefix(m.payload, []byte(prefix)) }) {
			return fmt.Errorf("no message begins with %q", prefix)
		}
	}
	return nil
}
