package handshake

import "errors"

// An Extension is one element of a Sec-WebSocket-Extensions header (RFC 6455 section 9.1): an
// offer of the client, or what the server agreed to.
type Extension struct {
	Name   string
	Params []Param
}

// A Param is a parameter of an extension. Value is empty if the parameter has none: in the
// grammar a value is never empty.
type Param struct {
	Name, Value string
}

const (
	maxExtensions = 16 // in all header lines together
	maxParams     = 16 // of one extension
)

// ParseExtensions appends to dst the extensions listed in the value of one
// Sec-WebSocket-Extensions header. It follows the grammar of RFC 6455 section 9.1:
//
//	extension-list  = 1#extension
//	extension       = token *( ";" extension-param )
//	extension-param = token [ "=" ( token | quoted-string ) ]
//
// where what is quoted must be a token too. At most 16 extensions with at most 16 parameters
// each are taken. The error is [ErrExtensions]. The value is not retained.
func ParseExtensions(dst []Extension, value []byte) ([]Extension, error) {
	exts, n, ok := parseExtensions(dst, value, 0, true)
	if !ok || n == 0 {
		return dst, ErrExtensions
	}
	return exts, nil
}

// parseExtensions goes on counting at n, where earlier header lines left off, and appends the
// extensions to dst if keep is set.
func parseExtensions(dst []Extension, b []byte, n int, keep bool) ([]Extension, int, bool) {
	for {
		for len(b) > 0 && (isSpace(b[0]) || b[0] == ',') {
			b = b[1:]
		}
		if len(b) == 0 {
			return dst, n, true
		}
		if n++; n > maxExtensions {
			return dst, n, false
		}
		var e Extension
		name, rest := cutToken(b)
		if len(name) == 0 {
			return dst, n, false
		}
		b = rest
		for params := 0; ; {
			if b = trimLeft(b); len(b) == 0 || b[0] == ',' {
				break
			}
			if params++; b[0] != ';' || params > maxParams {
				return dst, n, false
			}
			param, rest := cutToken(trimLeft(b[1:]))
			if len(param) == 0 {
				return dst, n, false
			}
			var value []byte
			if b = trimLeft(rest); len(b) > 0 && b[0] == '=' {
				if value, b = cutValue(trimLeft(b[1:])); len(value) == 0 {
					return dst, n, false
				}
			}
			if keep {
				e.Params = append(e.Params, Param{string(param), unquote(value)})
			}
		}
		if keep {
			e.Name = string(name)
			dst = append(dst, e)
		}
	}
}

func cutToken(b []byte) (token, rest []byte) {
	n := tokenLen(b)
	return b[:n], b[n:]
}

// cutValue cuts a token or a quoted one off b. The value is empty if there is none. 9.1: "the
// value after quoted-string unescaping MUST conform to the 'token' ABNF."
func cutValue(b []byte) (value, rest []byte) {
	if len(b) == 0 || b[0] != '"' {
		return cutToken(b)
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[1:i], b[i+1:]
		case c == '\\' && i+1 < len(b) && lower[b[i+1]] != 0:
			i++
		case lower[c] == 0:
			return nil, b
		}
	}
	return nil, b
}

// unquote takes the backslashes out of value. No token has one.
func unquote(value []byte) string {
	s := make([]byte, 0, len(value))
	for _, c := range value {
		if c != '\\' {
			s = append(s, c)
		}
	}
	return string(s)
}

var errExtension = errors.New("handshake: extension is not made of tokens")

// AppendExtensions appends to dst the value of a Sec-WebSocket-Extensions header that lists
// exts. It returns dst and an error if a name or a value is not a token.
func AppendExtensions(dst []byte, exts []Extension) ([]byte, error) {
	b := dst
	for i, e := range exts {
		if i > 0 {
			b = append(b, ", "...)
		}
		if !isToken(e.Name) {
			return dst, errExtension
		}
		b = append(b, e.Name...)
		for _, p := range e.Params {
			if !isToken(p.Name) || p.Value != "" && !isToken(p.Value) {
				return dst, errExtension
			}
			b = append(append(b, "; "...), p.Name...)
			if p.Value != "" {
				b = append(append(b, '='), p.Value...)
			}
		}
	}
	return b, nil
}
