package autobahn

import (
	"reflect"
	"time"
)

// Options are what a configuration file may say under "options", in the names of the original suite. DefaultOptions returns the defaults, which also hold for a Target or
// a Server whose Options are zero: to change one, begin with them.
type Options struct {
	FailByDrop            bool // fail a connection by dropping TCP; false: by a Close
	UTF8ValidateIncoming  bool
	ApplyMask             bool          // false: masked frames carry their key, and the payload in clear
	MaxFramePayloadSize   int           // octets; 0: no limit but MaxIncoming
	MaxMessagePayloadSize int           // octets; 0: no limit but MaxIncoming
	AutoFragmentSize      int           // octets of payload in a frame of a message sent; 0: no fragments
	EchoCloseCodeReason   bool          // answer a Close with its own code and reason; false: with 1000
	OpenHandshakeTimeout  time.Duration // 0: none, which is a minute; a Server never waits longer than that
	CloseHandshakeTimeout time.Duration // 0: none
	TCPNoDelay            bool
	AutoPingInterval      time.Duration // 0: no pings
	AutoPingTimeout       time.Duration // 0: none
	AutoPingSize          int           // octets, 4 to 125

	// The runner as client.
	Version                     int // of the protocol, 10 to 18
	AcceptMaskedServerFrames    bool
	MaskClientFrames            bool
	ServerConnectionDropTimeout time.Duration // 0: none

	// The runner as server.
	Versions                  []int // Sec-WebSocket-Version that are accepted
	WebStatus                 bool  // answer a plain GET with a page
	RequireMaskedClientFrames bool
	MaskServerFrames          bool
	AllowedOrigins            []string // "*" in one stands for any run of characters
	MaxConnections            int      // 0: no limit
}

// orDefault returns the defaults in place of zero.
func (o Options) orDefault() Options {
	if reflect.ValueOf(o).IsZero() {
		return DefaultOptions()
	}
	return o
}

// openingTime returns how long a client of the runner's waits for the other end to open a connection. Without a limit a peer could hang the runner.
func (o *Options) openingTime() time.Duration {
	if o.OpenHandshakeTimeout > 0 {
		return o.OpenHandshakeTimeout
	}
	return maxOpeningTime
}

// DefaultOptions returns the options that hold where a configuration says nothing.
func DefaultOptions() Options {
	return Options{
		UTF8ValidateIncoming:        true,
		ApplyMask:                   true,
		OpenHandshakeTimeout:        5 * time.Second,
		CloseHandshakeTimeout:       time.Second,
		TCPNoDelay:                  true,
		AutoPingSize:                4,
		Version:                     18,
		MaskClientFrames:            true,
		ServerConnectionDropTimeout: time.Second,
		Versions:                    []int{8, 13},
		WebStatus:                   true,
		RequireMaskedClientFrames:   true,
		AllowedOrigins:              []string{"*"},
	}
}
