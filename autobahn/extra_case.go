package autobahn

import "time"

// An Endpoint is an end of a connection, or either.
type Endpoint byte

// The endpoints that a case may be for.
const (
	Both Endpoint = iota
	Servers
	Clients
)

// CasesFor returns those of cases that test such an endpoint.
func CasesFor(cases []*Case, e Endpoint) []*Case {
	var s []*Case
	for _, c := range cases {
		if c.For == Both || c.For == e {
			s = append(s, c)
		}
	}
	return s
}

// bulky reports whether what comes back in an extra case is much data.
func (c *Case) bulky() bool {
	n := 0
	if len(c.Outcomes) > 0 {
		for _, e := range c.Outcomes[0].Events {
			n += e.Payload.Len
		}
	}
	return n >= 1<<20
}

// An Outcome is a way in which a case may go: what is recorded, and how the connection ends. The first Outcome of a case that fits gives the verdicts.
// If there is none, but one whose events fit, Behavior is its verdict and BehaviorClose says what was wrong with the end; if the end was not the peer's to make, or
// the peer did not make it, Behavior is FAILED too.
type Outcome struct {
	Verdict Verdict // OK; NonStrict, Informational where Why says so
	Events  []Event
	Close   CloseExpectation
	Why     string // what the RFC leaves open, with the section; "" if Verdict is OK

	// Loose: the order of pongs among messages does not matter, and a pong may be missing if a later one comes. 5.5.3: "the endpoint MAY elect to send a Pong frame for
	// only the most recently processed Ping frame."
	Loose bool
	// AnyEvents: whatever came before Events fits too.
	AnyEvents bool
}

// An Odd is what the header of a frame has that the runner does not otherwise send.
type Odd struct {
	Form     int    // octets of the extended payload length, 2 or 8, though fewer may do; 0: the fewest
	Key      []byte // the masking key, in the order of the wire; nil: a fresh one
	OtherWay bool   // not masked if the runner is the client, masked if it is the server
}

// An Opening is an opening handshake that a case makes itself, octet by octet.
type Opening struct {
	// Say is what the runner sends: to a server a request, to a client the response. In a request {target} and {host} stand for those of the URL, {key} for a
	// fresh key, and {more} for the lines with the origin and the subprotocols that the Target asks for; in a response {accept} stands for the answer to the client's key.
	// In both {fill} stands for Fill.
	Say    string
	Key    string // to a server, for {key}; "": a fresh one
	Fill   Payload
	Chop   int    // octets in a write; 0: whole
	Last   int    // the last so many octets are a write of their own
	Frames []Step // of SendFrame and SendOctets: sent in the same write, behind Say; only to servers

	// Answers are what a server may answer; the first that fits counts. After one that accepts, Steps and Outcomes of the case follow, and the worse verdict stands.
	Answers  []Answer
	Patience time.Duration // for the answer; 0: OpenHandshakeTimeout

	Subprotocols []string // that Say offers
	Deflate      *Deflate // nil: no extension may be agreed
}

// Deflate is permessage-deflate (RFC 7692) as an Opening negotiates it: Say is then made of it, if it is "". If it is not agreed, or not so that the case can be
// played, the case is UNIMPLEMENTED.
type Deflate struct {
	Offer    string // to a server: Sec-WebSocket-Extensions, several of them with "\n" between them
	Answer   string // to a client that offers permessage-deflate: the extension that is agreed to; what its offer obliges to is added
	Unasked  bool   // Answer has client_max_window_bits: for a client that has not offered that
	Takeover bool   // the runner's messages refer to earlier ones
	Window   int    // octets back to which the runner's messages refer
	Optional bool   // a server need not agree
}

// An Answer is what a server may do about an Opening.
type Answer struct {
	Verdict Verdict
	Kind    AnswerKind
	Lowest  int    // Refuses: the statuses that fit, both included
	Highest int    //
	Header  string // Refuses: "Name: element", which the response must have
	Why     string // as that of Outcome
}

// An AnswerKind is a kind of Answer.
type AnswerKind byte

// The kinds of Answer.
const (
	Accepts AnswerKind = iota // the response is a good 101
	Refuses                   // it is another one, and TCP may be closed or not
	Twice                     // it is another one, and a second response follows
	Drops                     // TCP is closed without a response
	Waits                     // nothing comes in time
)
