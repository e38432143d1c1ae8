package testee

import (
	"bytes"

	"github.com/idlewire/idlewire/frame"
)

// nonASCII are the valid texts with characters of more than one octet.
const nonASCII = "6.2.* 6.5.2..5 6.6.2 6.6.5 6.6.7 6.6.9 6.6.11 6.7.2..4 6.9.2..4 6.11.1..4 6.22.* 6.23.*"

// textFaults are about UTF-8.
var textFaults = []*Kind{
	{
		Name: "no-utf8", Text: "does not validate text",
		Red:    invalidText,
		traits: traits{tolerates: badText | unfinishedText},
	},
	{
		Name: "utf8-at-end", Text: "validates text when the message is complete (allowed, but not strict)",
		Red:    "6.4.*",
		traits: traits{check: textCheck{when: messageEnd}},
	},
	{
		Name: "utf8-at-frame-end", Text: "validates text when a frame is complete (allowed, but not strict)",
		Red:    "6.4.3..4",
		traits: traits{check: textCheck{when: frameEnd}},
	},
	{
		Name: "utf8-per-frame", Text: "does not accept a character that is split over frames",
		Red:    "6.2.3..4 6.4.2",
		traits: traits{check: textCheck{when: perFrame}},
	},
	{
		Name: "utf8-first-octets", Text: "validates the first eleven octets of a text",
		Red:    "6.3.* 6.4.* 7.5.1",
		traits: traits{check: textCheck{only: 11}},
	},
	{
		Name: "utf8-unfinished", Text: "accepts a text that ends inside a character",
		Red:    "6.6.1 6.6.3..4 6.6.6 6.6.8 6.6.10 6.14.6..7",
		traits: traits{tolerates: unfinishedText},
	},
	{
		Name: "utf8-surrogates", Text: "accepts surrogates in UTF-8",
		Red:    "6.3.* 6.20.* 6.21.* 7.5.1",
		traits: traits{check: textCheck{surrogates: true}},
	},
	{
		Name: "utf8-overlong", Text: "accepts longer forms of characters than needed",
		Red:    "6.17.1..3 6.18.1..3 6.19.1..3",
		traits: traits{check: textCheck{overlong: true}},
	},
	{
		Name: "utf8-beyond", Text: "accepts characters above U+10FFFF in four octets",
		Red:    "6.4.* 6.10.1 6.11.5",
		traits: traits{check: textCheck{beyond: true}},
	},
	{
		Name: "utf8-old", Text: "accepts the five and six octets of RFC 2279",
		Red:    "6.8.* 6.10.2..3",
		traits: traits{check: textCheck{long: true}},
	},
	{
		Name: "utf8-no-noncharacters", Text: "does not accept noncharacters such as U+FFFE",
		Red: "6.9.3..4 6.11.4 6.22.* 6.23.6..7",
		traits: traits{check: textCheck{refuse: func(r rune) bool {
			return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef
		}}},
	},
	{
		Name: "utf8-no-controls", Text: "does not accept control characters",
		Red:    "6.7.1..2 6.9.1",
		traits: traits{check: textCheck{refuse: func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }}},
	},
	{
		Name: "utf8-three-octets", Text: "does not accept characters above U+FFFF",
		Red:    "6.5.4 6.7.4 6.9.4 6.11.4 6.22.3..34",
		traits: traits{check: textCheck{refuse: func(r rune) bool { return r > 0xffff }}},
	},
	{
		Name: "utf8-in-binary", Text: "validates binary messages too",
		Red:    binaries + " -1.2.1 -9.4.2..9 -9.8.1", // 9.4.2 to 9.4.9 are binary, but ASCII
		traits: traits{asText: true},
	},
	{
		Name: "utf8-replaced", Text: "puts U+FFFD in place of what is not UTF-8",
		Red: invalidText,
		traits: traits{
			tolerates: badText | unfinishedText,
			message: func(p *Peer, op frame.Opcode, payload []byte) {
				if op == frame.Text {
					payload = bytes.ToValidUTF8(payload, []byte("\uFFFD"))
				}
				p.send(op, payload)
			},
		},
	},
	{
		Name: "latin-1", Text: "takes text for Latin-1 when it sends it back",
		Red: nonASCII,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if op == frame.Text {
				var b []byte
				for _, c := range payload {
					b = append(b, string(rune(c))...)
				}
				payload = b
			}
			p.send(op, payload)
		}},
	},
	{
		Name: "ascii-only", Text: "sends text back as ASCII, with a question mark for each other octet",
		Red: nonASCII,
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if op == frame.Text {
				payload = append([]byte(nil), payload...)
				for i, c := range payload {
					if c >= 0x80 {
						payload[i] = '?'
					}
				}
			}
			p.send(op, payload)
		}},
	},
	{
		Name: "c-string", Text: "takes text for a C string",
		Red: "6.7.1",
		traits: traits{message: func(p *Peer, op frame.Opcode, payload []byte) {
			if op == frame.Text {
				payload = cString(payload)
			}
			p.send(op, payload)
		}},
	},
	{
		Name: "utf8-1002", Text: "fails the connection with 1002 where text is not UTF-8",
		Red: invalidText,
		traits: traits{failCode: func(b breach) uint16 {
			if b == badText || b == unfinishedText {
				return 1002
			}
			return b.code()
		}},
	},
}
