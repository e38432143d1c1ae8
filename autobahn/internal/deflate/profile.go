package deflate

import (
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/handshake"
)

// An ask is one wish for the peer's direction, in either role of the runner.
type ask struct {
	noTakeover bool // the peer starts afresh with each message
	windowBits int  // the peer's window; 0: it may have 32 768 octets
}

// The profiles by their names in the cases: 12 is all of section 12, the others are subsections. Of several asks the first that the peer can meet
// counts.
var profiles = map[string][]ask{
	"12":   {{}},
	"13.1": {{}},
	"13.2": {{noTakeover: true}},
	"13.3": {{windowBits: 9}},
	"13.4": {{windowBits: 15}},
	"13.5": {{noTakeover: true, windowBits: 9}},
	"13.6": {{noTakeover: true, windowBits: 15}},
	"13.7": {{noTakeover: true, windowBits: 9}, {noTakeover: true}, {}},
}

// Offers returns what the runner as client offers in a profile. It panics if there is no such profile.
func Offers(name string) []handshake.Extension {
	var offers []handshake.Extension
	for _, a := range lookUp(name) {
		// It can do whatever a server may want of it, and says so.
		params := []handshake.Param{{Name: clientNoContextTakeover}, {Name: clientMaxWindowBits}}
		if a.noTakeover {
			params = append(params, handshake.Param{Name: serverNoContextTakeover})
		}
		if a.windowBits != 0 {
			params = append(params, handshake.Param{Name: serverMaxWindowBits, Value: strconv.Itoa(a.windowBits)})
		}
		offers = append(offers, handshake.Extension{Name: Name, Params: params})
	}
	return offers
}

// Accept chooses, as the runner as server, among what a client offers in a profile. It returns the answer, and what that agrees to; nil and nil if
// no offer will do. A client that offers permessage-deflate with parameters that no offer may have breaks the protocol, whatever
// else it offers: the error is an *Error, and is answered with HTTP status 400. Other extensions are passed over. Accept panics if there is no such
// profile.
func Accept(name string, offers []handshake.Extension) (answer []handshake.Extension, agreed *Params, err error) {
	type offer struct {
		Params
		sized bool // the client can limit its window
	}
	var good []offer
	for _, e := range offers {
		if strings.EqualFold(e.Name, Name) {
			p, sized, err := parse(e, true)
			if err != nil {
				return nil, nil, err
			}
			good = append(good, offer{p, sized})
		}
	}
	for _, a := range lookUp(name) {
		for _, o := range good {
			if a.windowBits != 0 && !o.sized {
				continue // 7.1.2.2: a window is asked only of a client that has said it can
			}
			// 7.1.1.1, 7.1.2.1: what the client wants of the server is granted. What it says of itself is no wish: an offer of
			// client_max_window_bits=12 is answered with 15 in some profiles, as the original does although 7.1.2.2 has it no greater.
			p := Params{
				ServerNoContextTakeover: o.ServerNoContextTakeover,
				ServerMaxWindowBits:     o.ServerMaxWindowBits,
				ClientNoContextTakeover: a.noTakeover,
				ClientMaxWindowBits:     a.windowBits,
			}
			return []handshake.Extension{p.extension()}, &p, nil
		}
	}
	return nil, nil, nil
}

func lookUp(name string) []ask {
	asks := profiles[name]
	if asks == nil {
		panic("deflate: no profile " + name)
	}
	return asks
}
