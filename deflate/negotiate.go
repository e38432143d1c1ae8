package deflate

import (
	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/handshake"
)

// Accept implements [conn.Compression]: it answers the first offer of permessage-deflate that is well-formed; there is none of those that
// it could not agree to. The parameters of the answer belong to o, and are not to be modified.
func (o *Options) Accept(offered []handshake.Extension) (answer handshake.Extension, c conn.Compressor, ok bool) {
	for _, e := range offered {
		offer, ok := ParseParams(e)
		if !ok {
			continue // 7: "A server MUST decline", but what else the client offers may do
		}
		p, bits, held := o.grant(offer)
		takeover := [2]bool{!p.ServerNoContextTakeover, !p.ClientNoContextTakeover}
		return o.answer(p), o.compressor(server, takeover, bits, held), true
	}
	return handshake.Extension{}, nil, false
}

// grant returns the answer to a client's offer, the bits of the server's and the client's window, and how many octets are reserved for them.
func (o *Options) grant(offer Params) (answer Params, bits [2]int, held int64) {
	p := o.use()
	// 7.1.2.1: "with the same or smaller value as the offer", or unasked
	bits[server] = min(p.bits[server], bitsOr15(offer.ServerMaxWindowBits))
	if offer.ServerMaxWindowBits != 0 || bits[server] < maxBits {
		answer.ServerMaxWindowBits = bits[server]
	}
	// 7.1.2.2: if the offer does not have it, the answer "MUST NOT include the client_max_window_bits extension parameter"
	bits[client] = maxBits
	if offer.ClientMaxWindowBits != 0 {
		if bits[client] = min(p.bits[client], bitsOr15(offer.ClientMaxWindowBits)); bits[client] < maxBits {
			answer.ClientMaxWindowBits = bits[client]
		}
	}
	takeover := [2]bool{
		p.takeover[server] && !offer.ServerNoContextTakeover,
		p.takeover[client] && !offer.ClientNoContextTakeover && bits[client] <= p.bits[client],
	}
	held = o.reserve(&takeover, bits)
	answer.ServerNoContextTakeover = !takeover[server] // 7.1.1.1: of an offer that has it, and unasked
	answer.ClientNoContextTakeover = !takeover[client] // 7.1.1.2
	return answer, bits, held
}

// answer returns p as an extension, always the same one, so that it costs a connection nothing.
func (o *Options) answer(p Params) handshake.Extension {
	o.mu.RLock()
	e, ok := o.answers[p]
	o.mu.RUnlock()
	if !ok {
		e = p.Extension()
		e.Params = e.Params[:len(e.Params):len(e.Params)]
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.answers == nil {
			o.answers = map[Params]handshake.Extension{}
		}
		o.answers[p] = e
	}
	return e
}

// compressor returns what serves a connection of which we are side us. Connections without takeover share it.
func (o *Options) compressor(us side, takeover [2]bool, bits [2]int, held int64) *compressor {
	them := server + client - us
	key := [2]int{bits[us], bits[them]}
	if takeover[us] || takeover[them] {
		c := newCompressor(o, key)
		if takeover[us] {
			c.sent = newWindow(bits[us])
		}
		if takeover[them] {
			c.received = newWindow(bits[them])
		}
		c.held.Store(held)
		return c
	}
	o.mu.RLock()
	c := o.alike[key]
	o.mu.RUnlock()
	if c == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if c = o.alike[key]; c != nil { // there is one for all time: it is compared with ==
			return c
		}
		if o.alike == nil {
			o.alike = map[[2]int]*compressor{}
		}
		c = newCompressor(o, key)
		o.alike[key] = c
	}
	return c
}
