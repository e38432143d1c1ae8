package main

import (
	"strings"

	"github.com/idlewire/idlewire/fuzz"
)

// sentences are what the RFC says besides [fuzz.Rules], by section, and by the beginning of the rule where a section has several.
var sentences = []struct{ section, rule, text string }{
	{"5.5.1", "a Close is answered", `"If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a Close frame in response."`},
	{"5.5.1", "the answer", `"When sending a Close frame in response, the endpoint typically echos the status code it received."`},
	{"5.5.1", "nothing may be sent", `"The application MUST NOT send any more data frames after sending a Close frame."`},
	{"5.5.2", "", `"Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a Close frame."`},
	{"5.5.3", "a pong has", `"A Pong frame sent in response to a Ping frame must have identical "Application data" as found in the message body of the Ping frame being replied to."`},
	{"5.5.3", "a pong may", `"A Pong frame MAY be sent unsolicited. This serves as a unidirectional heartbeat."`},
	{"5.5.3", "the order", `"If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame."`},
	{"7.1.1", "", `5.5.1: "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and MUST close the underlying TCP connection. The server MUST close the underlying TCP connection immediately"`},
	{"7.1.7", "", `7.1.7: "Certain algorithms and specifications require an endpoint to _Fail the WebSocket Connection_"; these octets break none of their rules`},
	{"RFC 7692 7.2.2", "", `RFC 7692, 7.2.2: what has been compressed is decompressed "using DEFLATE"; these octets are none (RFC 1951)`},
	{"4.1", "", `4.1: the client "MUST _Fail the WebSocket Connection_" for such a response`},
	{"4.2.1", "", `4.2.1: the request of a client has to have these parts`},
	{"echo", "", "the endpoint is there to send messages back (-echo=false if it is not)"},
}

// sentence returns the RFC's for a rule.
func sentence(section, rule string) string {
	if r, ok := fuzz.Rules[rule]; ok {
		return "RFC " + r.Section + ": \"" + r.Sentence + "\""
	}
	for _, s := range sentences {
		if s.section == section && strings.HasPrefix(rule, s.rule) {
			return s.text
		}
	}
	return ""
}

// failing is what 7.1.7 says of how a connection fails, for findings about that.
const failing = `7.1.7: "If _The WebSocket Connection is Established_ prior to the point where the endpoint is required to _Fail the WebSocket Connection_, the endpoint SHOULD send a Close frame with an appropriate status code"`
