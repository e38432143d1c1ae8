package corpus

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// proseSize is in octets.
const proseSize = 222218

// makeProse writes a drama in something like German: acts and scenes, in which people take turns to speak.
func makeProse(r *rng) []byte {
	p := &playwright{rng: r, b: make([]byte, 0, proseSize+2000)}
	p.line("DER RICHTER VON YSELMÜHL")
	p.line("Ein Trauerspiel in vielen Aufzügen")
	for act := 0; len(p.b) < proseSize; act++ {
		p.line("")
		p.line(strings.ToUpper(ordinals[act%len(ordinals)]) + " AUFZUG")
		for scene := range p.between(4, 7) {
			p.scene(scene + 1)
		}
	}
	// It breaks off wherever that is, but at a character.
	end := proseSize - len("...\n")
	for !utf8.RuneStart(p.b[end]) {
		end--
	}
	b := append(p.b[:end], "......"...)[:proseSize-1]
	return append(b, '\n')
}

var ordinals = strings.Fields("Erster Zweiter Dritter Vierter Fünfter Sechster Siebenter Achter Neunter Zehnter")

// A playwright writes lines to b.
type playwright struct {
	*rng
	b []byte
}

func (p *playwright) line(s string) {
	p.b = append(append(p.b, s...), '\n')
}

func (p *playwright) scene(n int) {
	first := p.skewed(len(names))
	var cast []string
	for i := range 3 {
		cast = append(cast, strings.ReplaceAll(names[(first+i)%len(names)], "_", " "))
	}
	p.line("")
	p.line(strconv.Itoa(n) + ". Auftritt")
	p.line("(" + upperFirst(p.whither()) + ". " + title(cast[0]) + ", " + title(cast[1]) + " und " + title(cast[2]) + ".)")
	for range p.between(25, 45) {
		p.line("")
		who := pick(p.rng, cast)
		if p.chance(15) {
			who += " (" + p.adverb() + ")"
		}
		p.line(who + ".")
		p.speech()
		if p.chance(8) {
			p.line("(" + upperFirst(pick(p.rng, []string{"ab", "sie gehen", "er kniet", "man hört " + p.object(), "er zeigt " + p.object(), "Pause"})) + ".)")
		}
	}
}

// speech writes some sentences, in lines of about the length of verses.
func (p *playwright) speech() {
	const width = 46
	const indent = "    "
	col := 0
	for range p.between(1, 5) {
		end := pick(p.rng, []string{".", ".", ".", ".", "!", "!", "?", ";", " –", "..."})
		sentence := upperFirst(p.clause()) + end
		if p.chance(6) {
			sentence = pick(p.rng, []string{"»" + sentence + "«", "„" + sentence + "“", "[" + sentence + "]"})
		}
		for _, word := range strings.Fields(sentence) {
			n := utf8.RuneCountInString(word)
			switch {
			case col == 0:
				p.b = append(p.b, indent...)
			case col+1+n > width:
				p.b = append(append(p.b, '\n'), indent...)
				col = 0
			default:
				p.b = append(p.b, ' ')
				col++
			}
			p.b = append(p.b, word...)
			col += n
		}
	}
	p.b = append(p.b, '\n')
}

func title(name string) string {
	b := []rune(strings.ToLower(name))
	for i := range b {
		if i == 0 || b[i-1] == ' ' {
			b[i] = unicode.ToUpper(b[i])
		}
	}
	return string(b)
}
