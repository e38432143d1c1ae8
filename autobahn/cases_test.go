package autobahn

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// Every field of every case is what the original suite does.
func TestCasesJSON(t *testing.T) {
	facts, err := readJSONCases()
	require.NoError(t, err)
	cases := Cases()
	require.Equal(t, 517, len(facts))
	require.Equal(t, 517, len(cases))
	for i := range facts {
		want, err := facts[i].asCase()
		require.NoError(t, err, facts[i].ID)
		for field, values := range differences(want, digested(cases[i])) {
			t.Errorf("%s: %s differs\nfacts %+v\ntable %+v", facts[i].ID, field, values[0], values[1])
		}
		assert.Equal(t, facts[i].Outcomes, outcomes(cases[i]), facts[i].ID)
	}
}

// differences returns the fields that are not equal, and their values.
func differences(a, b *Case) map[string][2]any {
	d := map[string][2]any{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Case]()) {
		x, y := reflect.ValueOf(a).Elem().FieldByIndex(f.Index).Interface(), reflect.ValueOf(b).Elem().FieldByIndex(f.Index).Interface()
		if !reflect.DeepEqual(x, y) {
			d[f.Name] = [2]any{x, y}
		}
	}
	return d
}

// digested is c as asCase makes it.
func digested(c *Case) *Case {
	d := *c
	d.RFC, d.Title, d.Expects = "", "", ""
	d.Steps = slices.Clone(c.Steps)
	for i := range d.Steps {
		if s := &d.Steps[i]; s.Do != SendHeader && s.Do != Wait || !reflect.ValueOf(s.Payload).IsZero() {
			s.Payload = hashed(s.Payload)
		}
	}
	d.Expect = slices.Clone(c.Expect)
	for i := range d.Expect {
		events := slices.Clone(d.Expect[i].Events)
		for j := range events {
			if e := &events[j]; e.Kind != Timeout || !reflect.ValueOf(e.Payload).IsZero() {
				e.Payload = hashed(e.Payload)
			}
		}
		d.Expect[i].Events = events
	}
	return &d
}

// outcomes is the verdicts that a case can end with.
func outcomes(c *Case) (o jsonOutcomes) {
	if c.Informational {
		return jsonOutcomes{[]Verdict{Informational}, []Verdict{Informational}}
	}
	o.Behavior, o.Close = []Verdict{OK}, []Verdict{OK, Failed}
	for _, e := range c.Expect {
		if e.Verdict != OK {
			o.Behavior = append(o.Behavior, e.Verdict)
		}
	}
	o.Behavior = append(o.Behavior, Failed)
	if c.Compression != nil {
		o.Behavior = append(o.Behavior, Unimplemented)
	}
	if c.Close.Clean {
		o.Close = append(o.Close, Unclean)
	}
	o.Close = append(o.Close, WrongCode, FailedByClient)
	return o
}

// A comparison is worth what it can see: each of these rows is spoiled in one field, and each time it shows.
func TestCasesJSONSeesEveryField(t *testing.T) {
	facts, err := readJSONCases()
	require.NoError(t, err)
	for _, m := range []struct {
		id, name string
		spoil    func(c *Case)
	}{
		{"1.1.1", "ID", func(c *Case) { c.ID = "1.1.2" }},
		{"1.1.1", "Number", func(c *Case) { c.Number++ }},
		{"1.1.1", "no step", func(c *Case) { c.Steps = nil }},
		{"1.1.1", "step twice", func(c *Case) { c.Steps = append(c.Steps, c.Steps[0]) }},
		{"1.1.1", "Do", func(c *Case) { c.Steps[0].Do = SendMessage }},
		{"1.1.1", "Opcode", func(c *Case) { c.Steps[0].Opcode = frame.Binary }},
		{"1.1.1", "More", func(c *Case) { c.Steps[0].More = true }},
		{"3.1", "Rsv", func(c *Case) { c.Steps[0].Rsv = frame.Rsv1 }},
		{"1.1.7", "Payload.Len", func(c *Case) { c.Steps[0].Payload.Len-- }},
		{"9.1.6", "Payload.Unit", func(c *Case) { c.Steps[0].Payload.Unit = []byte("BAsd7&jh24") }},
		{"1.1.8", "Chop", func(c *Case) { c.Steps[0].Chop = 996 }},
		{"3.3", "PerFrame", func(c *Case) { c.Steps[1].PerFrame = false }},
		{"6.2.3", "Fragment", func(c *Case) { c.Steps[0].Fragment = 2 }},
		{"6.4.3", "Announce", func(c *Case) { c.Steps[0].Announce++ }},
		{"6.4.3", "payload of a header", func(c *Case) { c.Steps[0].Payload = octets("x") }},
		{"6.4.1", "Wait", func(c *Case) { c.Steps[1].Wait += time.Millisecond }},
		{"6.4.1", "Tag", func(c *Case) { c.Steps[1].Tag = "B" }},
		{"6.4.1", "IfOpen", func(c *Case) { c.Steps[1].IfOpen = false }},
		{"5.20", "PerFrame of a wait", func(c *Case) { c.Steps[3].PerFrame = true }},
		{"7.3.4", "body of a Close", func(c *Case) { c.Steps[0].Payload.Unit[1]++ }},
		{"6.5.1", "After", func(c *Case) { c.Deadline.After += time.Millisecond }},
		{"2.1", "JustClose", func(c *Case) { c.Deadline.JustClose = false }},
		{"3.2", "Verdict", func(c *Case) { c.Expect[1].Verdict = OK }},
		{"3.2", "an expectation less", func(c *Case) { c.Expect = c.Expect[:1] }},
		{"5.6", "order of events", func(c *Case) { slices.Reverse(c.Expect[0].Events) }},
		{"2.1", "Kind", func(c *Case) { c.Expect[0].Events[0].Kind = Message }},
		{"1.2.2", "Binary", func(c *Case) { c.Expect[0].Events[0].Binary = false }},
		{"1.2.2", "payload of an event", func(c *Case) { c.Expect[0].Events[0].Payload.Unit = []byte("\xff") }},
		{"6.4.1", "tag of an event", func(c *Case) { c.Expect[0].Events[0].Tag = "B" }},
		{"3.1", "ByPeer", func(c *Case) { c.Close.ByPeer = false }},
		{"7.7.2", "Codes", func(c *Case) { c.Close.Codes = c.Close.Codes[:1] }},
		{"1.1.1", "Clean", func(c *Case) { c.Close.Clean = false }},
		{"1.1.1", "OnMatch", func(c *Case) { c.Close.OnMatch = false }},
		{"9.1.1", "RoundTrips", func(c *Case) { c.RoundTrips = 0 }},
		{"9.7.1", "RoundTrips", func(c *Case) { c.RoundTrips = 999 }},
		{"12.1.1", "no compression", func(c *Case) { c.Compression = nil }},
		{"12.1.1", "Corpus", func(c *Case) { c.Compression.Corpus = "html" }},
		{"12.2.1", "Binary of the corpus", func(c *Case) { c.Compression.Binary = false }},
		{"13.1.2", "MessageLen", func(c *Case) { c.Compression.MessageLen++ }},
		{"13.1.2", "Count", func(c *Case) { c.Compression.Count++ }},
		{"13.1.18", "Fragment", func(c *Case) { c.Compression.Fragment = 0 }},
		{"13.7.1", "Profile", func(c *Case) { c.Compression.Profile = "13.6" }},
		{"10.1.1", "CountFrames", func(c *Case) { c.CountFrames = nil }},
		{"7.1.6", "Informational", func(c *Case) { c.Informational = false }},
		{"7.1.1", "WrongCodeFails", func(c *Case) { c.WrongCodeFails = false }},
		{"6.3.1", "InitiatorMatters", func(c *Case) { c.InitiatorMatters = false }},
		{"9.1.1", "ShowDuration", func(c *Case) { c.ShowDuration = false }},
		{"12.1.1", "ShowRatio", func(c *Case) { c.ShowRatio = false }},
	} {
		t.Run(m.id+" "+m.name, func(t *testing.T) {
			i := slices.IndexFunc(Cases(), func(c *Case) bool { return c.ID == m.id })
			c := copyCase(Cases()[i])
			want, err := facts[i].asCase()
			require.NoError(t, err)
			require.Empty(t, differences(want, digested(c)))
			m.spoil(c)
			assert.Len(t, differences(want, digested(c)), 1, "the one that was spoiled")
		})
	}
}

// copyCase copies all that TestCasesJSONSeesEveryField spoils.
func copyCase(c *Case) *Case {
	d := *c
	d.Steps = slices.Clone(c.Steps)
	for i := range d.Steps {
		d.Steps[i].Payload.Unit = slices.Clone(d.Steps[i].Payload.Unit)
	}
	d.Expect = slices.Clone(c.Expect)
	for i := range d.Expect {
		d.Expect[i].Events = slices.Clone(d.Expect[i].Events)
	}
	if c.Compression != nil {
		k := *c.Compression
		d.Compression = &k
	}
	return &d
}

// The words of a row are ours, and are there: one line each, and no two cases are called the same.
func TestCasesWords(t *testing.T) {
	number := regexp.MustCompile(`^[1-9]\d*(\.[1-9]\d*)+$`)
	titles, used := map[string]string{}, map[string]bool{}
	for _, c := range Cases() {
		for _, s := range []string{c.Title, c.Expects} {
			assert.NotEmpty(t, s, c.ID)
			assert.Regexp(t, `^[A-Z0-9].*[^. ]$`, s, c.ID)
			assert.NotContains(t, s, "<", c.ID) // /getCaseInfo cuts a description there
			assert.LessOrEqual(t, len(s), 140, "%s: %s", c.ID, s)
		}
		assert.Empty(t, titles[c.Title], "%s is called like it", c.ID)
		titles[c.Title] = c.ID

		known, rfc, refs := rfc6455, "6455", strings.Split(c.RFC, ", ")
		if c.Compression != nil {
			known, rfc = rfc7692, "7692"
		}
		for _, r := range refs {
			assert.Regexp(t, number, r, c.ID)
			assert.Contains(t, known, r, c.ID)
			used[rfc+" "+r] = true
		}
		assert.True(t, slices.IsSortedFunc(refs, compareIDs), "%s: %s", c.ID, c.RFC)
	}
	assert.Len(t, used, len(rfc6455)+len(rfc7692), "a section of the RFC that no case is about")
}

// The sections that the suite is about, by their headings.
var (
	rfc6455 = map[string]string{
		"1.4":   "Closing Handshake",
		"5.2":   "Base Framing Protocol",
		"5.4":   "Fragmentation",
		"5.5":   "Control Frames",
		"5.5.1": "Close",
		"5.5.2": "Ping",
		"5.5.3": "Pong",
		"5.6":   "Data Frames",
		"6.1":   "Sending Data",
		"6.2":   "Receiving Data",
		"7.1.1": "Close the WebSocket Connection",
		"7.1.2": "Start the WebSocket Closing Handshake",
		"7.1.5": "The WebSocket Connection Close Code",
		"7.1.6": "The WebSocket Connection Close Reason",
		"7.1.7": "Fail the WebSocket Connection",
		"7.4.1": "Defined Status Codes",
		"7.4.2": "Reserved Status Code Ranges",
		"8.1":   "Handling Errors in UTF-8-Encoded Data",
		"10.4":  "Implementation-Specific Limits",
	}
	rfc7692 = map[string]string{
		"5.1":     "General Negotiation Flow",
		"6.1":     "Compression",
		"6.2":     "Decompression",
		"7.1.1":   "Context Takeover Control",
		"7.1.1.1": "The \"server_no_context_takeover\" Extension Parameter",
		"7.1.1.2": "The \"client_no_context_takeover\" Extension Parameter",
		"7.1.2":   "Limiting the LZ77 Sliding Window Size",
		"7.1.2.1": "The \"server_max_window_bits\" Extension Parameter",
		"7.1.2.2": "The \"client_max_window_bits\" Extension Parameter",
		"7.2.1":   "Compression",
		"7.2.2":   "Decompression",
	}
)

// Sections and Cases are the same cases, and their IDs say where they belong.
func TestSections(t *testing.T) {
	var all, leaves []*Case
	var walk func(s Section)
	walk = func(s Section) {
		assert.NotEmpty(t, s.Title, s.ID)
		for _, c := range s.Cases {
			assert.True(t, strings.HasPrefix(c.ID, s.ID+"."), "%s in %s", c.ID, s.ID)
		}
		if len(s.Parts) == 0 {
			assert.NotEmpty(t, s.Requires, s.ID)
			leaves = append(leaves, s.Cases...)
		}
		for _, p := range s.Parts {
			walk(p)
		}
	}
	for _, s := range Sections() {
		walk(s)
		all = append(all, s.Cases...)
	}
	assert.Equal(t, Cases(), all)
	assert.Equal(t, Cases(), leaves)
	assert.True(t, slices.IsSortedFunc(Cases(), func(a, b *Case) int { return compareIDs(a.ID, b.ID) }))
	assert.Equal(t, cap(Cases()), len(Cases()), "an append of a caller's would write to the table")
}
