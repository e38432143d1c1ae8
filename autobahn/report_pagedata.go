package autobahn

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// maxPageRows bounds the rows of a wire log that the page has: the first ones, and the last pageTailRows. The JSON files have all.
const (
	maxPageRows  = 500
	pageTailRows = 100

	maxPageBlock  = 4 << 10 // octets of a handshake's header block, likewise
	maxPageEvents = 100     // of a list, likewise
	maxPageSizes  = 100     // of reads or writes in the statistics, likewise
)

type pageData struct {
	Generated string            `json:"generated"`
	Agents    []pageAgent       `json:"agents"`
	Sections  []pageSection     `json:"sections"`
	Cases     []pageCase        `json:"cases"` // in order
	Codes     map[string]string `json:"codes"` // names of close codes
}

type pageAgent struct {
	Name    string        `json:"name"`
	Server  bool          `json:"server"`  // what the agent is; the runner is the other
	Results []*pageResult `json:"results"` // one for each case; null: it did not run
}

type pageSection struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Requires string        `json:"requires"` // what the RFC says
	Parts    []pageSection `json:"parts"`
}

type pageCase struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Expects string       `json:"expects"`
	RFC     string       `json:"rfc"`
	Time    bool         `json:"time"`
	Ratio   bool         `json:"ratio"`
	Want    []pageExpect `json:"want"`
	ByPeer  bool         `json:"byPeer"`
	Codes   []int        `json:"codes"`
	Clean   bool         `json:"clean"`
}

type pageExpect struct {
	Verdict Verdict       `json:"verdict"`
	Events  pageEventList `json:"events"`
}

// A pageResult is what the table shows of a result.
type pageResult struct {
	Behavior Verdict `json:"b"`
	Close    Verdict `json:"c"`
	Good     bool    `json:"good"`
	Millis   float64 `json:"ms"`
	Code     any     `json:"code"` // of the peer's Close, or null
	Reason   string  `json:"why"`
	Ratio    any     `json:"ratio,omitempty"` // compressed to plain octets that the agent sent
}

// A pageDetail is what the page shows of a result when it is opened.
type pageDetail struct {
	File        string        `json:"file"`
	Number      int           `json:"number"`
	Started     string        `json:"started"`
	Opened      bool          `json:"opened"`
	CloseReason string        `json:"closeWhy"`
	Received    pageEventList `json:"received"`
	ClosedByMe  bool          `json:"closedByMe"`
	FailedByMe  bool          `json:"failedByMe"`
	DroppedByMe bool          `json:"droppedByMe"`
	WasClean    bool          `json:"clean"`
	NotClean    string        `json:"notClean"`
	Timeouts    []string      `json:"timeouts"`
	Local       *pageClose    `json:"local"`
	Remote      *pageClose    `json:"remote"`
	Request     string        `json:"request"`
	Response    string        `json:"response"`
	RxFrames    map[int]int   `json:"rxFrames"`
	TxFrames    map[int]int   `json:"txFrames"`
	RxOctets    map[int]int   `json:"rxOctets"` // count by size
	TxOctets    map[int]int   `json:"txOctets"`
	RxMore      int           `json:"rxMore"` // sizes left out
	TxMore      int           `json:"txMore"`
	Traffic     any           `json:"traffic"`
	Log         [][]any       `json:"log"`
	Skipped     int           `json:"skipped"` // rows left out in the middle
	At          int           `json:"at"`      // and where
}

type pageEventList struct {
	List []pageEvent `json:"list"`
	More int         `json:"more"` // left out
}

// A pageEvent has the octets of a payload in hexadecimal digits, the first of them.
type pageEvent struct {
	Kind   EventKind `json:"kind"`
	Binary bool      `json:"binary"`
	Tag    string    `json:"tag,omitempty"`
	Len    int       `json:"len"`
	Hex    string    `json:"hex"`
}

type pageClose struct {
	Code   any    `json:"code"` // a number or null
	Reason string `json:"hex"`
}

// collect makes the data of the page; of details, one for each agent, the keys are case IDs.
func collect(s []agentResults, now time.Time) (data pageData, details []map[string]pageDetail) {
	data = pageData{Generated: now.UTC().Format(time.RFC3339), Codes: closeCodeNames(), Agents: []pageAgent{}, Sections: []pageSection{}, Cases: []pageCase{}}
	cases := caseUnion(s)
	for _, c := range cases {
		if id, n := sectionOf(c), len(data.Sections); n == 0 || data.Sections[n-1].ID != id {
			data.Sections = append(data.Sections, newPageSection(section(id)))
		}
		data.Cases = append(data.Cases, newPageCase(c))
	}
	for _, a := range s {
		agent, detail := pageAgent{Name: a.name, Results: make([]*pageResult, len(cases))}, make(map[string]pageDetail, len(a.results))
		i := 0
		for _, r := range a.results {
			for cases[i].ID != r.Case.ID {
				i++
			}
			agent.Server = !r.IsServer
			agent.Results[i] = newPageResult(r)
			detail[r.Case.ID] = newPageDetail(r, a.fileOf(r))
		}
		data.Agents, details = append(data.Agents, agent), append(details, detail)
	}
	return data, details
}

func newPageSection(s Section) pageSection {
	p := pageSection{s.ID, s.Title, s.Requires, []pageSection{}}
	for _, part := range s.Parts {
		p.Parts = append(p.Parts, newPageSection(part))
	}
	return p
}

// caseUnion returns the cases that some agent ran, in order.
func caseUnion(s []agentResults) []*Case {
	cases := map[string]*Case{}
	for _, a := range s {
		for _, r := range a.results {
			cases[r.Case.ID] = r.Case
		}
	}
	return slices.SortedFunc(maps.Values(cases), func(a, b *Case) int { return compareIDs(a.ID, b.ID) })
}

func newPageCase(c *Case) pageCase {
	p := pageCase{ID: c.ID, Title: c.Title, Expects: c.Expects, RFC: c.RFC, Time: c.ShowDuration, Ratio: c.ShowRatio,
		ByPeer: c.Close.ByPeer, Clean: c.Close.Clean, Want: []pageExpect{}, Codes: []int{}}
	for _, e := range c.Expect {
		p.Want = append(p.Want, pageExpect{e.Verdict, pageEvents(e.Events)})
	}
	for _, code := range c.Close.Codes {
		p.Codes = append(p.Codes, int(code))
	}
	return p
}

func newPageResult(r *Result) *pageResult {
	p := &pageResult{Behavior: r.Behavior, Close: r.BehaviorClose, Good: r.Good(), Millis: shortMillis(r.Duration), Code: closeCode(r.RemoteClose), Reason: r.Reason}
	if r.Traffic != nil {
		p.Ratio = ratio(r.Traffic.Incoming.WebSocketLevel, r.Traffic.Incoming.AppLevel)
	}
	return p
}

func newPageDetail(r *Result, file string) pageDetail {
	p := pageDetail{File: file, Number: r.Number, Started: r.Started.UTC().Format("2006-01-02T15:04:05.000Z"), Opened: r.Opened, CloseReason: r.ReasonClose,
		Received: pageEvents(r.Received), ClosedByMe: r.ClosedByMe, FailedByMe: r.FailedByMe, DroppedByMe: r.DroppedByMe,
		WasClean: r.WasClean, NotClean: r.WasNotCleanReason, Timeouts: []string{}, Local: newPageClose(r.LocalClose), Remote: newPageClose(r.RemoteClose),
		Request: cutBlock(r.HTTPRequest), Response: cutBlock(r.HTTPResponse),
		RxFrames: byOpcode(r.RxFrames), TxFrames: byOpcode(r.TxFrames), Traffic: trafficStats(r.Traffic)}
	p.RxOctets, p.RxMore = commonSizes(r.RxOctets)
	p.TxOctets, p.TxMore = commonSizes(r.TxOctets)
	for _, t := range []struct {
		was  bool
		name string
	}{{r.OpenHandshakeTimeout, "opening handshake"}, {r.CloseHandshakeTimeout, "closing handshake"}, {r.ServerDropTimeout, "close of TCP by the server"}} {
		if t.was {
			p.Timeouts = append(p.Timeouts, t.name)
		}
	}
	head, tail := r.Log, r.Log[len(r.Log):]
	if len(head) > maxPageRows {
		p.At, p.Skipped = maxPageRows-pageTailRows, len(head)-maxPageRows
		head, tail = head[:p.At], head[p.At+p.Skipped:]
	}
	p.Log = append(pageRows(head), pageRows(tail)...)
	return p
}

func newPageClose(c *CloseFrame) *pageClose {
	if c == nil {
		return nil
	}
	return &pageClose{closeCode(c), hex.EncodeToString(c.Reason)}
}

func pageEvents(list []Event) pageEventList {
	n := min(len(list), maxPageEvents)
	out := pageEventList{make([]pageEvent, n), len(list) - n}
	for i, e := range list[:n] {
		out.List[i] = pageEvent{e.Kind, e.Binary, e.Tag, e.Payload.Len, hex.EncodeToString(e.Payload.head())}
	}
	return out
}

// commonSizes returns the counts of the most frequent sizes, and of how many there are more.
func commonSizes(counts map[int]int) (common map[int]int, more int) {
	if len(counts) <= maxPageSizes {
		return counts, 0
	}
	sizes := slices.SortedFunc(maps.Keys(counts), func(a, b int) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	common = make(map[int]int, maxPageSizes)
	for _, size := range sizes[:maxPageSizes] {
		common[size] = counts[size]
	}
	return common, len(sizes) - maxPageSizes
}

// pageRows are rows of the log for the script: the kind, microseconds since the connection opened, and what page.js says for each kind.
func pageRows(log []LogEntry) [][]any {
	rows := make([][]any, 0, len(log))
	for i := range log {
		e := &log[i]
		row := []any{e.Kind, e.At.Microseconds()}
		switch e.Kind {
		case OctetsIn, OctetsOut:
			row = append(row, e.Len, headHex(e))
		case FrameIn, FrameOut:
			row = append(row, e.Len, headHex(e), int(e.Opcode), e.Fin, int(e.Rsv), maskHex(e), e.Chop)
		case WaitBegin:
			row = append(row, shortMillis(e.For), e.Tag)
		case WaitEnd:
			row = append(row, e.Tag)
		case FailSet, CloseSet:
			row = append(row, shortMillis(e.For))
		case LogSwitch:
			row = append(row, e.On)
		}
		rows = append(rows, row)
	}
	return rows
}

func headHex(e *LogEntry) string {
	head, _ := cutOctets(e.Data, e.Len)
	return hex.EncodeToString(head)
}

func cutBlock(s string) string {
	if len(s) <= maxPageBlock {
		return s
	}
	return s[:maxPageBlock] + fmt.Sprintf(" ... (%d octets more)", len(s)-maxPageBlock)
}

// shortMillis is milliseconds with what is behind the point while that says something.
func shortMillis(d time.Duration) float64 {
	if d < 10*time.Millisecond {
		return math.Round(d.Seconds()*1e5) / 100
	}
	return float64(d.Round(time.Millisecond).Milliseconds())
}

func closeCodeNames() map[string]string {
	names := map[string]string{}
	for code := frame.CloseCode(0); code < 5000; code++ {
		if number, name, ok := strings.Cut(code.String(), " "); ok {
			names[number] = name
		}
	}
	return names
}
