package deflate

import (
	"strconv"

	"github.com/idlewire/idlewire/handshake"
)

// extensionName is the name of the extension in Sec-WebSocket-Extensions (RFC 7692 section 7).
const extensionName = "permessage-deflate"

// Any stands in [Params.ClientMaxWindowBits] for the parameter without a value, as only an offer has it: the server may choose.
const Any = -1

const (
	minBits = 8  // 7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive"
	maxBits = 15 // and what holds if nothing is said
)

// Params are the parameters of one offer of permessage-deflate, or of the answer to it (RFC 7692 section 7.1). The zero value is the bare
// name: both sides may refer to earlier messages, with windows of 32 KiB.
type Params struct {
	ServerNoContextTakeover bool // no message of the server refers to one before (7.1.1.1)
	ClientNoContextTakeover bool // no message of the client does (7.1.1.2)
	ServerMaxWindowBits     int  // the server refers back at most 1<<this octets, 8 to 15; 0: not said, which is 15 (7.1.2.1)
	ClientMaxWindowBits     int  // the same of the client (7.1.2.2); or Any
}

// ParseParams returns the parameters of e, and whether e is a well-formed permessage-deflate: no parameter but the four of RFC 7692, none
// twice, no value where none may be, and window bits from "8" to "15" as they stand there. Without a value it takes client_max_window_bits
// alone, for [Any]; in an answer that is ill-formed too.
func ParseParams(e handshake.Extension) (p Params, ok bool) {
	if e.Name != extensionName {
		return Params{}, false
	}
	for _, param := range e.Params {
		switch param.Name {
		case "server_no_context_takeover":
			ok = !p.ServerNoContextTakeover && param.Value == ""
			p.ServerNoContextTakeover = true
		case "client_no_context_takeover":
			ok = !p.ClientNoContextTakeover && param.Value == ""
			p.ClientNoContextTakeover = true
		case "server_max_window_bits":
			ok = p.ServerMaxWindowBits == 0
			p.ServerMaxWindowBits = parseBits(param.Value)
			ok = ok && p.ServerMaxWindowBits != 0
		case "client_max_window_bits":
			ok = p.ClientMaxWindowBits == 0
			if p.ClientMaxWindowBits = parseBits(param.Value); param.Value == "" {
				p.ClientMaxWindowBits = Any
			}
			ok = ok && p.ClientMaxWindowBits != 0
		default:
			ok = false
		}
		if !ok {
			return Params{}, false // 7: "contains an extension parameter not defined for use", "an invalid value", "the same name"
		}
	}
	return p, true
}

// parseBits returns 8 to 15, or 0 if s is none of them.
func parseBits(s string) int {
	switch {
	case len(s) == 1 && (s[0] == '8' || s[0] == '9'):
		return int(s[0] - '0')
	case len(s) == 2 && s[0] == '1' && '0' <= s[1] && s[1] <= '5':
		return 10 + int(s[1]-'0')
	}
	return 0
}

// Extension returns p as an element of Sec-WebSocket-Extensions. What is out of range in p is taken for the nearest in it.
func (p Params) Extension() handshake.Extension {
	p = p.inRange()
	e := handshake.Extension{Name: extensionName}
	if p.ServerNoContextTakeover {
		e.Params = append(e.Params, handshake.Param{Name: "server_no_context_takeover"})
	}
	if p.ClientNoContextTakeover {
		e.Params = append(e.Params, handshake.Param{Name: "client_no_context_takeover"})
	}
	if n := p.ServerMaxWindowBits; n != 0 {
		e.Params = append(e.Params, handshake.Param{Name: "server_max_window_bits", Value: strconv.Itoa(n)})
	}
	switch n := p.ClientMaxWindowBits; n {
	case 0:
	case Any:
		e.Params = append(e.Params, handshake.Param{Name: "client_max_window_bits"})
	default:
		e.Params = append(e.Params, handshake.Param{Name: "client_max_window_bits", Value: strconv.Itoa(n)})
	}
	return e
}

func (p Params) inRange() Params {
	if p.ServerMaxWindowBits != 0 {
		p.ServerMaxWindowBits = min(max(p.ServerMaxWindowBits, minBits), maxBits)
	}
	if p.ClientMaxWindowBits != 0 && p.ClientMaxWindowBits != Any {
		p.ClientMaxWindowBits = min(max(p.ClientMaxWindowBits, minBits), maxBits)
	}
	return p
}

// bitsOr15 returns the window bits that n stands for, n as in Params.
func bitsOr15(n int) int {
	if n <= 0 {
		return maxBits
	}
	return n
}
