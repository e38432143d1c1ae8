package handshake

import "encoding/binary"

// lower[c] is c in lower case if c may stand in a token (RFC 9110 5.6.2), and 0 if not.
var lower = func() (t [256]byte) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] = c
	}
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] = c + 'a' - 'A'
	}
	return t
}()

type bytesOrString interface{ ~[]byte | ~string }

// isToken reports whether s is a token: one or more of the octets in lower.
func isToken[T bytesOrString](s T) bool { return len(s) > 0 && tokenLen(s) == len(s) }

// tokenLen counts the octets at the start of s that may stand in a token.
func tokenLen[T bytesOrString](s T) int {
	for i := 0; i < len(s); i++ {
		if lower[s[i]] == 0 {
			return i
		}
	}
	return len(s)
}

// isFieldValue reports whether b may be the value of a header: visible ASCII, space, tab and
// octets above 127 (RFC 9110 5.5). CR, LF, NUL and all other controls are not among them.
func isFieldValue(b []byte) bool {
	// Eight octets at a time, as long as none of them is a control: 12% less time for the whole
	// handshake of a browser.
	for len(b) >= 8 && !hasControl(binary.LittleEndian.Uint64(b)) {
		b = b[8:]
	}
	for i := 0; i < len(b); i++ {
		if c := b[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// hasControl reports whether an octet of x is below 0x20 or is 0x7f. Below the lowest such octet no
// subtraction borrows, so that octet is seen as it is; what a borrow does above it is of no
// matter.
func hasControl(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	del := x ^ ones*0x7f
	return ((x-ones*0x20)&^x|(del-ones)&^del)&high != 0
}

// equalFold reports whether the token a is b, letters of ASCII in either case.
func equalFold[A, B bytesOrString](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	if string(a) == string(b) { // as nearly everybody spells it
		return true
	}
	for i := 0; i < len(a); i++ {
		if l := lower[a[i]]; l == 0 || l != lower[b[i]] {
			return false
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' } // OWS, RFC 9110 5.6.3

// trimLeft cuts the white space at the start of b.
func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// trim cuts the white space at both ends of b.
func trim(b []byte) []byte {
	b = trimLeft(b)
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// cutElement cuts the first element off the comma-separated list, without the white space
// around it (RFC 9110 5.6.1). It may be empty.
func cutElement(list []byte) (element, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:]
		}
	}
	return trim(list), nil
}

// hasElement reports whether the list has the element token, in either case.
func hasElement(list []byte, token string) bool {
	for len(list) > 0 {
		var e []byte
		if e, list = cutElement(list); equalFold(e, token) {
			return true
		}
	}
	return false
}
