package autobahn

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

// A Result is all that is known of one case with one agent. It is what the reports are made of.
type Result struct {
	Case     *Case
	Agent    string
	Number   int  // the case's number in this run: its place in the full list if the runner is the client, in the selected cases if it is the server
	IsServer bool // the runner was the server, the agent a client

	Started  time.Time
	Duration time.Duration // from open to the loss of TCP

	Behavior, BehaviorClose Verdict
	Reason, ReasonClose     string // why

	Opened   bool    // the opening handshake succeeded
	Received []Event // in order of arrival; none where Case.RoundTrips or Case.Compression judges, but for pongs. Past MaxKept octets, payloads are only their first 64, over and over

	ClosedByMe        bool   // the runner sent the first Close
	FailedByMe        bool   // the runner failed the connection
	DroppedByMe       bool   // the runner closed TCP
	WasClean          bool   // both Close frames were seen, and the server closed TCP
	WasNotCleanReason string // "" if there is none

	ServerDropTimeout     bool // the server did not close TCP in time
	OpenHandshakeTimeout  bool
	CloseHandshakeTimeout bool

	LocalClose, RemoteClose *CloseFrame // nil: none was sent or came

	HTTPRequest, HTTPResponse string // header blocks as they were on the wire; "" if there is none

	RxOctets, TxOctets map[int]int          // sizes of reads and writes, and how many there were
	RxFrames, TxFrames map[frame.Opcode]int // frames by opcode
	Traffic            *Traffic             // of sections 12 and 13 when they are OK
	Log                []LogEntry           // what was on the wire

	// Of the extra cases.
	dataAfterClose bool    // a data frame came behind a Close
	accepted       *Answer // of a server to the case's own opening handshake, which opened the connection
	unimplemented  string  // why the case cannot be played with this peer
	failedFor      string  // why the runner failed the connection first
}

// A CloseFrame is what a Close said.
type CloseFrame struct {
	HasCode bool
	Code    uint16
	Reason  []byte // as it was on the wire; nil if there was none
}

// Traffic counts the data messages of a connection, and the octets that they took. WireLevel is of the frames with their headers,
// WebSocketLevel of their payloads, compressed, AppLevel of the messages, not compressed.
type Traffic struct {
	Outgoing, Incoming               Volume
	PreopenOutgoing, PreopenIncoming int // octets of the opening handshake
}

// A Volume is one direction of Traffic.
type Volume struct {
	WireLevel, WebSocketLevel, AppLevel int
	Frames, Messages                    int
}

// A LogEntry is one thing that happened on a connection. Kind says which fields are used.
type LogEntry struct {
	Kind LogKind
	At   time.Duration // since the connection opened

	// OctetsIn, OctetsOut: as many octets, of which Data is the first 64 (all if there are no more than 60).
	// FrameIn, FrameOut: the length of the payload, and its first octets likewise.
	Len  int
	Data []byte

	Opcode frame.Opcode // frames
	Fin    bool
	Rsv    byte
	Masked bool
	Mask   [4]byte // the masking key in the order of the wire, if Masked
	Chop   int     // FrameOut: octets in a write; 0: whole
	Sync   bool    // FrameOut, OctetsOut: a write of its own

	For time.Duration // WaitBegin, FailSet, CloseSet
	Tag string        // WaitBegin, WaitEnd
	On  bool          // LogSwitch
}

// A LogKind says what a LogEntry is, in the abbreviations of the original's reports.
type LogKind string

const (
	OctetsIn   LogKind = "RO"
	OctetsOut  LogKind = "TO"
	FrameIn    LogKind = "RF"
	FrameOut   LogKind = "TF"
	WaitBegin  LogKind = "CT"
	WaitEnd    LogKind = "CTE"
	FailSet    LogKind = "KL" // a deadline that fails the connection was set
	FailFired  LogKind = "KLE"
	CloseSet   LogKind = "TI" // a deadline that closes the connection was set
	CloseFired LogKind = "TIE"
	LogSwitch  LogKind = "WLM" // the log was switched on or off
)

// Good reports whether the case went well: Behavior is OK, NON-STRICT, INFORMATIONAL or UNIMPLEMENTED, and BehaviorClose is OK or INFORMATIONAL.
func (r *Result) Good() bool {
	return r.Behavior.Good() && (r.BehaviorClose == OK || r.BehaviorClose == Informational)
}
