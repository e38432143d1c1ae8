package conn

import (
	"math"
	"time"
)

// Options are the limits and the timeouts of a connection. In each field zero means the default,
// and a negative value means off. A nil *Options is all defaults. One Options may serve any number
// of connections; it must not change while it does.
type Options struct {
	// MaxMessage is the greatest length in bytes of a data message that the peer may send: the sum
	// over its fragments. The default is 1 MiB. Off, it is what an int can hold.
	MaxMessage int

	// MaxFragments is the greatest number of frames that one message may be sent in, empty ones
	// included. The default is 1024.
	MaxFragments int

	// HandshakeTimeout limits the opening handshake as a whole. The default is 5 s.
	HandshakeTimeout time.Duration

	// PingInterval is the time between two pings, give or take 20 %. The default is 30 s.
	PingInterval time.Duration

	// PongTimeout is how long the peer may take to answer a ping with anything. The default is 20 s.
	PongTimeout time.Duration

	// CloseTimeout limits the closing handshake. The default is 5 s.
	CloseTimeout time.Duration

	// WriteStallTimeout is how long the peer may refuse to take a single byte. The default is 10 s.
	WriteStallTimeout time.Duration

	// ControlRate is how many control frames a second the peer may send. The default is 100.
	ControlRate int

	// ControlBurst is how many control frames the peer may send at once. The default is 200.
	ControlBurst int

	// Compression, if set, is offered and accepted in opening handshakes: permessage-deflate (RFC 7692) by the options of package deflate.
	// MaxMessage limits messages as they are when decompressed. The default is none.
	Compression Compression

	// MaskKey gives the masking key of each frame that a client sends (RFC 6455, section 10.3: unpredictable).
	// It must be safe for concurrent use. If nil, keys come from crypto/rand.
	MaskKey func() uint32
}

// Defaults of Options that the machine itself keeps.
const (
	defaultMaxMessage   = 1 << 20
	defaultMaxFragments = 1024
)

func (o *Options) maxMessage() int64 {
	switch {
	case o == nil || o.MaxMessage == 0:
		return defaultMaxMessage
	case o.MaxMessage < 0:
		return math.MaxInt // not MaxInt64: a message is a slice, also where an int has 32 bits
	}
	return int64(o.MaxMessage)
}

func (o *Options) maxFragments() int {
	switch {
	case o == nil || o.MaxFragments == 0:
		return defaultMaxFragments
	case o.MaxFragments < 0:
		return math.MaxInt
	}
	return o.MaxFragments
}
