package main

import (
	"math"
	"time"

	"github.com/idlewire/idlewire/fuzz"
)

// Limits are what is known of how much the endpoint accepts of one message (RFC 6455, 10.4). Up to good it has to; beyond bad it must not; what lies
// between is its own affair.
type limits struct {
	message, fragments struct{ good, bad int64 } // bad 0: none is known
}

// Common limits: nobody accepts less who has not been told to.
const (
	commonMessage   = 16 << 10 // coder/websocket reads 32768 octets by default, many brokers 16 KiB and more
	commonFragments = 64
	commonControls  = 50 // control frames on one connection; there are servers that call more of them, in a short time, a flood
)

// setups returns the reference's setups for an endpoint that accepts as little as it may, and for one that accepts as much.
func (l *limits) setups(role fuzz.Role, z *fuzz.Deflate) (tight, loose fuzz.Setup) {
	tight = fuzz.Setup{Role: role, Deflate: z, Limits: fuzz.Limits{Message: l.message.good, Fragments: int(l.fragments.good)}}
	if z != nil { // some count the octets of a message as they come
		tight.Limits.Wire = l.message.good
	}
	loose = fuzz.Setup{Role: role, Deflate: z, Limits: fuzz.Limits{Message: l.message.bad, Fragments: int(l.fragments.bad)}}
	if n := l.message.bad; z != nil && n > 0 && n < (math.MaxInt64-4096)/16 {
		loose.Limits.Wire = 0
	}
	return tight, loose
}

// Wants are what the endpoint is held to.
type wants struct {
	limits    limits
	echo      bool          // messages come back
	strict    bool          // also to what the RFC leaves open, or says SHOULD for
	compress  bool          // it agrees to permessage-deflate, and makes use of it
	slow      time.Duration // in which answers come; 0: within the patience
	atMessage bool          // limits.message.good is the user's word
	atParts   bool          // limits.fragments.good is
}
