package testee

// A textCheck validates text as UTF-8 (RFC 3629), octet by octet. Its switches let pass what is not UTF-8, or refuse what is.
type textCheck struct {
	when when

	overlong   bool            // longer forms than needed pass
	surrogates bool            // U+D800 to U+DFFF pass
	beyond     bool            // four octets above U+10FFFF pass
	long       bool            // the five and six octets of RFC 2279 pass
	refuse     func(rune) bool // characters that do not
	only       int             // octets of a message that are looked at; 0: all

	need     int // octets that the current character still wants
	r        rune
	low, top byte // bounds of the next octet
	seen     int
}

// when is when text is validated.
type when byte

const (
	atOnce     when = iota // octet by octet, as they come
	frameEnd               // a frame as soon as it is complete
	messageEnd             // a message as soon as it is complete
	perFrame               // each frame as a text of its own
)

// reset begins another text.
func (t *textCheck) reset() { t.need, t.seen = 0, 0 }

// add reports whether b can follow what was added before. After a false t must be reset.
func (t *textCheck) add(b []byte) bool {
	for _, c := range b {
		if t.only > 0 && t.seen >= t.only {
			return true
		}
		t.seen++
		if t.need == 0 && c < 0x80 && t.refuse == nil {
			continue
		}
		if !t.octet(c) {
			return false
		}
	}
	return true
}

// whole reports whether the text may end here.
func (t *textCheck) whole() bool { return t.need == 0 || t.only > 0 && t.seen >= t.only }

// octet is RFC 3629, section 4, with its exceptions where a switch says so.
func (t *textCheck) octet(c byte) bool {
	if t.need > 0 {
		if c < t.low || c > t.top {
			return false
		}
		t.low, t.top = 0x80, 0xbf
		t.r = t.r<<6 | rune(c&0x3f)
		t.need--
		return t.need > 0 || t.refuse == nil || !t.refuse(t.r)
	}
	t.low, t.top = 0x80, 0xbf
	switch {
	case c < 0x80:
		return t.refuse == nil || !t.refuse(rune(c))
	case c < 0xc0: // a continuation
		return false
	case c < 0xe0:
		t.need, t.r = 1, rune(c&0x1f)
		return c >= 0xc2 || t.overlong
	case c < 0xf0:
		t.need, t.r = 2, rune(c&0x0f)
		if c == 0xe0 && !t.overlong {
			t.low = 0xa0
		}
		if c == 0xed && !t.surrogates {
			t.top = 0x9f
		}
		return true
	case c < 0xf8:
		t.need, t.r = 3, rune(c&0x07)
		if c == 0xf0 && !t.overlong {
			t.low = 0x90
		}
		if c == 0xf4 && !t.beyond {
			t.top = 0x8f
		}
		return c <= 0xf4 || t.beyond
	case c < 0xfc:
		t.need, t.r = 4, rune(c&0x03)
		if c == 0xf8 && !t.overlong {
			t.low = 0x88
		}
		return t.long
	case c < 0xfe:
		t.need, t.r = 5, rune(c&0x01)
		if c == 0xfc && !t.overlong {
			t.low = 0x84
		}
		return t.long
	}
	return false
}
