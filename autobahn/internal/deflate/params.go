package deflate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/handshake"
)

// The parameters of the extension.
const (
	serverNoContextTakeover = "server_no_context_takeover" // 7.1.1.1
	clientNoContextTakeover = "client_no_context_takeover" // 7.1.1.2
	serverMaxWindowBits     = "server_max_window_bits"     // 7.1.2.1
	clientMaxWindowBits     = "client_max_window_bits"     // 7.1.2.2
)

// Header returns the value of a Sec-WebSocket-Extensions header that lists exts, "" if there are none. They are made of tokens, as Offers and
// Accept return them.
func Header(exts []handshake.Extension) string {
	b, err := handshake.AppendExtensions(nil, exts)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Agreed reads what a server's response agreed to. It returns nil if it agreed to no extension, and an *Error if to another one than
// permessage-deflate, or to that with parameters that no response may have. Whether they answer an offer is not checked: the original suite takes
// what it did not ask for.
func Agreed(response []handshake.Extension) (*Params, error) {
	var agreed *Params
	for _, e := range response {
		if !strings.EqualFold(e.Name, Name) {
			return nil, fmt.Errorf("%w: %s", ErrExtension, e.Name)
		}
		if agreed != nil {
			return nil, ErrTwice
		}
		p, _, err := parse(e, false)
		if err != nil {
			return nil, err
		}
		agreed = &p
	}
	return agreed, nil
}

// parse reads the parameters of an offer or of a response. In an offer client_max_window_bits may be without value; sized is whether it is there.
func parse(e handshake.Extension, offer bool) (p Params, sized bool, err error) {
	var seen [4]bool
	for _, param := range e.Params {
		var i int
		var err *Error
		switch strings.ToLower(param.Name) { // the original does not mind the case
		case serverNoContextTakeover:
			i, p.ServerNoContextTakeover = 0, true
			err = flag(param.Value)
		case clientNoContextTakeover:
			i, p.ClientNoContextTakeover = 1, true
			err = flag(param.Value)
		case serverMaxWindowBits:
			i = 2
			p.ServerMaxWindowBits, err = windowBits(param.Value)
		case clientMaxWindowBits:
			i, sized = 3, true
			if param.Value != "" || !offer { // 7.1.2.2: "This parameter has no value or" a number, in an offer alone
				p.ClientMaxWindowBits, err = windowBits(param.Value)
			}
		default:
			err = ErrParam
		}
		if err == nil && seen[i] {
			err = ErrRepeated
		}
		if err != nil {
			return Params{}, false, fmt.Errorf("%w: %s", err, param.Name)
		}
		seen[i] = true
	}
	return p, sized, nil
}

func flag(value string) *Error {
	if value != "" {
		return ErrFlag
	}
	return nil
}

// windowBits reads a size. 7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15".
func windowBits(value string) (int, *Error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < minWindowBits || n > maxWindowBits || value != strconv.Itoa(n) {
		return 0, ErrWindow
	}
	return n, nil
}

// extension writes parameters in the order of the original's answers.
func (p Params) extension() handshake.Extension {
	e := handshake.Extension{Name: Name}
	add := func(given bool, name, value string) {
		if given {
			e.Params = append(e.Params, handshake.Param{Name: name, Value: value})
		}
	}
	add(p.ServerNoContextTakeover, serverNoContextTakeover, "")
	add(p.ServerMaxWindowBits != 0, serverMaxWindowBits, strconv.Itoa(p.ServerMaxWindowBits))
	add(p.ClientNoContextTakeover, clientNoContextTakeover, "")
	add(p.ClientMaxWindowBits != 0, clientMaxWindowBits, strconv.Itoa(p.ClientMaxWindowBits))
	return e
}
