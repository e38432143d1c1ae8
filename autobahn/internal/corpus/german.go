package corpus

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// rare is how many words of a hundred are in no list: they are what makes up most of the words of any text, and keeps it from being compressed
// any further.
const rare = 35

// A noun is a German noun. Its gender is the last letter of its article: r, e or s.
type noun struct {
	gender byte
	word   string
}

// A case of nouns, as grammars number them.
type casus int

const (
	nominative casus = 1
	dative     casus = 3
	accusative casus = 4
)

// endings are those of the words before a noun, by gender: of articles like "der", of those like "ein", and of an adjective after each.
var endings = map[casus]map[byte][4]string{
	nominative: {'r': {"er", "", "e", "er"}, 'e': {"ie", "e", "e", "e"}, 's': {"as", "", "e", "es"}},
	dative:     {'r': {"em", "em", "en", "en"}, 'e': {"er", "er", "en", "en"}, 's': {"em", "em", "en", "en"}},
	accusative: {'r': {"en", "en", "en", "en"}, 'e': {"ie", "e", "e", "e"}, 's': {"as", "", "e", "es"}},
}

func (p *playwright) noun() noun {
	w := nouns[p.below(len(nouns))]
	n := noun{w[0], w[1:]}
	if p.chance(rare) {
		n.word = upperFirst(p.stem()) + pick(p.rng, nounSuffixes[n.gender])
	}
	if p.chance(34) { // German makes one of two
		first := nouns[p.below(len(nouns))][1:]
		second, size := utf8.DecodeRuneInString(n.word)
		n.word = first + string(unicode.ToLower(second)) + n.word[size:]
	}
	return n
}

// phrase returns a noun with what stands before it.
func (p *playwright) phrase(c casus) string {
	n := p.noun()
	end := endings[c][n.gender]
	var s string
	adjective := 2
	if p.chance(58) {
		s = "d" + end[0]
	} else {
		s = pick(p.rng, []string{"ein", "mein", "mein", "dein", "sein", "kein", "ihr", "unser"}) + end[1]
		adjective = 3
	}
	if p.chance(26) {
		s += " " + adjectives[p.below(len(adjectives))] + end[adjective]
	}
	return s + " " + n.word
}

func (p *playwright) subject() string { return p.phrase(nominative) }
func (p *playwright) object() string  { return p.phrase(accusative) }

// verb returns the first person, the third, or the participle.
func (p *playwright) verb(form int) string {
	if p.chance(rare) {
		return [...]string{"", "", "ge"}[form] + p.stem() + [...]string{"e", "t", "t"}[form]
	}
	return strings.Split(verbs[p.below(len(verbs))], "/")[form]
}

func (p *playwright) adverb() string { return adverbs[p.skewed(len(adverbs))] }

func (p *playwright) adjective() string {
	if p.chance(rare) {
		return p.stem() + pick(p.rng, []string{"ig", "lich", "sam", "los", "bar", "haft", "isch"})
	}
	return adjectives[p.below(len(adjectives))]
}

// stem makes up a word, for no play does with the dictionary alone.
func (p *playwright) stem() string {
	s := ""
	for range p.between(1, 2) {
		s += pick(p.rng, onsets) + pick(p.rng, nuclei) + pick(p.rng, codas)
	}
	return s
}

var (
	onsets = strings.Fields("b br d dr f fl fr g gl gr h k kl kr l m n p pf qu r s sch schl schm schw sp st str t tr w z zw j")
	nuclei = strings.Fields("a a e e e i i o o u ä ö ü ei ei au ie")
	codas  = strings.Fields("l ll m mp n nd ng nk nn r rb rg rk rm rn rt s sch st ß t tt tz ck ch cht ff lb ld lm x")

	nounSuffixes = map[byte][]string{'r': {"", "", "er", "el", "ling"}, 'e': {"e", "e", "ung", "heit", "schaft"}, 's': {"", "chen", "lein", "tum", "nis"}}
)

// whither returns a preposition and what it governs.
func (p *playwright) whither() string {
	w := pick(p.rng, prepositions)
	return w[:len(w)-2] + " " + p.phrase(casus(w[len(w)-1]-'0'))
}

// clause returns a sentence without its end.
func (p *playwright) clause() string {
	switch p.below(15) {
	case 0, 1:
		return p.subject() + " " + p.verb(1) + " " + p.object()
	case 2:
		return "ich " + p.verb(0) + " " + p.object() + " " + p.whither()
	case 3:
		return p.adverb() + " " + p.verb(1) + " " + p.subject() + " " + p.object()
	case 4:
		return p.whither() + " " + p.verb(1) + " " + p.subject()
	case 5:
		return p.subject() + " ist " + p.adverb() + " " + p.adjective()
	case 6:
		return "ich habe " + p.object() + " " + p.adverb() + " " + p.verb(2)
	case 7:
		return "er hat " + p.whither() + " " + p.object() + " " + p.verb(2)
	case 8:
		return "wenn " + p.subject() + " " + p.object() + " " + p.verb(1) + ", so " + p.verb(0) + " ich " + p.object()
	case 9:
		return "wer " + p.object() + " " + p.verb(1) + ", der " + p.verb(1) + " " + p.adverb() + " " + p.object()
	case 10:
		return "es ist " + p.subject() + ", " + pick(p.rng, []string{"was", "den", "die", "das"}) + " ich " + p.verb(0)
	case 11:
		return "und " + p.adverb() + " " + p.verb(1) + " " + p.subject()
	case 12:
		return "was " + p.verb(1) + " " + p.subject() + " " + p.whither()
	case 13:
		return "denn " + p.subject() + " und " + p.subject() + " sind " + p.adjective()
	default:
		return "so " + p.verb(1) + " " + p.subject() + " " + p.object() + ", " + p.adjective() + " wie " + p.subject()
	}
}

func upperFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}
