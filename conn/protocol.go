package conn

// A Role says which end of the connection we are: clients mask what they send, servers do not
// (RFC 6455, section 5.1).
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
// with default limits. Set Role, Options and Compressor before the first call, and do not change them after it.
// A Protocol must not be copied after the first call.
//
// The receiving half (Receive, ReceivePart, CloseReceived, Buffered, Release) and the sending half (the
// Append methods, AppendReply among them, PreparedFrame, Unsent, CloseSent) share no mutable state: one goroutine may
// receive while another sends. Within a half, one call at a time.
//
// A Protocol is 40 bytes, and owns nothing else while no message is incomplete.
type Protocol struct {
	loan loan // receiving half; no bytes at all unless built with race

	Role    Role     // zero: Server
	ended   ended    // receiving half; != 0: it takes no more bytes
	breach  breach   // receiving half; breach != 0 == ended&failed != 0
	sent    sent     // sending half
	Options *Options // zero: defaults; read by both halves

	// Compressor compresses and decompresses data messages, if the opening handshake agreed on that (RFC 7692); nil: RSV1 is an error. The
	// Compression of Options has no meaning to a Protocol.
	Compressor Compressor

	in *incoming // receiving half; nil: nothing is incomplete and nothing of ours is lent; ended != 0 lets it go
}

// ended says why the receiving half takes no more bytes.
type ended byte

const (
	peerClosed ended = 1 << iota // the peer's Close was received: 5.5.1, nothing follows it
	failed                       // the peer broke the protocol
	released                     // Release was called
)

// CloseReceived reports whether the peer's Close has been received. It belongs to the receiving half.
func (p *Protocol) CloseReceived() bool { return p.ended&peerClosed != 0 }

// CloseSent reports whether our Close has been appended. It belongs to the sending half.
func (p *Protocol) CloseSent() bool { return p.sent&closeSent != 0 }

// Buffered returns the number of bytes that the machine holds beside itself: 0 if nothing is incomplete and no
// payload of ours is lent. It is at most twice the number of bytes received of the incomplete message, plus 4 KiB; of a compressed
// message 66 times that number plus 8 KiB, or 128 KiB more if it is handed out in pieces.
// It belongs to the receiving half.
func (p *Protocol) Buffered() int {
	if p.in == nil {
		return 0
	}
	return p.in.size()
}

// Release gives back what the machine holds. The receiving half is over: an error stays what it was, and further bytes
// are discarded. The payload that Receive returned last stays valid: if it is in a buffer of ours, that is left to the
// garbage collector. Release belongs to the receiving half and may be called at any time and again.
func (p *Protocol) Release() {
	p.ended |= released
	p.keepLoan()
	p.drop()
}

// keepLoan leaves the payload that Receive returned last to the caller for ever.
func (p *Protocol) keepLoan() {
	p.loan.cancel()
	in := p.in
	if in == nil {
		return
	}
	switch in.lent {
	case lentBuf:
		in.buf = nil
	case lentControl:
		kept := *in // a message may be under assembly around the control frame
		p.in, in = &kept, &kept
	}
	in.lent = lentNothing
}
