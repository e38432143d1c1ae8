package autobahn

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// testdata/cases.json is the original suite, measured: what each case sends, when it gives up, and what it makes of the answers. The types below
// are its format, one field for each; asCase turns an entry into the Case that it calls for.

type jsonCase struct {
	ID           string           `json:"id"`
	Number       int              `json:"number_in_full_list"`
	Section      int              `json:"section"`
	Subsection   string           `json:"subsection"`
	Topic        string           `json:"topic"` // words, not compared
	Sends        []jsonStep       `json:"sends"`
	Deadline     jsonDeadline     `json:"deadline"`
	Expect       []jsonExpect     `json:"expect"`
	Close        jsonClose        `json:"close_expect"`
	Outcomes     jsonOutcomes     `json:"outcome_kinds"`
	Report       jsonReport       `json:"report"`
	RoundTrips   *jsonRoundTrips  `json:"round_trips"`
	Compression  *jsonCompression `json:"compression"`
	Rule         string           `json:"rule"`
	TimeoutFails string           `json:"timeout_result"`
	Notes        []string         `json:"notes"`
}

type jsonStep struct {
	Op       string       `json:"op"`
	Fin      *bool        `json:"fin"`
	Rsv      byte         `json:"rsv"`
	Opcode   frame.Opcode `json:"opcode"`
	Payload  *jsonPayload `json:"payload"`
	Write    *jsonWrite   `json:"write"`
	Announce uint64       `json:"announced_len"`

	// close: what the payload is made of
	Code       *uint16 `json:"code"`
	Reason     *string `json:"reason_hex"`
	StateAfter string  `json:"state_after"`

	// message
	Fragment int         `json:"fragment_size"`
	Frames   *jsonFrames `json:"frames"`

	// wait
	Seconds float64 `json:"seconds"`
	Tag     *string `json:"tag"`
	Records bool    `json:"records_timeout_event"`
	IfOpen  bool    `json:"continue_only_if_open"`
}

type jsonPayload struct {
	Len    int     `json:"len"`
	Hex    *string `json:"hex"`
	Repeat *string `json:"repeat_hex"`
	SHA256 *string `json:"sha256"`
	Rule   string  `json:"rule"` // words
}

type jsonWrite struct {
	Mode   string `json:"mode"`
	Octets int    `json:"octets"`
}

type jsonFrames struct {
	Count     int           `json:"count"`
	First     *frame.Opcode `json:"first_opcode"`
	Other     *frame.Opcode `json:"other_opcode"`
	FinAtLast *bool         `json:"fin_only_on_last"`
	LastLen   *int          `json:"last_len"`
}

type jsonDeadline struct {
	Seconds float64 `json:"seconds"`
	Action  string  `json:"action"`
	Armed   string  `json:"armed"`
}

type jsonExpect struct {
	Verdict Verdict     `json:"verdict"`
	Events  []jsonEvent `json:"events"`
}

type jsonEvent struct {
	Event   EventKind    `json:"event"`
	Binary  bool         `json:"binary"`
	Payload *jsonPayload `json:"payload"`
	Tag     string       `json:"tag"`
}

type jsonClose struct {
	Initiator   string            `json:"initiator"`
	Codes       []frame.CloseCode `json:"codes"`
	MayBeAbsent bool              `json:"code_may_be_absent"`
	Clean       bool              `json:"require_clean"`
	OnMatch     bool              `json:"auto_close_on_match"`
	OnMatchCode *frame.CloseCode  `json:"auto_close_code"`
	Fatal       bool              `json:"wrong_initiator_makes_behavior_FAILED"`
}

type jsonOutcomes struct {
	Behavior []Verdict `json:"behavior"`
	Close    []Verdict `json:"behaviorClose"`
}

type jsonReport struct {
	Duration bool `json:"duration_shown"`
	Ratio    bool `json:"compression_ratio_shown"`
}

type jsonRoundTrips struct {
	Count    int          `json:"count"`
	Len      int          `json:"payload_len"`
	Opcode   frame.Opcode `json:"opcode"`
	Repeat   string       `json:"repeat_hex"`
	OneByOne bool         `json:"one_at_a_time"`
}

type jsonCompression struct {
	Corpus     string `json:"corpus"`
	Binary     bool   `json:"binary"`
	MessageLen int    `json:"message_len"`
	Count      int    `json:"count"`
	Fragment   int    `json:"fragment_size"`
	Profile    string `json:"profile"`

	// What the profile stands for; the negotiation has tests of its own.
	Offers [][]string `json:"runner_as_client_offers"`
	Header string     `json:"runner_as_client_header"`
	Accept string     `json:"runner_as_server_accept"`
}

func readJSONCases() ([]jsonCase, error) {
	b, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // so that nothing of the file goes unlooked at
	var cases []jsonCase
	err = d.Decode(&cases)
	return cases, err
}

// The notes that say something which a field of Case says.
const (
	noteWrongCode     = "If the close verdict is WRONG CODE, the behavior verdict becomes FAILED as well and the result text is replaced by the close text."
	noteInformational = "Both verdicts are always INFORMATIONAL, whatever the peer does (even if the connection never opened)."
	noteFirstEcho     = "OK if the first message that arrives has the sent type and length (content is not compared), else FAILED; in both cases the " +
		"runner then sends Close 1000."
	noteRoundTrips = "The next message is sent when the echo of the one before has arrived. Each echo must have the same type and length (content is " +
		"not compared); otherwise FAILED and Close 1000 at once. After the last echo: OK, Close 1000. sends shows the first message only."
	noteFrameCount = "After the connection is lost, the runner also checks its own count of sent frames: one with opcode 1 and fifty with opcode 0; any " +
		"other count gives FAILED."
)

// The notes that explain, and change nothing.
var remarks = []string{
	"The Close follows the pong at once; the 1 s deadline then has no effect because the connection is already closing.",
	"The genuine suite sends a binary frame (opcode 2) here although its description speaks of a ping.",
	"One text frame with FIN=0 announces the whole length; its payload is written in three pieces with waits; an empty continuation " +
		"frame with FIN=1 ends the message. The mask (runner as client) runs on over the three pieces.",
	"Only the free-text result tells whether the small echo or nothing was seen. The expectation lists only the second, small message; " +
		"the echo of the big one is not part of it, so a peer that echoes both matches neither list.",
	"The sent close reason is shown in reports as hexadecimal (42 hex digits).",
	"The octet repeated is 2a; only 9.4.1 uses fe.",
}

// asCase is the Case that j calls for, without RFC, Title and Expects, which are our own words. Payloads are as hashed makes them.
func (j *jsonCase) asCase() (*Case, error) {
	c := &Case{ID: j.ID, Number: j.Number, ShowDuration: j.Report.Duration, ShowRatio: j.Report.Ratio}
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	waits := false
	for i := range j.Sends {
		s, err := j.Sends[i].asStep()
		if err != nil {
			fail("step %d: %w", i, err)
		}
		c.Steps = append(c.Steps, s)
		waits = waits || s.Do == Wait
	}

	c.Deadline = Deadline{After: inSeconds(j.Deadline.Seconds), JustClose: j.Deadline.Action == "close"}
	if a := j.Deadline.Action; a != "close" && a != "fail" {
		fail("action %q", a)
	}
	// When the deadline begins to run is not in Deadline: it follows from the steps.
	armed := "right after the steps were queued"
	switch {
	case j.Compression != nil:
		armed = "when the first message is sent"
	case waits:
		armed = "after the last step"
	}
	if j.Deadline.Armed != armed {
		fail("armed %q", j.Deadline.Armed)
	}

	for _, x := range j.Expect {
		e := Expectation{Verdict: x.Verdict}
		for _, y := range x.Events {
			v := Event{Kind: y.Event, Binary: y.Binary, Tag: y.Tag}
			if y.Payload != nil {
				v.Payload = y.Payload.hashed()
			}
			e.Events = append(e.Events, v)
		}
		c.Expect = append(c.Expect, e)
	}

	x := j.Close
	c.Close = CloseExpectation{ByPeer: x.Initiator == "peer", Codes: x.Codes, Clean: x.Clean, OnMatch: x.OnMatch}
	c.InitiatorMatters = x.Fatal
	if x.Initiator != "peer" && x.Initiator != "runner" || !x.MayBeAbsent || x.OnMatch != (x.OnMatchCode != nil) || x.OnMatch && *x.OnMatchCode != 1000 {
		fail("close_expect %+v", x)
	}

	for _, n := range j.Notes {
		switch {
		case n == noteWrongCode:
			c.WrongCodeFails = true
		case n == noteInformational:
			c.Informational = true
		case n == noteFirstEcho:
			c.RoundTrips = 1
		case n == noteRoundTrips:
			c.RoundTrips = 1000
		case n == noteFrameCount:
			c.CountFrames = map[frame.Opcode]int{1: 1, 0: 50}
		case !slices.Contains(remarks, n):
			fail("a note that nobody knows: %q", n)
		}
	}
	if r := j.RoundTrips; (r != nil) != (c.RoundTrips > 1) {
		fail("round_trips without their note, or the note without them")
	} else if r != nil {
		c.RoundTrips = r.Count
		want := jsonRoundTrips{Count: r.Count, Len: c.Steps[0].Payload.Len, Opcode: c.Steps[0].Opcode, Repeat: r.Repeat, OneByOne: true}
		unit, err := hex.DecodeString(r.Repeat)
		if err != nil || *r != want || !sameHash(hashed(Payload{Unit: unit, Len: r.Len}), c.Steps[0].Payload) {
			fail("round_trips %+v", *r)
		}
	}
	if k := j.Compression; k != nil {
		c.Compression = &Compression{Corpus: k.Corpus, Binary: k.Binary, MessageLen: k.MessageLen, Count: k.Count, Fragment: k.Fragment, Profile: k.Profile}
	}
	ruled := c.RoundTrips > 0 || c.Compression != nil
	if (j.TimeoutFails != "") != ruled || (j.Rule != "") != (c.Compression != nil) {
		fail("rule %q, timeout_result %q", j.Rule, j.TimeoutFails)
	}
	if !strings.HasPrefix(j.ID, j.Subsection+".") || !strings.HasPrefix(j.Subsection+".", fmt.Sprint(j.Section, ".")) {
		fail("section %d, subsection %q", j.Section, j.Subsection)
	}
	return c, errors.Join(errs...)
}

func (j *jsonStep) asStep() (Step, error) {
	s := Step{Opcode: j.Opcode, Rsv: j.Rsv, More: j.Fin != nil && !*j.Fin, Announce: j.Announce, Fragment: j.Fragment}
	if j.Payload != nil {
		s.Payload = j.Payload.hashed()
	}
	var err error
	switch j.Op {
	case "frame":
		s.Do = SendFrame
	case "message":
		s.Do, err = SendMessage, j.checkFrames()
	case "close":
		s.Do, err = SendClose, j.checkClose()
	case "frame_header":
		s.Do = SendHeader
	case "frame_payload_part":
		s.Do = SendPart
	case "wait":
		s = Step{Do: Wait, Wait: inSeconds(j.Seconds), IfOpen: j.IfOpen}
		if j.Records {
			s.Tag = *j.Tag
		}
		if j.Records != (j.Tag != nil) || j.Write != nil {
			err = fmt.Errorf("wait %+v", j)
		}
		return s, err
	default:
		err = fmt.Errorf("op %q", j.Op)
	}
	switch w := j.Write; {
	case w.Mode == "plain" && w.Octets == 0:
	case w.Mode == "per_frame" && w.Octets == 0:
		s.PerFrame = true
	case w.Mode == "chop" && w.Octets > 0:
		s.Chop = w.Octets
	default:
		err = errors.Join(err, fmt.Errorf("write %+v", *w))
	}
	return s, err
}

// checkClose checks that the payload is what code and reason say.
func (j *jsonStep) checkClose() error {
	var body []byte
	if j.Code != nil {
		body = binary.BigEndian.AppendUint16(body, *j.Code)
	}
	if j.Reason != nil {
		reason, err := hex.DecodeString(*j.Reason)
		if err != nil {
			return err
		}
		body = append(body, reason...)
	}
	if !*j.Fin || j.Rsv != 0 || j.Opcode != frame.Close || j.StateAfter != "closing" || !sameHash(hashed(octets(string(body))), j.Payload.hashed()) {
		return fmt.Errorf("close %+v", *j)
	}
	return nil
}

// checkFrames checks that the frames are those that Step.Fragment stands for.
func (j *jsonStep) checkFrames() error {
	want := jsonFrames{Count: 1}
	if j.Fragment > 0 {
		if j.Payload.Len <= j.Fragment {
			return errors.New("fragments longer than the message")
		}
		// Full fragments, then one with the rest, which may be nothing.
		count, last := j.Payload.Len/j.Fragment+1, j.Payload.Len%j.Fragment
		other, yes := frame.Continuation, true
		want = jsonFrames{Count: count, First: &j.Opcode, Other: &other, FinAtLast: &yes, LastLen: &last}
	}
	a, err := json.Marshal(want)
	b, err2 := json.Marshal(j.Frames)
	if err != nil || err2 != nil || !bytes.Equal(a, b) {
		return fmt.Errorf("frames are %s, %s expected", b, a)
	}
	return nil
}

func inSeconds(s float64) time.Duration {
	return time.Duration(math.Round(s*1000)) * time.Millisecond
}

// hashed is p with its SHA-256 in place of Unit, so that what is long can be compared.
func hashed(p Payload) Payload {
	h := sha256.New()
	if len(p.Unit) > 0 {
		block := bytes.Repeat(p.Unit, 1+(64<<10)/len(p.Unit))
		for n := p.Len; n > 0; n -= len(block) {
			h.Write(block[:min(n, len(block))])
		}
	}
	return Payload{Unit: h.Sum(nil), Len: p.Len}
}

// hashed is the same of the payload that j describes.
func (j *jsonPayload) hashed() Payload {
	var p Payload
	var err error
	switch {
	case j.Hex != nil && j.Repeat == nil:
		p.Unit, err = hex.DecodeString(*j.Hex)
		p.Len = len(p.Unit)
	case j.Repeat != nil && j.Hex == nil && j.SHA256 != nil:
		p.Unit, err = hex.DecodeString(*j.Repeat)
		p.Len = j.Len
	default:
		err = errors.New("neither hex nor repeat_hex")
	}
	d := hashed(p)
	if err != nil || p.Len != j.Len || j.SHA256 != nil && hex.EncodeToString(d.Unit) != *j.SHA256 {
		panic(fmt.Sprint("cases.json: bad payload of ", j.Len, " octets: ", err))
	}
	return d
}

func sameHash(p, q Payload) bool { return p.Len == q.Len && bytes.Equal(p.Unit, q.Unit) }
