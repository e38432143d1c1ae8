package frame

import (
	"encoding/binary"
	"math/bits"
)

// A UTF8 checks a text that comes in pieces (section 8.1). It is one byte, and keeps nothing of the pieces.
// The zero UTF8 stands at the start of a text.
type UTF8 struct {
	state uint8 // textOK between characters, textBad for ever after the first impossible octet
}

// Valid goes on with the next piece of the text, b, and reports whether the text up to here is the
// beginning of a valid one. It is false as soon as b holds an octet that cannot stand there, be it the
// second of its character (E0 80, ED A0, F0 80, F4 90), and from then on for ever. The pieces may be cut
// anywhere, and may be empty.
func (u *UTF8) Valid(b []byte) bool {
	u.state = validate(b, u.state)
	return u.state != textBad
}

// Complete reports whether the text so far is valid and ends with a whole character. The empty text does.
func (u *UTF8) Complete() bool { return u.state == textOK }

// ValidUTF8 reports whether b is the whole of a valid text.
func ValidUTF8(b []byte) bool { return validate(b, textOK) == textOK }

// The states of a text are multiples of 6, because each is also the place of its six bits in a word of
// textNext.
const (
	textOK    = 6 * iota // between characters
	textTail1            // one more octet is due, 80..BF
	textTail2            // two more
	textTail3            // three more
	textE0               // two more, the next A0..BF: less would be overlong
	textED               // two more, the next 80..9F: more would be a surrogate
	textF0               // three more, the next 90..BF: less would be overlong
	textF4               // three more, the next 80..8F: more would be above U+10FFFF
	textBad
)

// textNext holds for each octet the states that follow: after octet c, state s becomes textNext[c]>>s&63.
// That is one shift for each octet and no branch, so scripts that mix lengths of characters cost what plain
// ones do.
var textNext = func() (next [256]uint64) {
	for c := range next {
		for s := textOK; s <= textBad; s += 6 {
			next[c] |= textBad << s
		}
	}
	// RFC 3629, section 4. What is not in it is bad, and so is everything after that.
	for _, r := range []struct{ state, lo, hi, next uint8 }{
		{textOK, 0x00, 0x7f, textOK},    // UTF8-1
		{textOK, 0xc2, 0xdf, textTail1}, // UTF8-2
		{textOK, 0xe0, 0xe0, textE0},    // UTF8-3
		{textOK, 0xe1, 0xec, textTail2},
		{textOK, 0xed, 0xed, textED},
		{textOK, 0xee, 0xef, textTail2},
		{textOK, 0xf0, 0xf0, textF0}, // UTF8-4
		{textOK, 0xf1, 0xf3, textTail3},
		{textOK, 0xf4, 0xf4, textF4},
		{textE0, 0xa0, 0xbf, textTail1},
		{textED, 0x80, 0x9f, textTail1},
		{textF0, 0x90, 0xbf, textTail2},
		{textF4, 0x80, 0x8f, textTail2},
		{textTail3, 0x80, 0xbf, textTail2}, // UTF8-tail
		{textTail2, 0x80, 0xbf, textTail1},
		{textTail1, 0x80, 0xbf, textOK},
	} {
		for c := int(r.lo); c <= int(r.hi); c++ {
			next[c] ^= uint64(textBad^r.next) << r.state
		}
	}
	return next
}()

// notASCII is the bit that ASCII has not, in each octet of a word.
const notASCII = 0x8080808080808080

// validate returns the state after b, from the state before it.
func validate(b []byte, state uint8) uint8 {
	s := uint64(state)
	last := uint64(notASCII) // the last 8 octets of b, if there are as many
	if len(b) >= 8 {
		last = binary.LittleEndian.Uint64(b[len(b)-8:])
	}

	// ASCII goes in words, all else through textNext. After whatever is skipped as whole characters, the
	// state is the one before it; it must have been textOK, or a character was cut short.
	for len(b) >= 24 {
		w := binary.LittleEndian.Uint64(b)
		if w&notASCII == 0 {
			if s&63 != textOK {
				return textBad
			}
			b = b[8:]
			for len(b) > 32 { // with >= the slicing below would cost a fifth: it could end at the end of b
				c := b[:32]
				if (binary.LittleEndian.Uint64(c)|binary.LittleEndian.Uint64(c[8:])|
					binary.LittleEndian.Uint64(c[16:])|binary.LittleEndian.Uint64(c[24:]))&notASCII != 0 {
					break
				}
				b = b[32:]
			}
			continue
		}
		if w&0x80 == 0 { // some ASCII, at most 7 octets
			if s&63 != textOK {
				return textBad
			}
			b = b[bits.TrailingZeros64(w&notASCII)/8:]
			w = binary.LittleEndian.Uint64(b)
		}
		if w&0x808080808080c0e0 == 0x80c0 && w&0x1e != 0 { // one accent, C2..DF 80..BF, and ASCII again
			if s&63 != textOK {
				return textBad
			}
			b = b[8:]
			continue
		}
		c := b[:16] // a loop here costs a third of the speed
		s = textNext[c[0]] >> (s & 63)
		s = textNext[c[1]] >> (s & 63)
		s = textNext[c[2]] >> (s & 63)
		s = textNext[c[3]] >> (s & 63)
		s = textNext[c[4]] >> (s & 63)
		s = textNext[c[5]] >> (s & 63)
		s = textNext[c[6]] >> (s & 63)
		s = textNext[c[7]] >> (s & 63)
		s = textNext[c[8]] >> (s & 63)
		s = textNext[c[9]] >> (s & 63)
		s = textNext[c[10]] >> (s & 63)
		s = textNext[c[11]] >> (s & 63)
		s = textNext[c[12]] >> (s & 63)
		s = textNext[c[13]] >> (s & 63)
		s = textNext[c[14]] >> (s & 63)
		s = textNext[c[15]] >> (s & 63)
		b = b[16:]
		if s&63 == textBad {
			return textBad // there is no need to read the rest
		}
	}

	// The last 23 octets at most.
	if s&63 == textOK {
		for len(b) >= 8 && binary.LittleEndian.Uint64(b)&notASCII == 0 {
			b = b[8:]
		}
		if len(b) <= 8 && last>>(64-8*len(b))&notASCII == 0 {
			return textOK
		}
	}
	for _, c := range b {
		s = textNext[c] >> (s & 63)
	}
	return uint8(s & 63)
}
