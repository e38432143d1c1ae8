package conn

import "github.com/idlewire/idlewire/frame"

// A Role says which end of the connection we are. Clients mask what they send (RFC 6455, section 5.1).
type Role byte

// The roles. The zero Role is Server.
const (
	Server Role = iota
	Client
)

// String returns "server" or "client".
func (r Role) String() string {
	if r == Client {
		return "client"
	}
	return "server"
}

// A Protocol is one endpoint of a WebSocket connection, without I/O. The zero Protocol is a server
// with default limits. Set Role and Options before the first call, and do not change them after.
//
// The receiving half (Receive, ReceivePart, CloseReceived, Buffered, Release) and the sending half (all
// Append methods, PreparedFrame, CloseSent) share no mutable state: one goroutine may use the one
// while another uses the other. Within a half, one call at a time.
type Protocol struct {
	loan loan // receiving half; no bytes unless built with race

	Role    Role
	ended   ended     // receiving half
	sent    sent      // sending half
	Options *Options  // nil: defaults
	in      *incoming // receiving half; nil: no frame and no message is incomplete, and nothing is lent
	err     *frame.Error
}

// ended says why the receiving half takes no more bytes.
type ended byte

const (
	peerClosed ended = 1 << iota // the peer's Close was received
	failed                       // err is set
	released                     // Release was called
)

// CloseReceived reports whether the peer's Close has been received.
// It belongs to the receiving half.
func (p *Protocol) CloseReceived() bool { return p.ended&peerClosed != 0 }

// CloseSent reports whether our Close has been appended.
// It belongs to the sending half.
func (p *Protocol) CloseSent() bool { return p.sent&closeSent != 0 }

// Buffered returns the number of bytes that the receiving half holds for what is incomplete: 0 if
// nothing is. It never exceeds twice the bytes received of the incomplete message, plus 4 KiB.
func (p *Protocol) Buffered() int {
	if p.in == nil {
		return 0
	}
	return p.in.size()
}

// Release gives the buffers of the receiving half back. A payload from Receive is no longer valid. The
// machine is over: it discards what it receives. Release may be called at any time, and more than once.
func (p *Protocol) Release() {
	p.ended |= released
	p.drop()
}
