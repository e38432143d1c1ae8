package autobahn

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/idlewire/idlewire/frame"
)

// hostile is a name and a payload that would be something in HTML, in a script, in XML, in a path or on a terminal, if it got there as it is.
const hostile = "</script><script>alert(1)</script><!-- ]]> ../../\x00\x1b[2J\u202e\"'&"

// aReport has one result in which every field says something, one whose connection never opened, one of a hostile agent and one that was skipped.
func aReport() *Report {
	r := &Report{}
	r.Add(fullResult())
	r.Add(&Result{
		Case: &Case{ID: "10.1.1", Number: 301, Title: "A text in many frames", Expects: "Echo it"}, Agent: "Fäst Server/2", Number: 301,
		Started: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), Behavior: Failed, BehaviorClose: Failed, Reason: "no connection", ReasonClose: "no connection", OpenHandshakeTimeout: true,
	})
	bad := fullResult()
	bad.Agent, bad.Behavior, bad.Reason, bad.ReasonClose = hostile, OK, hostile, hostile
	bad.Case = &Case{ID: "2.1", Number: 17, Title: hostile, Expects: hostile, RFC: hostile}
	bad.Received = []Event{{Kind: Message, Payload: Payload{Unit: []byte(hostile), Len: len(hostile)}}}
	bad.RemoteClose = &CloseFrame{HasCode: true, Code: 4000, Reason: []byte(hostile)}
	bad.HTTPRequest = hostile
	bad.Log = []LogEntry{{Kind: FrameIn, Len: len(hostile), Data: []byte(hostile), Opcode: frame.Text}, {Kind: WaitEnd, Tag: hostile}}
	r.Add(bad)
	r.Add(&Result{
		Case: &Case{ID: "12.1.1", Number: 302, Title: "Compressed", Expects: "Echo", ShowDuration: true, ShowRatio: true}, Agent: hostile, Number: 302,
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Behavior: Unimplemented, BehaviorClose: OK, Reason: "permessage-deflate was not agreed", Opened: true,
	})
	return r
}

func fullResult() *Result {
	return &Result{
		Case: &Case{
			ID: "6.4.1", Number: 74, RFC: "8.1", Title: "Text that \"is\" no UTF-8", Expects: "Fail it: ≤ 1 s",
			Expect: []Expectation{
				{OK, []Event{{Kind: Timeout, Tag: "A"}}},
				{NonStrict, []Event{{Kind: Timeout, Tag: "A"}, {Kind: Message, Binary: true, Payload: Payload{Unit: []byte{0xFE}, Len: 1 << 24}}}},
			},
			Close:            CloseExpectation{ByPeer: true, Codes: []frame.CloseCode{1007, 1002}, Clean: false},
			InitiatorMatters: true, ShowDuration: true, ShowRatio: true,
		},
		Agent: "Fäst Server/2", Number: 3, IsServer: true,
		Started: time.Date(2026, 1, 2, 4, 4, 5, 6_700_000, time.FixedZone("", 3600)), Duration: 2012*time.Millisecond + 600*time.Microsecond,
		Behavior: NonStrict, BehaviorClose: Unclean, Reason: "late", ReasonClose: "no closing handshake", Opened: true,
		Received: []Event{
			{Kind: Message, Payload: Payload{Unit: []byte("κόσμε\n"), Len: 11}},
			{Kind: Message, Binary: true, Payload: Payload{Unit: []byte{0xFF, 0x00}, Len: 2}},
			{Kind: Pong, Payload: Payload{Unit: []byte("*"), Len: 61}},
			{Kind: Pong},
			{Kind: Timeout, Tag: "B"},
		},
		ClosedByMe: true, FailedByMe: true, DroppedByMe: true, WasClean: true, WasNotCleanReason: "TCP was dropped",
		ServerDropTimeout: true, OpenHandshakeTimeout: true, CloseHandshakeTimeout: true,
		LocalClose: &CloseFrame{HasCode: true, Code: 1000}, RemoteClose: &CloseFrame{HasCode: true, Code: 1007, Reason: []byte("not \"UTF-8\" \U0001F600")},
		HTTPRequest: "GET / HTTP/1.1\r\nHost: h:1\r\n\r\n", HTTPResponse: "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		RxOctets: map[int]int{293: 1, 29: 2}, TxOctets: map[int]int{4: 1, 13: 3, 206: 1},
		RxFrames: map[frame.Opcode]int{frame.Close: 1, frame.Pong: 2}, TxFrames: map[frame.Opcode]int{frame.Text: 1, frame.Continuation: 2},
		Traffic: &Traffic{
			Outgoing:        Volume{WireLevel: 19220, WebSocketLevel: 17218, AppLevel: 256000, Frames: 1000, Messages: 1000},
			Incoming:        Volume{WireLevel: 10, WebSocketLevel: 8, AppLevel: 8, Frames: 2, Messages: 1},
			PreopenOutgoing: 252, PreopenIncoming: 294,
		},
		Log: []LogEntry{
			{Kind: OctetsIn, Len: 293, Data: []byte("GET /runCase?case=3&agent=F%C3%A4st HTTP/1.1\r\nHost: 127.0.0.1:90")},
			{Kind: OctetsOut, Len: 3, Data: []byte{1, 0xCE, 0xBA}, Sync: true, At: time.Millisecond},
			{Kind: LogSwitch, On: false},
			{Kind: LogSwitch, On: true},
			{Kind: FrameOut, Len: 11, Data: []byte("κόσμε\n"), Opcode: frame.Text, Rsv: frame.Rsv1 | frame.Rsv3, Masked: true, Mask: [4]byte{0x37, 0xFA, 0x21, 0x3D}, Chop: 1, Sync: true},
			{Kind: FrameOut, Opcode: frame.Continuation, Fin: true},
			{Kind: FrameIn, Len: 65, Data: []byte("012345678901234567890123456789012345678901234567890123456789123€")[:64], Opcode: frame.Binary, Fin: true, Masked: true},
			{Kind: FrameIn, Len: 2, Data: []byte{3, 0xEF}, Opcode: frame.Close, Fin: true},
			{Kind: WaitBegin, For: time.Second, Tag: "A"},
			{Kind: WaitEnd, Tag: "A"},
			{Kind: FailSet, For: 500 * time.Millisecond},
			{Kind: FailFired},
			{Kind: CloseSet, For: 100 * time.Second},
			{Kind: CloseFired},
		},
	}
}

func result(agent, id string, behavior, end Verdict) *Result {
	return &Result{Case: &Case{ID: id}, Agent: agent, Behavior: behavior, BehaviorClose: end, Duration: time.Second}
}

func TestReportOrder(t *testing.T) {
	r := &Report{}
	for _, id := range []string{"10.1.1", "2.10", "9.1.1", "2.9", "1.1.1"} {
		r.Add(result("b", id, OK, OK))
	}
	r.Add(result("a", "1.1.1", Failed, OK))
	last := result("a", "1.1.1", OK, OK)
	r.Add(last)
	assert.Equal(t, []string{"a", "b"}, r.Agents())
	var ids []string
	for _, result := range r.Results("b") {
		ids = append(ids, result.Case.ID)
	}
	assert.Equal(t, []string{"1.1.1", "2.9", "2.10", "9.1.1", "10.1.1"}, ids)
	assert.Same(t, last, r.Get("a", "1.1.1"), "the later result stands")
	assert.Nil(t, r.Get("a", "2.9"))
	assert.Nil(t, r.Get("c", "2.9"))
	assert.Empty(t, r.Results("c"))
}

func TestReportGood(t *testing.T) {
	r := &Report{}
	assert.False(t, r.Good(), "nothing is not good")
	r.Add(result("a", "1", OK, OK))
	r.Add(result("a", "2", Informational, Informational))
	r.Add(result("b", "3", Unimplemented, OK))
	r.Add(result("b", "4", NonStrict, OK))
	assert.True(t, r.Good())
	r.Add(result("b", "5", OK, Unclean))
	assert.False(t, r.Good())
}

func TestReportSummary(t *testing.T) {
	r := &Report{}
	r.Add(result("a", "10.1.1", OK, OK))
	r.Add(result("a", "6.4.1", NonStrict, OK))
	r.Add(result("a", "6.4.2", OK, WrongCode))
	r.Add(result("a", "6.4.3", OK, OK))
	r.Add(result("a", "99.1", Failed, Failed))
	sections, total := r.Summary("a")
	assert.Len(t, sections, 3)
	six := Tally{Section: "6", Title: sectionTitle("6"), Cases: 3, Good: 2, Duration: 3 * time.Second,
		Behavior: map[Verdict]int{OK: 2, NonStrict: 1}, BehaviorClose: map[Verdict]int{OK: 2, WrongCode: 1}}
	assert.Equal(t, six, sections[0])
	assert.Equal(t, "10", sections[1].Section)
	assert.Equal(t, "Section 99", sections[2].Title)
	assert.Equal(t, Tally{Title: "all sections", Cases: 5, Good: 3, Duration: 5 * time.Second,
		Behavior: map[Verdict]int{OK: 3, NonStrict: 1, Failed: 1}, BehaviorClose: map[Verdict]int{OK: 3, WrongCode: 1, Failed: 1}}, total)
	sections, total = r.Summary("nobody")
	assert.Empty(t, sections)
	assert.Zero(t, total.Cases)
}

// The race detector looks on.
func TestReportConcurrent(t *testing.T) {
	r := aReport()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 10 {
				r.Add(result("agent"+strconv.Itoa(i), strconv.Itoa(n)+".1", OK, OK))
				r.Good()
				for _, agent := range r.Agents() {
					r.Summary(agent)
					r.Get(agent, "1.1")
				}
			}
			assert.NoError(t, r.Write(dir))
		})
	}
	wg.Wait()
	assert.Len(t, r.Agents(), 6)
}

// The sections past the original's have titles too.
func TestReportNamesSections(t *testing.T) {
	for _, s := range append(Sections(), ExtraSections()...) {
		assert.Equal(t, s.Title, sectionTitle(s.ID))
		assert.NotContains(t, s.Title, "Section")
	}
	assert.Equal(t, "Section 99", sectionTitle("99"))
}
