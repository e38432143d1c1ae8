package corpus

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/idlewire/idlewire/fuzz"
)

// advisories are the rows of fuzz/THREATS.md that have frames.
func advisories() []Entry {
	all := []Entry{
		wire("V01-negative-length", fuzz.Server, plainOctet, "82 ff 8000000000000001 m", "gorilla: a length becomes negative"),
		wire("V01-length-overflow", fuzz.Server, plainOctet, "02 ff 7fffffffffffffff m", "the same: the running sum overflows"),
		wire("V01-sum", fuzz.Server, plainOctet, "02 81 m 61 89 80 m 80 ff 7fffffffffffffff m", "the sum of two fragments overflows, a ping between them"),
		wire("V05-client", fuzz.Client, plainOctet, "82 7f ffffffffffffffff", "undici: a length that the parser cannot hold"),
		wire("V06-wraps", fuzz.Server, plainOctet, "82 ff fffffffffffffffc m", "baresip: 4 + length wraps"),
		both("V08-close-1", plainOctet, "88 01 03", "fastws: a Close of one octet"),
		both("V08-close-0", plainOctet, "88 00", "and of none"),
		both("V08-close-2", plainOctet, "88 02 03e8", "and of two"),
		wire("V10-announces", fuzz.Server, plainOctet, "82 ff 0000000400000000 m", "gobwas: 16 GiB are announced, and nothing comes"),
		wire("V13-not-minimal", fuzz.Server, plainOctet, "82 fe 0005 m 68656c6c6f", "most libraries: a length not in the shortest form"),
		wire("V13-not-minimal-64", fuzz.Server, plainOctet, "82 ff 0000000000000005 m 68656c6c6f", "the same in 64 bits"),
		both("V14-continuations", plainOctet, "01 01 61"+strings.Repeat("00 01 61", 200), "Netty: continuations without end"),
		both("V15-empty-fragments", plainOctet, "01 00"+strings.Repeat("00 00", 1100), "ws: empty fragments, one object each"),
		both("V17-dribble", plainOctet, "82 7e fff0 000000", "aiohttp: a frame that is not complete"),
		both("V20-long-ping", plainOctet, "89 7e 00c8"+strings.Repeat("61", 200), "userver: a control frame longer than 125"),
		both("V28-rsv1", plainOctet, "c1 07 f248cdc9c90700", "aiohttp: RSV1 without compression"),
		wire("V53-unmasked", fuzz.Server, plainOctet, "81 05 68656c6c6f", "facil.io: a frame that is not masked"),
		wire("V53-masked", fuzz.Client, plainOctet, "81 85 37fa213d 7f9f4d5158", "and one that is, to a client"),
		wire("V54-orphan", fuzz.Server, plainOctet, "80 82 m fffe", "a continuation with nothing to continue"),
		both("V56-empty-ping", plainOctet, "89 00 8a 00", "empty control frames"),
		both("V56-reserved-opcode", plainOctet, "83 00 8b 00", "opcodes that there are not"),
		both("V61-pings", plainOctet, strings.Repeat("89 02 6869", 300), "a flood of pings"),
		both("V75-after-final", takeover, "c1 0e f348cdc9c90700 f248cdc9c90700 c1 07 f248cdc9c90700", "Tomcat: a final block, and then more"),
		both("V75-ends-early", takeover, "c1 04 f248cdc9 c1 07 f248cdc9c90700", "a block that is cut short, and then a message"),
		both("V75-stored-short", takeover, "c2 06 010a00f5ff00 c1 07 f248cdc9c90700", "a stored block that is cut short"),
		both("V75-bits-left", takeover, "c1 08 f248cdc9c907007f c1 07 f248cdc9c90700", "bits behind the last block"),
		squeezed("V22-bomb", bytes.Repeat([]byte("a"), 1<<20), "a megabyte in a kilobyte"),
		both("V29-far", noTakeover, "c1 04 4a041300", "a distance beyond the beginning"),
	}
	for i, n := range []uint64{0, 1, 125, 126, 127, 128, 65535, 65536, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 53, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 4, 1<<64 - 1} {
		op := []byte{fuzz.OpBinary, fuzz.OpText, fuzz.OpPing}[i%3]
		all = append(all, Entry{Name: fmt.Sprintf("V02-length-%x", n), Note: "NATS: lengths in 64 bits",
			Frames: []fuzz.Frame{{Fin: true, Opcode: op, Form: fuzz.Form64, Length: n, Payload: []byte("ab")[:min(2, n)]}}})
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		b := []byte(texts[name])
		all = append(all, Entry{Name: "V55-" + name, Note: "UTF-8", Frames: []fuzz.Frame{
			{Opcode: fuzz.OpText, Length: 1, Payload: b[:1]}, {Fin: true, Opcode: fuzz.OpContinuation, Length: uint64(len(b) - 1), Payload: b[1:]}}})
	}
	for _, code := range []int{0, 999, 1000, 1004, 1005, 1006, 1007, 1011, 1012, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 65535} {
		b := []byte{byte(code >> 8), byte(code), 'x'}
		all = append(all, Entry{Name: fmt.Sprintf("V63-close-%d", code), Note: "close codes", Frames: []fuzz.Frame{{Fin: true, Opcode: fuzz.OpClose, Length: 3, Payload: b}}})
	}
	return all
}

// texts are good and bad.
var texts = map[string]string{
	"good": "κόσμε \u20ac \U0001f600 \U0010ffff", "overlong-2": "\xc0\xaf", "overlong-3": "\xe0\x80\xaf", "overlong-4": "\xf0\x80\x80\xaf", "surrogate": "\xed\xa0\x80",
	"beyond": "\xf4\x90\x80\x80", "cut": "\xe2\x82", "lonely": "\x80\x80", "fe": "\xfe\xff", "interrupted": "\xf0\x9fa\x98\x80",
	"ascii-inside": "ééééééééééééééé\xf0\x9f\x98abc\u20acéééééééééééééé", "accent-inside": "ééééééééééééééé\xf0\x9f\x98éabcdefééééééééééééé",
	"long": "ééééééééé abcd \u20ac\u20ac\u20ac\u20ac abcdefgh é \U0001f600\U0001f600 abcdefghijklmnopqrstuvwxyz é",
}

// squeezed is a compressed text.
func squeezed(name string, text []byte, note string) Entry {
	b := squeeze(text)
	return Entry{Name: name, Note: note, Deflate: noTakeover, Frames: []fuzz.Frame{{Fin: true, Rsv: 4, Opcode: fuzz.OpText, Length: uint64(len(b)), Payload: b}}}
}

// findings are what other libraries were found to do wrong: DIFFERENTIAL.md.
func findings() []Entry {
	return []Entry{
		both("D01-close-inside", takeover, "41 00 88 00", "coder: a Close inside a compressed message panics"),
		both("D02-cut-message", plainOctet, "01 03 616263", "coder: the end of the stream ends the message"),
		both("D02-cut-frame", plainOctet, "81 05", "coder: likewise"),
		both("D03-final-and-next", takeover, "c1 08 f348cdc9c9070000 c1 07 f248cdc9c90700", "coder: RFC 7692, 7.2.3.4, spoils the next message"),
		wire("D04-negative", fuzz.Server, plainOctet, "81 ff ff00000000000000 37fa213d", "gws: a negative length panics"),
		both("D05-empty", plainOctet, "81 00 82 00 01 00 80 00", "nbio: empty messages are not delivered"),
		both("D06-rsv-with-deflate", takeover, "a1 00 91 00", "gobwas, gws: RSV2 and RSV3 behind compression"),
		both("D07-empty-fragments", takeover, "41 00"+strings.Repeat("00 00", 100)+"80 01 00", "gobwas: a hundred empty fragments of a compressed message"),
		both("D08-cut-control", plainOctet, "02 00 88 01", "gobwas: the stream ends in a Close inside a message"),
	}
}
