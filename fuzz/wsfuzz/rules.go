package main

import "strings"

// sentences are what the RFC says, by section, and by the beginning of the rule where a section has several.
var sentences = []struct{ section, rule, text string }{
	{"5.1", "frame from a client", `"The server MUST close the connection upon receiving a frame that is not masked."`},
	{"5.1", "frame from a server", `"A client MUST close a connection if it detects a masked frame."`},
	{"5.2", "RSV", `"If a nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_."`},
	{"5.2", "reserved opcode", `"If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."`},
	{"5.2", "length not", `"Note that in all cases, the minimal number of bytes MUST be used to encode the length"`},
	{"5.2", "most significant", `"the most significant bit MUST be 0"`},
	{"5.4", "fragments of two", `"The fragments of one message MUST NOT be interleaved between the fragments of another message unless an extension has been negotiated that can interpret the interleaving."`},
	{"5.4", "continuation", `"A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by zero or more frames with the FIN bit clear and the opcode set to 0"`},
	{"5.5", "", `"All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."`},
	{"5.5.1", "body", `"If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer"`},
	{"5.5.1", "reason", `"the body MAY contain UTF-8-encoded data with value /reason/"; 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."`},
	{"5.5.1", "a Close is answered", `"If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame in response."`},
	{"5.5.1", "the answer", `"When sending a Close frame in response, the endpoint typically echos the status code it received."`},
	{"5.5.1", "nothing may be sent", `"The application MUST NOT send any more data frames after sending a Close frame."`},
	{"5.5.2", "", `"Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a Close frame."`},
	{"5.5.3", "a pong has", `"A Pong frame sent in response to a Ping frame must have identical "Application data" as found in the message body of the Ping frame being replied to."`},
	{"5.5.3", "a pong may", `"A Pong frame MAY be sent unsolicited. This serves as a unidirectional heartbeat."`},
	{"5.5.3", "the order", `"If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame."`},
	{"7.1.1", "", `5.5.1: "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and MUST close the underlying TCP connection. The server MUST close the underlying TCP connection immediately"`},
	{"7.1.7", "", `7.1.7: "Certain algorithms and specifications require an endpoint to _Fail the WebSocket Connection_"; these octets break none of their rules`},
	{"7.4", "", `7.4.1: "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint", and so are 1004, 1006 and 1015; 7.4.2: "Status codes in the range 0-999 are not used", and 1016 to 2999 are reserved`},
	{"8.1", "", `"When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."`},
	{"10.4", "", `"Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits."`},
	{"RFC 7692 6.1", "", `RFC 7692, 6.1: "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments of a data message."`},
	{"RFC 7692 7.2.2", "", `RFC 7692, 7.2.2: what has been compressed is decompressed "using DEFLATE"; these octets are none (RFC 1951)`},
	{"4.1", "", `4.1: the client "MUST _Fail the WebSocket Connection_" for such a response`},
	{"4.2.1", "", `4.2.1: the request of a client has to have these parts`},
	{"echo", "", "the endpoint is there to send messages back (-echo=false if it is not)"},
}

// sentence returns the RFC's for a rule.
func sentence(section, rule string) string {
	for _, s := range sentences {
		if s.section == section && strings.HasPrefix(rule, s.rule) {
			return s.text
		}
	}
	return ""
}

// failing is what 7.1.7 says of how a connection fails, for findings about that.
const failing = `7.1.7: "If _The WebSocket Connection is Established_ prior to the point where the endpoint is required to _Fail the WebSocket Connection_, the endpoint SHOULD send a Close frame with an appropriate status code"`
