package autobahn

import (
	"context"
	"net"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
)

// An opening is a connection whose opening handshake is done.
type opening struct {
	nc       net.Conn
	rest     []byte // octets of the peer that came behind its handshake
	request  string // header blocks as they were on the wire
	response string
	deflate  *deflate.Params // what was agreed; nil: nothing
}

// play plays one case on a connection whose opening handshake is done, closes it, and returns the result without Agent and Number. It returns soon after ctx ends; then the result is nil.
func play(ctx context.Context, c *Case, o opening, client bool, opt Options, seed uint64) *Result {
	panic("to be written")
}
