package testee

import (
	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
)

// A Role is which end of a connection a Peer is.
type Role byte

// The roles. In Kind.Only the zero Role is both.
const (
	Server Role = iota + 1
	Client
)

func (r Role) String() string {
	switch r {
	case Server:
		return "server"
	case Client:
		return "client"
	}
	return "both"
}

// A Kind is a sort of endpoint.
type Kind struct {
	Name string // unique, lower case with hyphens
	Text string // what it does, or does wrong, in a line
	Only Role   // the role in which it differs from Correct; zero: in both

	// Red are the cases that have to turn red, in the words of Cases; RedServer and RedClient those that do so besides if the Peer is the server or the client.
	// No other case does, but for those of Chance, where the octets that happen to be sent decide.
	Red, RedServer, RedClient, Chance string
	// Opening says that the fault is in the opening handshake.
	Opening bool
	// Compresses says that it agrees to permessage-deflate. Its cases are those of sections 12 and 13: in the others it is as without.
	Compresses bool
	// Unseen says why no case can turn red, if that is so.
	Unseen string

	traits
}

// InRole reports whether k differs from Correct in that role.
func (k *Kind) InRole(r Role) bool { return k.Only == 0 || k.Only == r }

// traits is how a Kind departs from RFC 6455. The zero value does not.
type traits struct {
	tolerates breach // what passes without being noticed

	check                        textCheck                     // how text is validated: when, and what passes
	asText                       bool                          // binary messages are validated as well
	goodCode                     func(code uint16) bool        // which codes a Close may have; nil: those of the RFC
	failCode                     func(b breach) uint16         // nil: those of the RFC
	maxMessage                   uint64                        // octets; 0: MaxMessage
	maxFragment                  int                           // frames of a message; 0: no limit
	gathers                      bool                          // control frames may have continuations
	keepsTCP                     bool                          // TCP is never closed
	neverInflates, neverDeflates bool                          // although it was agreed
	rawText                      bool                          // the octets of a compressed text are validated
	inflating, deflating         func(Role, *deflate.Params)   // changes what was agreed, for one direction
	opening                      func(o *opening)              // changes the request or the response that is sent
	opened                       func(p *Peer)                 // the opening handshake is done
	oneFrame                     bool                          // of a read only the first frame is worked on
	keyPerRead                   bool                          // the masking key begins anew with each read
	header                       func(*Peer, *header) bool     // may change a header before it is checked; false: the frame is read over
	fragment                     func(p *Peer, last bool) bool // a frame of a message is complete, p.message[p.start:]; false: there is nothing more to do about it
	message                      func(p *Peer, op frame.Opcode, payload []byte)
	ping                         func(p *Peer, payload []byte)
	pong                         func(p *Peer, payload []byte)
	closed                       func(p *Peer, body []byte) // a good Close came
	failed                       func(p *Peer, b breach)
	idle                         func(p *Peer)         // a read has been worked off
	write                        func(p *Peer, f *out) // changes a frame before it is put together
}

// Correct is an endpoint without a fault: it echoes, answers pings and Closes, and fails the connection at the first octet that the RFC forbids.
var Correct = &Kind{Name: "correct", Text: "keeps to RFC 6455, strictly"}
