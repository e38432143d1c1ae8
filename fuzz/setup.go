package fuzz

// A Role says which end of a connection an endpoint is. The peer of a server is a client, which masks what it sends (RFC 6455, 5.1).
type Role byte

// The roles, with the values of conn.Role.
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

// A Setup is what is settled before the first frame: which end the endpoint under test is, what it accepts, and what the opening
// handshake agreed on. Generators make sessions that are sent to that endpoint, and the reference judges them in its place.
type Setup struct {
	Role    Role
	Limits  Limits
	Deflate *Deflate // nil: no compression, and RSV1 is a breach
}

// Limits are what the endpoint accepts of one message (RFC 6455, 10.4). In each field 0 means no limit.
type Limits struct {
	Message   int64 // octets, decompressed
	Fragments int   // frames, empty ones included
	Wire      int64 // octets of a compressed message as it is sent
}

// Deflate is what permessage-deflate (RFC 7692, 7.1) agreed on for the direction to the endpoint.
type Deflate struct {
	Bits     int  // of the peer's window, 8 to 15; others are taken for the nearest
	Takeover bool // messages may refer to earlier ones
}

// window is the longest distance that the peer may use.
func (d *Deflate) window() int { return 1 << min(max(d.Bits, 8), 15) }

// SetupOf draws a Setup from the first octets of data, two at most, and returns what follows them. Every string of octets is one, also the
// empty one: a server without limits or compression.
func SetupOf(data []byte) (s Setup, rest []byte) {
	d := &dice{data: data}
	b := d.octet()
	s.Role = Role(b & 1)
	messages := [...]int64{0, 1 << 20, 125, 126, 300, 1 << 16, 1, 5}
	fragments := [...]int{0, 1024, 3, 1}
	s.Limits.Message = messages[b>>1&7]
	s.Limits.Fragments = fragments[b>>4&3]
	if b>>6 != 0 {
		z := d.octet()
		s.Deflate = &Deflate{Bits: 15 - int(z&7), Takeover: z&8 == 0}
	}
	return s, d.data
}
