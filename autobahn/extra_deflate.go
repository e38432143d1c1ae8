package autobahn

import (
	"slices"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/handshake"
)

// An offered is what one offer of permessage-deflate, or an answer to one, says (RFC 7692, 7.1). It is read here, strictly, and not by package deflate, which
// minds what the original minds.
type offered struct {
	deflate.Params
	sized bool // client_max_window_bits is there
}

// readOffer reads an offer, or an answer. It is not ok if it is one that has to be declined, or that fails the connection (7).
func readOffer(e handshake.Extension, answer bool) (o offered, ok bool) {
	seen := map[string]bool{}
	for _, p := range e.Params {
		if seen[p.Name] {
			return o, false
		}
		seen[p.Name] = true
		bits, isBits := windowBits(p.Value)
		switch p.Name {
		case "server_no_context_takeover":
			o.ServerNoContextTakeover, ok = true, p.Value == ""
		case "client_no_context_takeover":
			o.ClientNoContextTakeover, ok = true, p.Value == ""
		case "server_max_window_bits":
			o.ServerMaxWindowBits, ok = bits, isBits
		case "client_max_window_bits":
			o.sized = true
			o.ClientMaxWindowBits, ok = bits, isBits || p.Value == "" && !answer
		default:
			ok = false
		}
		if !ok {
			return o, false
		}
	}
	return o, true
}

// windowBits reads 8 to 15, without leading zeros (7.1.2.1).
func windowBits(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 8 && n <= 15 && strconv.Itoa(n) == s
}

// readOffers returns the good offers of permessage-deflate among extensions.
func readOffers(exts []handshake.Extension) []offered {
	var good []offered
	for _, e := range exts {
		if o, ok := readOffer(e, false); ok && e.Name == deflate.Name {
			good = append(good, o)
		}
	}
	return good
}

// answers reports whether an answer is one to o (7.1.1.1, 7.1.2.1, 7.1.2.2).
func (o *offered) answers(a *offered) bool {
	switch {
	case o.ServerNoContextTakeover && !a.ServerNoContextTakeover,
		// 15 limits nothing: an answer without it means the same.
		o.ServerMaxWindowBits > 0 && o.ServerMaxWindowBits < 15 && (a.ServerMaxWindowBits == 0 || a.ServerMaxWindowBits > o.ServerMaxWindowBits),
		a.sized && !o.sized,
		o.ClientMaxWindowBits > 0 && a.ClientMaxWindowBits > o.ClientMaxWindowBits:
		return false
	}
	return true
}

func parseExtensions(values []string) (exts []handshake.Extension, err error) {
	for _, v := range values {
		if exts, err = handshake.ParseExtensions(exts, []byte(v)); err != nil {
			return nil, err
		}
	}
	return exts, nil
}

// wrongAnswer looks at what a server agreed to, and says what is wrong with it; "" if nothing is. Agreed is nil if there is nothing.
func (d *Deflate) wrongAnswer(values []string) (agreed *offered, wrong string) {
	exts, err := parseExtensions(values)
	if err != nil {
		return nil, "101 with extensions that break the grammar"
	}
	if len(exts) == 0 {
		return nil, ""
	}
	if len(exts) > 1 || exts[0].Name != deflate.Name {
		return nil, "101 with an extension that was not offered"
	}
	a, ok := readOffer(exts[0], true)
	if !ok {
		return nil, "101 with parameters of permessage-deflate that there are not"
	}
	offers, err := parseExtensions(strings.Split(d.Offer, "\n"))
	if err != nil {
		panic(err) // a row is misspelled
	}
	for _, o := range readOffers(offers) {
		if o.answers(&a) {
			return &a, ""
		}
	}
	return nil, "101 with parameters of permessage-deflate that no offer allows"
}

// agree sets up compression with a server that agreed to it, or with a client that the runner as server agrees with; agreed is nil if it is not. It notes if the case
// cannot be played so.
func (s *session) agree(d *Deflate, agreed *offered) {
	if agreed == nil {
		if !d.Optional {
			s.r.unimplemented = "permessage-deflate was not agreed"
		}
		return
	}
	bits, fresh := agreed.ServerMaxWindowBits, agreed.ServerNoContextTakeover
	if s.client {
		bits, fresh = agreed.ClientMaxWindowBits, agreed.ClientNoContextTakeover
	}
	switch {
	case d.Takeover && fresh:
		s.r.unimplemented = "permessage-deflate was agreed without context takeover"
	case bits > 0 && d.Window > 1<<bits:
		s.r.unimplemented = "permessage-deflate was agreed with a smaller window"
	}
	s.codec = deflate.New(agreed.Params, s.client)
}

// reply is what the runner as server agrees to: Answer, and what the first good offer obliges it to. It is nil if that does not go together.
func (d *Deflate) reply(offers []handshake.Extension) (agreed *offered, header string) {
	answer, err := handshake.ParseExtensions(nil, []byte(d.Answer))
	if err != nil {
		panic(err) // a row is misspelled
	}
	for _, o := range readOffers(offers) {
		e := handshake.Extension{Name: answer[0].Name, Params: answer[0].Params}
		a, ok := readOffer(e, true)
		if !ok || d.Unasked && !o.sized { // it is wrong on purpose
			return &offered{}, d.Answer
		}
		if d.Unasked {
			continue
		}
		add := func(missing bool, name, value string) {
			if missing {
				e.Params = append(slices.Clip(e.Params), handshake.Param{Name: name, Value: value})
			}
		}
		add(o.ServerNoContextTakeover && !a.ServerNoContextTakeover, "server_no_context_takeover", "")
		add(o.ServerMaxWindowBits > 0 && a.ServerMaxWindowBits == 0, "server_max_window_bits", strconv.Itoa(o.ServerMaxWindowBits))
		// 7.1.1.2: this one is a hint, but there are clients that insist on it.
		add(o.ClientNoContextTakeover && !a.ClientNoContextTakeover, "client_no_context_takeover", "")
		if a, ok = readOffer(e, true); ok && o.answers(&a) {
			return &a, deflate.Header([]handshake.Extension{e})
		}
	}
	return nil, ""
}
