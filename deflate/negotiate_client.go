package deflate

import (
	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/handshake"
)

// offers are what a client offers, and the same without the server's takeover, for when there is no room for its window.
type offers struct {
	params         []Params
	wire, roomless []handshake.Extension
	window         int64 // octets of the greatest window of a server that takes over; 0 if none does
}

// newOffers returns the offers in list, or of the policy if that is nil.
func (p *policy) newOffers(list []Params) (o offers) {
	if list == nil {
		list = p.offers()
	}
	for _, q := range list {
		q = q.inRange()
		n := int64(1) << bitsOr15(q.ServerMaxWindowBits)
		if p.connBudget >= 0 && n > p.connBudget {
			q.ServerNoContextTakeover = true
		}
		if q.ServerNoContextTakeover {
			n = 0
		}
		if p.connBudget >= 0 && 1<<bitsOr15(q.ClientMaxWindowBits) > p.connBudget-n {
			q.ClientNoContextTakeover = true
		}
		o.window = max(o.window, n)
		o.params = append(o.params, q)
		o.wire = append(o.wire, q.Extension())
		// The client's own takeover stays as it is: 7.1.1.2 takes a refusal of it for a promise, and Agree cannot know which list was sent.
		q.ServerNoContextTakeover = true
		o.roomless = append(o.roomless, q.Extension())
	}
	return o
}

// offers returns what a client of the policy offers. Many servers cannot choose their window; to those it offers that they do without takeover, as then
// nobody keeps a window.
func (p *policy) offers() []Params {
	first := Params{
		ServerNoContextTakeover: !p.takeover[server],
		ClientNoContextTakeover: !p.takeover[client],
		ClientMaxWindowBits:     Any,
	}
	if p.bits[client] < maxBits {
		first.ClientMaxWindowBits = p.bits[client]
	}
	if p.bits[server] == maxBits {
		return []Params{first}
	}
	fallback := first
	fallback.ServerNoContextTakeover = true
	first.ServerMaxWindowBits = p.bits[server]
	return []Params{first, fallback}
}

// Offers implements [conn.Compression]. While the budget has no room for a server's window, all offers refuse the server's takeover.
func (o *Options) Offers() []handshake.Extension {
	o.use()
	if !o.budget.room(o.offers.window) {
		return o.offers.roomless
	}
	return o.offers.wire
}

// Agree implements [conn.Compression]. The error is [handshake.ErrResponseDeflate] if agreed is ill-formed or answers none of the offers; or
// [handshake.ErrResponseWindow] if the server takes over and the last room in the budget has gone to other connections since Offers.
func (o *Options) Agree(agreed []handshake.Extension) (conn.Compressor, error) {
	o.use()
	var answer Params
	n := 0
	for _, e := range agreed {
		if e.Name != extensionName {
			continue
		}
		p, ok := ParseParams(e)
		if n++; n > 1 || !ok || p.ClientMaxWindowBits == Any {
			return nil, handshake.ErrResponseDeflate // 7: the client "MUST _Fail the WebSocket Connection_"
		}
		answer = p
	}
	if n == 0 {
		return nil, nil
	}
	takeover := [2]bool{!answer.ServerNoContextTakeover, !answer.ClientNoContextTakeover}
	bits := [2]int{bitsOr15(answer.ServerMaxWindowBits), bitsOr15(answer.ClientMaxWindowBits)}
	answers := false
	for _, offer := range o.offers.params {
		if !answer.answers(offer) {
			continue
		}
		// The server may mean any of the offers that it answers, and we keep the promises in all of these (7.1.1.2, 7.1.2.2).
		answers = true
		takeover[client] = takeover[client] && !offer.ClientNoContextTakeover
		bits[client] = min(bits[client], bitsOr15(offer.ClientMaxWindowBits))
	}
	if !answers {
		return nil, handshake.ErrResponseDeflate
	}
	must := takeover[server]
	held := o.reserve(&takeover, bits)
	if must && !takeover[server] {
		o.budget.giveBack(held)
		return nil, handshake.ErrResponseWindow
	}
	return o.compressor(client, takeover, bits, held), nil
}

// answers says whether a server may answer p to offer.
func (p Params) answers(offer Params) bool {
	switch {
	case offer.ServerNoContextTakeover && !p.ServerNoContextTakeover: // 7.1.1.1
	case offer.ServerMaxWindowBits != 0 && (p.ServerMaxWindowBits == 0 || p.ServerMaxWindowBits > offer.ServerMaxWindowBits): // 7.1.2.1
	case p.ClientMaxWindowBits != 0 && (offer.ClientMaxWindowBits == 0 || p.ClientMaxWindowBits > bitsOr15(offer.ClientMaxWindowBits)): // 7.1.2.2
	default:
		return true
	}
	return false
}
