package fuzz

// Characters of all lengths, from the first of each to the last, and those at the surrogates' edges.
var characters = [...]string{
	"a", "\u00e9", "\u20ac", "\U0001f600", "z", "\x00", "\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010ffff", "\ud7ff", "\ue000", "\ufeff", "\x7f",
}

// Octets that no text has, with what may stand before them.
var noText = [...]string{
	"\xff", "\xfe", "\xc0\x80", "\xc1\xbf", "\x80", "\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
	"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3a", "\xe2\x82a", "\xf0\x9f\x98a", "\xc3\xc3",
}

// text draws a legal text of n octets.
func (g *generator) text(n int) []byte {
	b := make([]byte, 0, n)
	k := g.octet()
	switch {
	case k < 64: // letters
		for len(b) < n {
			b = append(b, 'a'+(byte(len(b))*k+k)%26)
		}
	case k < 80 && len(g.last) > 0: // the last one again
		b = append(b, g.last[:min(n, len(g.last))]...)
		for len(b) > 0 && !isText(b) {
			b = b[:len(b)-1]
		}
	}
	for i := int(k); len(b) < n; i += 1 + int(k&3) {
		if c := characters[i%len(characters)]; len(b)+len(c) <= n {
			b = append(b, c...)
		} else {
			b = append(b, '.')
		}
	}
	if n > 0 {
		g.last = b
	}
	return b
}

func isText(b []byte) bool {
	var u utf8Reader
	for _, o := range b {
		if !u.read(o) {
			return false
		}
	}
	return u.complete()
}

// badText draws octets that are almost a text.
func (g *generator) badText(most int) []byte {
	text := g.text(g.drawSize(most))
	at := g.drawCut(len(text))
	b := append([]byte(nil), text[:at]...)
	if g.one(3) { // ends inside a character
		c := characters[1+g.below(3)]
		return append(b, c[:1+g.below(len(c)-1)]...)
	}
	b = append(b, noText[g.below(len(noText))]...)
	return append(b, text[at:]...)
}
