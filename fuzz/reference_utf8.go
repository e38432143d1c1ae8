package fuzz

// A utf8Reader reads a text octet by octet, along the grammar of RFC 3629, section 4:
//
//	UTF8-1 = %x00-7F
//	UTF8-2 = %xC2-DF UTF8-tail
//	UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) / %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
//	UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) / %xF4 %x80-8F 2( UTF8-tail )
//	UTF8-tail = %x80-BF
type utf8Reader struct {
	tails   int  // octets that the character still needs
	low, up byte // tails > 0: what the next may be
	bad     bool
}

// read reports whether the text may go on with b.
func (u *utf8Reader) read(b byte) bool {
	if u.bad {
		return false
	}
	if u.tails > 0 {
		u.bad = b < u.low || b > u.up
		u.tails--
		u.low, u.up = 0x80, 0xbf
		return !u.bad
	}
	u.low, u.up = 0x80, 0xbf
	switch {
	case b <= 0x7f:
	case b >= 0xc2 && b <= 0xdf:
		u.tails = 1
	case b >= 0xe0 && b <= 0xef:
		u.tails = 2
	case b >= 0xf0 && b <= 0xf4:
		u.tails = 3
	default:
		u.bad = true
	}
	switch b {
	case 0xe0:
		u.low = 0xa0
	case 0xed:
		u.up = 0x9f
	case 0xf0:
		u.low = 0x90
	case 0xf4:
		u.up = 0x8f
	}
	return !u.bad
}

// complete reports whether the text may end here.
func (u *utf8Reader) complete() bool { return !u.bad && u.tails == 0 }
