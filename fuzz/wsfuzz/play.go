package main

import (
	"bytes"
	"time"

	"github.com/idlewire/idlewire/fuzz"
)

// A played is how a session went.
type played struct {
	*plan
	role     fuzz.Role
	to, from *fuzz.Deflate
	sent     []byte // all that was said, with what the player added
	got      []byte
	end      ending // how the endpoint ended TCP before the player did
	late     string // what did not come in time; "": nothing
	barrier  string // payload of the ping that the player added; "": none
	closing  bool   // the player has added a Close
	took     time.Duration
	latest   time.Duration // the longest that an answer took
	waited   string        // what answer that was
}

// Times of the player. Only patience can make a finding, and a suspicion is tried again with more of it.
const (
	soon      = 20 * time.Millisecond // for what usually comes at once
	cutPause  = 300 * time.Microsecond
	cutPauses = 24               // in one session
	holdTime  = 10 * time.Second // that a client may leave to the server for the end of TCP
	maxTimed  = 64 << 10         // octets; of more it is not asked how soon their answer came
	writeSize = 256 << 10
)

// A player says what a plan wants said, and waits for what is due.
type player struct {
	played
	l        *link
	patience time.Duration
	want     *wants
	tight    fuzz.Verdict // of the plan's stream
	pauses   int
	saidAt   time.Time // the beginning of what was said last
	saidLen  int       // and its length
	broken   bool      // nothing can be written any more
}

// play plays a session over a connection, and closes it.
func play(l *link, p *plan, want *wants, patience time.Duration) *played {
	tight, loose := want.limits.setups(l.role, l.to)
	pl := &player{played: played{plan: p, role: l.role, to: l.to, from: l.from}, l: l, patience: patience, want: want}
	l.allow(int(want.limits.message.good))
	began := time.Now()
	pl.tight = fuzz.Judge(tight, p.stream)
	pl.run(loose)
	pl.got, pl.end = l.all()
	l.nc.Close()
	pl.took = time.Since(began)
	return &pl.played
}

func (p *player) run(loose fuzz.Setup) {
	from := 0
	v, late := p.tight, p.tight
	if v.State == fuzz.Failed {
		v, late = verdicts(loose, p.stream)
	}
	for _, at := range p.stops() {
		if v.Lenient {
			break
		}
		if !p.say(p.stream[from:at]) || !p.answered(at) {
			return
		}
		from = at
	}
	p.say(p.stream[from:])
	closedOrOver := func(s *scanner) bool { return s.closed }
	switch {
	case v.State == fuzz.Failed && late.State == fuzz.Failed:
		most := len(data(late.Events))
		accepted := func(s *scanner) bool { return s.closed || p.want.echo && s.messages > most }
		if !p.l.wait(min(soon, p.patience), accepted) && p.l.ended() == running {
			since, n := p.saidAt, p.saidLen
			p.ping()
			p.saidAt, p.saidLen = since, n
			if waitsFor(p.stream, v.Fault) {
				p.l.wait(min(soon, p.patience), closedOrOver)
				break
			}
			p.wait("the failure of the connection", func(s *scanner) bool { return accepted(s) || p.ponged(s) })
		}
		p.farewell()
	case v.State == fuzz.Closed && !v.Lenient:
		p.wait("the answer to the Close", closedOrOver)
		p.gone()
	case p.want.strict && atOnceText(p.stream, v, late) && p.tight.Fault == v.Fault:
		p.wait(earlyFailure, closedOrOver)
		p.farewell()
	case p.tight.State == fuzz.Failed || v.State == fuzz.Failed || v.Lenient: // it may fail
		p.l.wait(min(soon, p.patience), closedOrOver)
		p.farewell()
	case v.State == fuzz.Open:
		if !p.answered(len(p.stream)) {
			return
		}
		p.closing = true
		p.say(p.frame(fuzz.OpClose, []byte{3, 232}))
		p.wait("the answer to the Close", closedOrOver)
		p.gone()
	default:
		if p.answered(len(p.stream)) && betweenFrames(p.stream) {
			p.ping()
			p.wait("the pong inside a message", p.ponged)
		}
	}
}

// betweenFrames reports whether the last frame is complete.
func betweenFrames(stream []byte) bool {
	frames, rest := fuzz.Dissect(stream)
	if len(rest) > 0 || len(frames) == 0 {
		return false
	}
	last := frames[len(frames)-1]
	return last.Length == uint64(len(last.Payload))
}

// stops are the offsets at which the plan waits for what is due.
func (p *player) stops() (all []int) {
	events := p.tight.Events
	if n := len(events); n > 0 && p.tight.State == fuzz.Closed {
		events = events[:n-1] // the Close has its own wait
	}
	switch {
	case p.pace == inStep:
		for _, e := range events {
			all = append(all, e.End)
		}
	case p.pace == lastAlone && len(events) > 0:
		all = append(all, events[len(events)-1].End)
	}
	return all
}

// say writes octets, in the plan's pieces, and reports whether that went well.
func (p *player) say(b []byte) bool {
	p.saidAt, p.saidLen = time.Now(), len(b)
	for _, piece := range fuzz.Cut(b, p.cuts) {
		if p.broken || p.l.ended() != running {
			p.broken = true
			return false
		}
		if len(piece) == 0 {
			continue
		}
		n, err := p.write(piece)
		p.sent = append(p.sent, piece[:n]...)
		if err != nil {
			p.broken = true
			if isTimeout(err) && p.late == "" {
				p.late = "room for more octets"
			}
			return false
		}
		if p.pauses++; len(p.cuts) > 0 && p.pauses < cutPauses {
			time.Sleep(cutPause) // so that the piece arrives alone
		}
	}
	return true
}

// wait waits for something that is due.
func (p *player) wait(what string, ready func(s *scanner) bool) bool {
	yes := p.l.wait(p.patience, ready)
	if p.l.ended() != running || yes {
		if took := time.Since(p.saidAt); took > p.latest && p.saidLen <= maxTimed {
			p.latest, p.waited = took, what
		}
		return yes
	}
	if p.late == "" {
		p.late = what
	}
	return false
}

// answered waits for what is due to the first n octets of the plan, and reports whether it came.
func (p *player) answered(n int) bool {
	messages, ping, pings := 0, "", 0
	for _, e := range p.tight.Events {
		switch {
		case e.End > n:
		case e.Op == fuzz.OpPing:
			ping = string(e.Payload)
			pings++
		case e.Op == fuzz.OpText || e.Op == fuzz.OpBinary:
			messages++
		}
	}
	if p.want.echo && !p.wait("the echo of a message", func(s *scanner) bool { return s.closed || s.messages >= messages }) {
		return false
	}
	if pings > 0 && !p.wait("a pong", func(s *scanner) bool {
		return s.closed || len(s.pongs) > 0 && s.pongs[len(s.pongs)-1] == ping || len(s.pongs) >= pings
	}) {
		return false
	}
	return p.l.ended() == running && !p.l.scanned().closed
}

// ping says a ping that no plan has.
func (p *player) ping() {
	p.barrier = "are you there?"
	p.say(p.frame(fuzz.OpPing, []byte(p.barrier)))
}

func (p *player) ponged(s *scanner) bool {
	return s.closed || len(s.pongs) > 0 && s.pongs[len(s.pongs)-1] == p.barrier
}

// farewell answers the Close of a failure, if there is one, and waits for the end.
func (p *player) farewell() {
	if !p.l.scanned().closed {
		return
	}
	if p.afterIt { // what comes now must not be worked on (7.1.7)
		at := p.l.scanned().at
		p.say(p.frame(fuzz.OpText, []byte("anybody there?")))
		p.l.wait(min(soon, p.patience), func(s *scanner) bool { return s.at > at })
	}
	p.closing = true
	p.say(p.frame(fuzz.OpClose, []byte{3, 234}))
	p.gone()
}

// gone waits for the end of TCP, which after both Closes is the server's to begin (7.1.1).
func (p *player) gone() {
	if !p.l.scanned().closed {
		return
	}
	never := func(*scanner) bool { return false }
	p.saidAt, p.saidLen = time.Now(), 0
	switch {
	case p.role == fuzz.Server:
		p.wait("the end of TCP", never)
	case p.want.strict && p.holds && !p.broken:
		if p.l.wait(max(holdTime, p.patience), never); p.l.ended() == running && p.late == "" {
			p.late = clientsEnd
		}
	}
}

// frame is a frame of the player.
func (p *player) frame(op byte, payload []byte) []byte {
	f := fuzz.Frame{Fin: true, Opcode: op, Masked: p.role == fuzz.Server, Key: [4]byte{0x37, 0xfa, 0x21, 0x3d}, Length: uint64(len(payload)), Payload: bytes.Clone(payload)}
	return f.Append(nil)
}

// write writes octets; each part of them has the patience.
func (p *player) write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		m := 0
		p.l.nc.SetWriteDeadline(time.Now().Add(p.patience))
		m, err = p.l.nc.Write(b[n:min(n+writeSize, len(b))])
		n += m
	}
	return n, err
}
