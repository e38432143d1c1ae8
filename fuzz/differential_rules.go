package fuzz

import "fmt"

// A Rule is where the text says something.
type Rule struct {
	Section  string // of RFC 6455, or of another
	Sentence string
}

// Keys of Rules that a Quirk is likely to need.
const (
	// NotMinimal is a rule that many do not look at. LongControls is said of those of them for whom a control frame's length counts, and not its form.
	NotMinimal   = "length not in the minimal number of bytes"
	LongControls = "length of a control frame in more than 7 bits"

	// AfterFinal and EmptyFragments are no rules that a peer can break, but that some endpoints do not know.
	AfterFinal     = "data may follow a final block"
	EmptyFragments = "any number of fragments may be empty"

	// FinalAtOnce is AfterFinal where the message is delivered before the rest of it has come.
	FinalAtOnce = "data may follow a final block, and is part of the message"

	// EndsInBlock is a rule that whoever adds no final block to what is compressed cannot look at.
	EndsInBlock = "compressed data ends inside a block"

	// LongTail is what those do not know who append a final block too, which may become a part of the message.
	LongTail = "no more than 00 00 ff ff is appended"

	// Panics is said of a program that a peer can end.
	Panics = "nothing that is received is a reason to panic"

	// WholeFrames is said of endpoints that look at a header when the payload is there as well.
	WholeFrames = "a header is enough to see that it is wrong"

	// EmptyMessages is unknown to endpoints that say nothing of them.
	EmptyMessages = "a message may be empty"

	// Truncated is what a message is that the end of the stream interrupts.
	Truncated = "a message ends with its last frame"
)

// Registered is the key of Rules for a close code of 1012 to 1014.
func Registered(code int) string { return fmt.Sprintf("code %d may be sent", code) }

// endpoints are those of them that the reference can put aside, and one that may be behind another: a ping in a long form is too long, or not.
var endpoints = []string{LongControls, AfterFinal, FinalAtOnce, LongTail, EmptyMessages, Registered(1012), Registered(1013), Registered(1014)}

// Rules has the sentence for each Rule of a Fault, and for what else implementations do not know.
var Rules = map[string]Rule{
	"RSV without an extension that gives it a meaning": {"6455 5.2",
		"MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."},
	"RSV1 on a control frame or on a fragment that is not the first": {"7692 6.1",
		"An endpoint MUST NOT set the \"Per-Message Compressed\" bit of control frames and non-first fragments of a data message."},
	"reserved opcode": {"6455 5.2",
		"If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."},
	"control frame in fragments": {"6455 5.5",
		"All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."},
	"control frame longer than 125": {"6455 5.5",
		"All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."},
	"continuation, and nothing to continue": {"6455 5.4",
		"A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by zero or more frames " +
			"with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the FIN bit set and an opcode of 0."},
	"fragments of two messages are interleaved": {"6455 5.4",
		"The fragments of one message MUST NOT be interleaved between the fragments of another message unless an extension has been negotiated " +
			"that can interpret the interleaving."},
	"frame from a client is not masked": {"6455 5.1", "The server MUST close the connection upon receiving a frame that is not masked."},
	"frame from a server is masked":     {"6455 5.1", "A client MUST close a connection if it detects a masked frame."},
	NotMinimal: {"6455 5.2",
		"Note that in all cases, the minimal number of bytes MUST be used to encode the length, for example, the length of a 124-byte-long " +
			"string can't be encoded as the sequence 126, 0, 124."},
	"most significant bit of a length is not 0": {"6455 5.2",
		"If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0) are the payload length."},
	"body of a close of one octet": {"6455 5.5.1",
		"If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte order) representing a status " +
			"code with value /code/ defined in Section 7.4."},
	"code that no endpoint may send": {"6455 7.4.1",
		"1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint."},
	"code above 4999": {"6455 7.4.2",
		"Status codes in the range 4000-4999 are reserved for private use and thus can't be registered."},
	"reason of a close is not UTF-8": {"6455 5.5.1",
		"Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/"},
	"reason of a close ends inside a character": {"6455 5.5.1",
		"Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/"},
	"text is not UTF-8": {"6455 8.1",
		"When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that " +
			"endpoint MUST _Fail the WebSocket Connection_."},
	"text ends inside a character": {"6455 5.6",
		"Note that a particular text frame might include a partial UTF-8 sequence; however, the whole message MUST contain valid UTF-8."},
	"message longer than the limit": {"6455 10.4",
		"Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after " +
			"reassembly from multiple frames MUST protect themselves against exceeding those limits."},
	"message in more fragments than the limit": {"6455 10.4",
		"Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after " +
			"reassembly from multiple frames MUST protect themselves against exceeding those limits."},
	Registered(1012): laterCode,
	Registered(1013): laterCode,
	Registered(1014): laterCode,
	EmptyFragments: {"6455 5.4", "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by zero or more " +
		"frames with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the FIN bit set and an opcode of 0."},
	Truncated: {"6455 5.4", "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by zero or more " +
		"frames with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the FIN bit set and an opcode of 0."},
	WholeFrames: {"6455 7.1.7", "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) from the remote endpoint after being " +
		"instructed to _Fail the WebSocket Connection_."},
	EmptyMessages: {"6455 6.2", "If the frame comprises an unfragmented message (Section 5.4), it is said that _A WebSocket Message Has Been Received_ with type " +
		"/type/ and data /data/."},
	Panics: {"6455 10.7", "Incoming data MUST always be validated by both clients and servers."},
	LongControls: {"6455 5.2", "Note that in all cases, the minimal number of bytes MUST be used to encode the length, for example, the length of a 124-byte-long " +
		"string can't be encoded as the sequence 126, 0, 124."},
	LongTail:    {"7692 7.2.2", "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."},
	FinalAtOnce: blocks,
	AfterFinal:  blocks,

	"block of the reserved type": inflating,
	EndsInBlock:                  inflating,
	"length of a stored block, and its complement do not agree": inflating,
	"bits that are no code":                         inflating,
	"more codes than there are symbols":             inflating,
	"code for code lengths is not complete":         inflating,
	"repeats a code length, and there is none":      inflating,
	"repeats a code length beyond the last":         inflating,
	"no code for the end of the block":              inflating,
	"code for literals and lengths is not complete": inflating,
	"code for distances is not complete":            inflating,
	"length symbol that has no meaning":             inflating,
	"distance symbol that has no meaning":           inflating,
	"distance beyond the window": {"7692 7.1.2.1",
		"By including this parameter in an extension negotiation offer, a client limits the LZ77 sliding window size that the server will use " +
			"to compress messages."},
	"distance beyond the beginning": inflating,
}

// laterCode is why there are more codes than RFC 6455 has: it founds a registry, and 1012 to 1014 have been entered since.
var laterCode = Rule{"6455 7.4.2", "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future revisions, " +
	"and extensions specified in a permanent and readily available public specification."}

var blocks = Rule{"7692 7.2.1", "An endpoint MAY use both DEFLATE blocks with the \"BFINAL\" bit set to 0 and DEFLATE blocks with the \"BFINAL\" bit set to 1."}

// inflating is all that RFC 7692 says; the rest is RFC 1951.
var inflating = Rule{"7692 7.2.2", "Decompress the resulting data using DEFLATE."}
