package conn

import (
	"net/http"

	"github.com/idlewire/idlewire/handshake"
)

// Accept answers an opening handshake that an http.Server received, and takes the connection over. With a nil u it accepts what
// comes from a page of the same origin, or from no browser (RFC 6455, section 10.2); with a nil o the Options are the defaults. Both may be
// shared by any number of connections, and must not change while they are in use.
//
// On error w has been answered: the handler has only to return. The error is a *handshake.Error if the handshake was refused.
//
// The time until the request is complete is the http.Server's: set its ReadHeaderTimeout. What is left of the handshake is one
// write, which has a limit of its own. From then on the deadlines of the http.Server hold no more.
//
// What the client sent behind its request is not lost. The connection belongs to the caller, who has to close it, also when the handler has returned; r.Context
// ends with the handler, and must not be used after.
func Accept(w http.ResponseWriter, r *http.Request, u *handshake.Upgrader, o *Options) (*Conn, error) {
	if u == nil {
		u = &sameOrigin
	}
	var a agreed
	if o != nil && o.Compression != nil {
		v := *u
		v.Extensions = Accepting(o.Compression, func(c Compressor) { a.compressor = c }, u.Extensions)
		u = &v
	}
	nc, rest, req, err := u.Hijack(w, r)
	if err != nil {
		a.release()
		return nil, err
	}
	a.subprotocol, a.extensions = req.Subprotocol, req.Extensions
	return newConn(nc, Server, o, rest, a), nil
}

// sameOrigin is the default policy.
var sameOrigin handshake.Upgrader
