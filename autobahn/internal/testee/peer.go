package testee

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// What the other end can make grow, and how far.
const (
	MaxMessage = 64 << 20 // octets of a message; a longer one fails the connection with 1009
	MaxControl = 1 << 16  // octets of a control frame, where more than 125 pass
	MaxHead    = 16 << 10 // octets of a request or a response; a longer one drops the connection
)

// closeWait is how long a client waits for the server to close TCP after the closing handshake.
const closeWait = time.Second

// A Peer is one end of a connection. Its zero value is of no use; New makes one.
//
// A driver gives it what comes (Receive), and the time when it asks for that (Due, Tick); and after each of those it writes what Take returns, in order, and then
// closes TCP if Gone says so. While Reading is false it gives it nothing. A Peer is not safe for concurrent use.
type Peer struct {
	kind *Kind
	role Role
	rand *rand.Rand // of masking keys

	now    time.Time
	timers []timer
	paused int    // timers that have to fire before anything more is read
	held   []byte // came in the same read as what made the Peer pause

	head []byte // of the opening handshake, or of a frame, that is not complete
	in   header
	got  uint64 // octets of its payload; got < in.length, or there is no frame
	busy bool   // inside a frame
	skip bool   // whose payload is read over

	ended   bool   // a frame has ended in the current read
	keyFrom uint64 // the octet of the payload at which the masking key begins

	control   []byte // payload of the current control frame
	gathering frame.Opcode
	message   []byte
	start     int // where in message the current frame begins
	op        frame.Opcode
	inMessage bool
	unchecked bool // its octets are not validated, or no longer
	frames    int  // of the current message
	text      textCheck

	deflate *compression // nil: none was agreed

	open      bool // the opening handshake is done
	sentClose bool
	deaf      bool // nothing is worked on any more
	gone      bool
	refusal   string // why a client's opening handshake failed
	key       string // that a client sent

	out [][]byte

	// For the Kinds.
	kept  []byte
	stash [][]byte
}

type timer struct {
	at time.Time
	do func()
}

// New returns a Peer. Its masking keys come from seed. A server waits for a request, and Request makes a client send one; or Opened skips the opening handshake.
func New(k *Kind, r Role, seed uint64) *Peer {
	p := &Peer{kind: k, role: r, rand: rand.New(rand.NewPCG(seed, uint64(r)))}
	if !k.InRole(r) {
		p.kind = Correct
	}
	p.text = p.kind.check
	return p
}

// Request makes a client send its opening request, for a host with port and a target such as "/runCase?case=1&agent=x".
func (p *Peer) Request(now time.Time, host, target string) {
	p.now = now
	p.sendRequest(host, target)
}

// Opened says that the opening handshake was done by somebody else.
func (p *Peer) Opened(now time.Time) {
	p.now = now
	p.nowOpen()
}

func (p *Peer) nowOpen() {
	p.open = true
	if p.kind.opened != nil {
		p.kind.opened(p)
	}
}

// Receive takes octets of the other end. It may overwrite b, and keeps nothing of it.
func (p *Peer) Receive(now time.Time, b []byte) {
	p.now, p.ended = now, false
	if p.kind.keyPerRead {
		p.keyFrom = p.got
	}
	p.work(b)
}

// work takes octets, as far as p does not pause.
func (p *Peer) work(b []byte) {
	for len(b) > 0 && !p.deaf && !p.gone {
		switch {
		case p.kind.oneFrame && p.ended:
			return
		case p.paused > 0:
			p.held = append(p.held, b...)
			return
		case !p.open:
			b = p.receiveHead(b)
		case !p.busy:
			b = p.receiveHeader(b)
		default:
			b = p.receivePayload(b)
		}
	}
	if p.kind.idle != nil && p.open && !p.gone {
		p.kind.idle(p)
	}
}

// Reading reports whether the Peer wants octets now. If not, it may again after a Tick.
func (p *Peer) Reading() bool { return p.paused == 0 }

// Gone reports whether TCP is to be closed, after all that Take returned was written.
func (p *Peer) Gone() bool { return p.gone }

// Take returns what is to be written, one slice for each frame. They are the caller's.
func (p *Peer) Take() [][]byte {
	out := p.out
	p.out = nil
	return out
}

// Due returns when Tick has something to do; false: never.
func (p *Peer) Due() (time.Time, bool) {
	if len(p.timers) == 0 || p.gone {
		return time.Time{}, false
	}
	return p.timers[0].at, true
}

// Tick does what is due by now.
func (p *Peer) Tick(now time.Time) {
	p.now = now
	for len(p.timers) > 0 && !p.timers[0].at.After(now) && !p.gone {
		t := p.timers[0]
		p.timers = p.timers[1:]
		t.do()
	}
}

// after has something done later. What is due at the same time is done in the order of the calls.
func (p *Peer) after(d time.Duration, do func()) {
	at := p.now.Add(d)
	i, _ := slices.BinarySearchFunc(p.timers, at, func(t timer, at time.Time) int {
		if t.at.After(at) {
			return 1
		}
		return -1
	})
	p.timers = slices.Insert(p.timers, i, timer{at, do})
}

// pause has something done later, and reads nothing before.
func (p *Peer) pause(d time.Duration, do func()) {
	p.paused++
	p.after(d, func() {
		p.paused--
		do()
		if p.paused == 0 {
			b := p.held
			p.held = nil
			p.work(b)
		}
	})
}

// hang never reads again.
func (p *Peer) hang() { p.paused++ }

// drop closes TCP.
func (p *Peer) drop() {
	if !p.kind.keepsTCP {
		p.gone = true
	}
}
