// Package deflate is permessage-deflate (RFC 7692) for the conformance suite: which parameters are offered, accepted and refused in
// each profile of sections 12 and 13, and a Codec that compresses and decompresses the messages of a connection with what was agreed.
//
// A Codec is strict where a peer's decompressor might not be: what it compresses never reaches beyond the window that was agreed for it,
// and what it decompresses must not.
package deflate

// Name is the name of the extension (RFC 7692, section 7).
const Name = "permessage-deflate"

// Params are what was agreed for a connection (RFC 7692, section 7.1).
type Params struct {
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool
	ServerMaxWindowBits     int // 8 to 15; 0: not given, which means 15
	ClientMaxWindowBits     int // likewise
}

// A direction is what was agreed for the messages of one endpoint.
type direction struct {
	window   int  // octets, 1<<8 to 1<<15
	takeover bool // messages may refer to the ones before them
}

func (p Params) server() direction {
	return direction{window(p.ServerMaxWindowBits), !p.ServerNoContextTakeover}
}

func (p Params) client() direction {
	return direction{window(p.ClientMaxWindowBits), !p.ClientNoContextTakeover}
}

func window(bits int) int {
	if bits == 0 {
		bits = maxWindowBits // 7.1.2: without the parameter 32 768 octets may be used
	}
	return 1 << bits
}

const (
	minWindowBits = 8 // 7.1.2.1
	maxWindowBits = 15
)
