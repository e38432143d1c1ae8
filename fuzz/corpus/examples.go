package corpus

import "github.com/idlewire/idlewire/fuzz"

// examples are those of RFC 6455, 5.7, and of RFC 7692, 7.2.3.
func examples() []Entry {
	return []Entry{
		both("rfc6455-5.7-text", plainOctet, "81 05 48656c6c6f", "a single-frame unmasked text message"),
		wire("rfc6455-5.7-masked", fuzz.Server, plainOctet, "81 85 37fa213d 7f9f4d5158", "a single-frame masked text message"),
		both("rfc6455-5.7-fragmented", plainOctet, "01 03 48656c 80 02 6c6f", "a fragmented unmasked text message"),
		both("rfc6455-5.7-ping", plainOctet, "89 05 48656c6c6f", "unmasked Ping request"),
		wire("rfc6455-5.7-pong", fuzz.Server, plainOctet, "8a 85 37fa213d 7f9f4d5158", "masked Ping response"),
		long("rfc6455-5.7-256", 256), long("rfc6455-5.7-64k", 65536),
		both("rfc7692-7.2.3.1", takeover, "c1 07 f248cdc9c90700", "a message compressed using one compressed DEFLATE block"),
		both("rfc7692-7.2.3.1-fragmented", takeover, "41 03 f248cd 80 04 c9c90700", "the same in two frames"),
		both("rfc7692-7.2.3.2", takeover, "c1 07 f248cdc9c90700 c1 05 f200110000", "sharing the window: the second refers to the first"),
		both("rfc7692-7.2.3.3", takeover, "c1 0b 000500faff48656c6c6f00", "a block with no compression"),
		both("rfc7692-7.2.3.4", takeover, "c1 08 f348cdc9c9070000", "a block with BFINAL"),
		both("rfc7692-7.2.3.5", takeover, "c1 0d f248050000 00ffffcac9c90700", "two blocks in one message"),
		both("takeover-window-of-plain", takeover, "c1 07 f248cdc9c90700 81 05 576f726c64 c1 05 f200110000",
			"a message that is not compressed is no part of the window: the third is Hello"),
		both("takeover-granted", takeover, "c1 07 f248cdc9c90700 c1 05 f200110000 c1 05 f200110000", "takeover is agreed on: all three are Hello"),
		both("takeover-not-granted", noTakeover, "c1 07 f248cdc9c90700 c1 05 f200110000", "takeover is not agreed on: the second is no DEFLATE"),
	}
}

// long is a binary message of so many octets, of which there are a few.
func long(name string, n uint64) Entry {
	return Entry{Name: name, Note: "its length in more octets; its payload is cut short",
		Frames: []fuzz.Frame{{Fin: true, Opcode: fuzz.OpBinary, Length: n, Payload: make([]byte, 16)}}}
}
