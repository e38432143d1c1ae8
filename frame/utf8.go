package frame

// UTF8 checks text that comes in pieces. The zero UTF8 stands at the start of a text.
type UTF8 struct {
	due    byte // octets still due in the character begun; 0 between characters; failed for ever
	lo, hi byte // if due != 0: the next octet is in lo..hi
}

const failed = 0xff

// Valid goes on with b, and reports whether the text up to here can still become valid.
// Once false, always false.
func (u *UTF8) Valid(b []byte) bool {
	if u.due == failed {
		return false
	}
	for _, c := range b {
		if u.due > 0 {
			if c < u.lo || c > u.hi {
				u.due = failed
				return false
			}
			u.due, u.lo, u.hi = u.due-1, 0x80, 0xbf
			continue
		}
		switch {
		case c < 0x80:
		case c < 0xc2 || c > 0xf4:
			u.due = failed
			return false
		case c < 0xe0:
			u.due, u.lo, u.hi = 1, 0x80, 0xbf
		case c < 0xf0:
			u.due, u.lo, u.hi = 2, 0x80, 0xbf
			if c == 0xe0 {
				u.lo = 0xa0
			} else if c == 0xed {
				u.hi = 0x9f
			}
		default:
			u.due, u.lo, u.hi = 3, 0x80, 0xbf
			if c == 0xf0 {
				u.lo = 0x90
			} else if c == 0xf4 {
				u.hi = 0x8f
			}
		}
	}
	return true
}

// Complete reports whether the text so far is valid and ends between characters.
func (u *UTF8) Complete() bool { return u.due == 0 }

// ValidUTF8 reports whether b is a whole valid text.
func ValidUTF8(b []byte) bool {
	var u UTF8
	return u.Valid(b) && u.Complete()
}
