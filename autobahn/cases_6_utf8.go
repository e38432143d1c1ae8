package autobahn

import (
	"fmt"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A sequence is the payload of a text message.
type sequence struct {
	octets string // in hexadecimal
	valid  bool
	what   string
}

const (
	valid   = true
	invalid = false
)

// codePoints is 6.5 to 6.23, each case one message in one frame. RFC 3629 is UTF-8.
func codePoints() []Section {
	var sections []Section
	for i, s := range []struct {
		title, requires string
		sequences       []sequence
	}{
		{"Characters of each length",
			"5.6, 8.1: text is UTF-8. RFC 3629, 3: a character has one to four octets.", []sequence{
				{"68 65 6c 6c 6f 24 77 6f 72 6c 64", valid, "letters around a dollar sign, one octet"},
				{"68 65 6c 6c 6f c2 a2 77 6f 72 6c 64", valid, "letters around a cent sign, two octets"},
				{"68 65 6c 6c 6f e2 82 ac 77 6f 72 6c 64", valid, "letters around a euro sign, three octets"},
				{"68 65 6c 6c 6f f0 a4 ad a2 77 6f 72 6c 64", valid, "letters around U+24B62, four octets"},
				{"ce ba e1 bd b9 cf 83 ce bc ce b5", valid, "a Greek word"},
			}},
		{"Text that ends inside a character",
			"8.1: a message that ends before its last character does is not UTF-8.", prefixes(kosme)},
		{"The first code point of each length",
			"RFC 3629, 3: characters of one octet begin at U+0000, of two at U+0080, of three at U+0800, of four at U+10000.", []sequence{
				{"00", valid, "U+0000 in one octet"},
				{"c2 80", valid, "U+0080 in two octets"},
				{"e0 a0 80", valid, "U+0800 in three octets"},
				{"f0 90 80 80", valid, "U+10000 in four octets"},
			}},
		{"The first value of five and six octets",
			"RFC 3629, 3: no character has more than four octets (RFC 2279, before it, had five and six).", []sequence{
				{"f8 88 80 80 80", invalid, "0x200000 in five octets"},
				{"fc 84 80 80 80 80", invalid, "0x4000000 in six octets"},
			}},
		{"The last code point of each length",
			"RFC 3629, 3: characters of one octet end at U+007F, of two at U+07FF, of three at U+FFFF, of four at U+10FFFF.", []sequence{
				{"7f", valid, "U+007F in one octet"},
				{"df bf", valid, "U+07FF in two octets"},
				{"ef bf bf", valid, "U+FFFF in three octets"},
				{"f4 8f bf bf", valid, "U+10FFFF in four octets"},
			}},
		{"The last value of four, five and six octets",
			"RFC 3629, 3: nothing above U+10FFFF is a character, and none has more than four octets.", []sequence{
				{"f7 bf bf bf", invalid, "0x1FFFFF in four octets"},
				{"fb bf bf bf bf", invalid, "0x3FFFFFF in five octets"},
				{"fd bf bf bf bf bf", invalid, "0x7FFFFFFF in six octets"},
			}},
		{"Next to what is excluded",
			"RFC 3629, 3: surrogates, U+D800 to U+DFFF, and what is above U+10FFFF are excluded; their neighbours are not.", []sequence{
				{"ed 9f bf", valid, "U+D7FF, the last before the surrogates"},
				{"ee 80 80", valid, "U+E000, the first after the surrogates"},
				{"ef bf bd", valid, "U+FFFD, the replacement character"},
				{"f4 8f bf bf", valid, "U+10FFFF, the last of all"},
				{"f4 90 80 80", invalid, "0x110000, one more than the last of all"},
			}},
		{"Continuation octets that continue nothing",
			"RFC 3629, 4: 80 to BF come only behind an octet that begins a character.", []sequence{
				{"80", invalid, "the first of the continuation octets"},
				{"bf", invalid, "the last of the continuation octets"},
				{"80 bf", invalid, "two continuation octets"},
				{"80 bf 80", invalid, "three continuation octets"},
				{"80 bf 80 bf", invalid, "four continuation octets"},
				{"80 bf 80 bf 80", invalid, "five continuation octets"},
				{"80 bf 80 bf 80 bf", invalid, "six continuation octets"},
				{octetRun(0x80, 0xbe, ""), invalid, "the continuation octets from 80 to be in order"},
			}},
		{"First octets that nothing continues",
			"RFC 3629, 4: an octet that begins a character of several is followed by continuation octets, not by a space.", []sequence{
				{octetRun(0xc0, 0xde, "20"), invalid, "c0 to de, which begin two octets, a space behind each"},
				{octetRun(0xe0, 0xee, "20"), invalid, "e0 to ee, which begin three octets, a space behind each"},
				{octetRun(0xf0, 0xf6, "20"), invalid, "f0 to f6, which begin four octets, a space behind each"},
				{octetRun(0xf8, 0xfa, "20"), invalid, "f8 to fa, which once began five octets, a space behind each"},
				{octetRun(0xfc, 0xfc, "20"), invalid, "fc, which once began six octets, and a space"},
			}},
		{"Sequences without their last octet",
			"8.1: a message that ends before its last character does is not UTF-8.", []sequence{
				{"c0", invalid, "two octets of value 0, less one"},
				{"e0 80", invalid, "three octets of value 0, less one"},
				{"f0 80 80", invalid, "four octets of value 0, less one"},
				{"f8 80 80 80", invalid, "five octets of value 0, less one"},
				{"fc 80 80 80 80", invalid, "six octets of value 0, less one"},
				{"df", invalid, "two octets of the highest value, less one"},
				{"ef bf", invalid, "three octets of the highest value, less one"},
				{"f7 bf bf", invalid, "four octets of the highest value, less one"},
				{"fb bf bf bf", invalid, "five octets of the highest value, less one"},
				{"fd bf bf bf bf", invalid, "six octets of the highest value, less one"},
			}},
		{"Sequences without their last octet, in a row",
			"8.1: the next sequence does not complete the one before.", []sequence{
				{"c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf", invalid, "the ten of 6.14 one behind the other"},
			}},
		{"Octets that never occur",
			"RFC 3629, 3: FE and FF (and C0, C1, F5 to FD) occur nowhere in UTF-8.", []sequence{
				{"fe", invalid, "FE alone"},
				{"ff", invalid, "FF alone"},
				{"fe fe ff ff", invalid, "FE and FF, twice each"},
			}},
		{"Overlong: a slash",
			"RFC 3629, 3 and 10: a character is encoded in as few octets as it takes; the longer forms let things past a guard.", []sequence{
				{"c0 af", invalid, "U+002F in two octets"},
				{"e0 80 af", invalid, "U+002F in three octets"},
				{"f0 80 80 af", invalid, "U+002F in four octets"},
				{"f8 80 80 80 af", invalid, "U+002F in five octets"},
				{"fc 80 80 80 80 af", invalid, "U+002F in six octets"},
			}},
		{"Overlong: the last that is",
			"RFC 3629, 3: the same at the upper edge, with the highest value that takes fewer octets.", []sequence{
				{"c1 bf", invalid, "U+007F in two octets"},
				{"e0 9f bf", invalid, "U+07FF in three octets"},
				{"f0 8f bf bf", invalid, "U+FFFF in four octets"},
				{"f8 87 bf bf bf", invalid, "0x1FFFFF in five octets"},
				{"fc 83 bf bf bf bf", invalid, "0x3FFFFFF in six octets"},
			}},
		{"Overlong: zero",
			"RFC 3629, 3: the same with U+0000, which has one octet (and not C0 80, as some languages write it).", []sequence{
				{"c0 80", invalid, "U+0000 in two octets"},
				{"e0 80 80", invalid, "U+0000 in three octets"},
				{"f0 80 80 80", invalid, "U+0000 in four octets"},
				{"f8 80 80 80 80", invalid, "U+0000 in five octets"},
				{"fc 80 80 80 80 80", invalid, "U+0000 in six octets"},
			}},
		{"Surrogates",
			"RFC 3629, 3: U+D800 to U+DFFF are halves of UTF-16, not characters.", []sequence{
				{"ed a0 80", invalid, "U+D800, the first high one"},
				{"ed ad bf", invalid, "U+DB7F, the last high one that is not for private use"},
				{"ed ae 80", invalid, "U+DB80, the first high one for private use"},
				{"ed af bf", invalid, "U+DBFF, the last high one"},
				{"ed b0 80", invalid, "U+DC00, the first low one"},
				{"ed be 80", invalid, "U+DF80, a low one"},
				{"ed bf bf", invalid, "U+DFFF, the last low one"},
			}},
		{"Surrogates in pairs",
			"RFC 3629, 3: nor do two halves make one (as they do in CESU-8).", surrogatePairs()},
		{"Noncharacters",
			"RFC 3629, 3: the last two code points of each plane are not for interchange, but they are valid UTF-8.", noncharacters()},
		{"The last code points before U+10000",
			"RFC 3629, 3: all of U+FFF9 to U+FFFF are valid UTF-8.", lastOfPlane0()},
	} {
		id := fmt.Sprintf("6.%d", i+5)
		sections = append(sections, Section{ID: id, Title: s.title, Requires: s.requires, Cases: sequences(id, s.sequences)})
	}
	return sections
}

func sequences(section string, rows []sequence) []*Case {
	var cases []*Case
	for _, row := range rows {
		payload := unhex(row.octets)
		c := &Case{
			RFC: "5.6, 8.1", Title: fmt.Sprintf("Text of % x: %s", payload, row.what), Expects: echoIt,
			Steps: plain(message(text(payload))), Expect: echoes(text(payload)),
			Deadline: failIn(500 * time.Millisecond), Close: closeOnMatch(),
		}
		if len(payload) > 16 {
			c.Title = fmt.Sprintf("Text of %d octets: %s", len(payload), row.what)
		}
		if !row.valid {
			c.RFC, c.Expects, c.Expect = "5.6, 7.1.7, 8.1", failText, silence()
			c.Close, c.InitiatorMatters = failedByPeer(frame.CloseInvalidPayload), true
		}
		cases = append(cases, c)
	}
	return numbered(section, cases)
}

// prefixes is what text begins with, from its first octet to all.
func prefixes(text string) []sequence {
	whole := map[int]bool{} // lengths that end with a character
	for i := range text {
		whole[i] = true
	}
	whole[len(text)] = true
	var rows []sequence
	for n := 1; n <= len(text); n++ {
		row := sequence{fmt.Sprintf("%x", text[:n]), whole[n], "a Greek word, cut inside a character"}
		if n == len(text) {
			row.what = "the whole of a Greek word"
		} else if whole[n] {
			row.what = "a Greek word, cut between characters"
		}
		rows = append(rows, row)
	}
	return rows
}

// octetRun is the octets from first to last, with another behind each.
func octetRun(first, last byte, behind string) string {
	var s string
	for b := int(first); b <= int(last); b++ {
		s += fmt.Sprintf("%02x", b) + behind
	}
	return s
}

func surrogatePairs() []sequence {
	var rows []sequence
	for _, high := range []int{0xd800, 0xdb7f, 0xdb80, 0xdbff} {
		for _, low := range []int{0xdc00, 0xdfff} {
			rows = append(rows, sequence{threeOctets(high) + threeOctets(low), invalid, fmt.Sprintf("U+%X and U+%X", high, low)})
		}
	}
	return rows
}

// threeOctets encodes r as it would be if nothing were excluded; package utf8 refuses surrogates.
func threeOctets(r int) string {
	return fmt.Sprintf("%02x%02x%02x", 0xe0|r>>12, 0x80|r>>6&0x3f, 0x80|r&0x3f)
}

func noncharacters() []sequence {
	var rows []sequence
	for plane := range 17 {
		for _, last := range []int{0xfffe, 0xffff} {
			r := plane<<16 | last
			rows = append(rows, sequence{fmt.Sprintf("%x", string(rune(r))), valid, fmt.Sprintf("U+%X, a noncharacter of plane %d", r, plane)})
		}
	}
	return rows
}

func lastOfPlane0() []sequence {
	var rows []sequence
	for r := rune(0xfff9); r <= 0xffff; r++ {
		rows = append(rows, sequence{fmt.Sprintf("%x", string(r)), valid, fmt.Sprintf("U+%X", r)})
	}
	return rows
}
