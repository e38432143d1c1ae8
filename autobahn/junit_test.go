package autobahn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJUnit(t *testing.T) {
	r := aReport()
	good := result("b", "1.1.1", OK, OK)
	good.Case.Title = "Text"
	r.Add(good)
	info := result("b", "7.1.6", Informational, Informational)
	info.Reason, info.ReasonClose, info.Started = "it closes", "it closes", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r.Add(info)
	var b bytes.Buffer
	require.NoError(t, r.JUnit(&b))
	untitled := b.String() // the titles of sections are the tables' affair
	for _, id := range []string{"1", "2", "6", "7", "10", "12"} {
		var title strings.Builder
		require.NoError(t, xml.EscapeText(&title, []byte(" "+sectionTitle(id))))
		require.Contains(t, untitled, "."+id+title.String())
		untitled = strings.Replace(untitled, "."+id+title.String(), "."+id+" (title)", 1)
	}
	golden(t, "junit.xml", []byte(untitled))

	var back junitSuites
	require.NoError(t, xml.Unmarshal(b.Bytes(), &back))
	assert.Equal(t, []int{6, 3, 1}, []int{back.Tests, back.Failures, back.Skipped})
	assert.Equal(t, "6.025", back.Time)
	var names []string
	for _, s := range back.Suites {
		names = append(names, s.Name)
		n := [3]int{}
		for _, c := range s.Cases {
			n[0]++
			if c.Failure != nil {
				n[1]++
			}
			if c.Skipped != nil {
				n[2]++
			}
		}
		assert.Equal(t, n, [3]int{s.Tests, s.Failures, s.Skipped})
	}
	inXML := strings.NewReplacer("\x00", "\uFFFD", "\x1b", "\uFFFD").Replace(hostile)
	assert.Equal(t, []string{inXML, "Fäst Server/2", "b"}, names)
	bad := back.Suites[0].Cases[0]
	assert.Equal(t, "2.1 "+inXML, bad.Name)
	assert.Equal(t, "UNCLEAN", bad.Failure.Type, "the verdict that is at fault")
	assert.Equal(t, "OK / UNCLEAN: "+inXML, bad.Failure.Message)
	assert.Equal(t, "permessage-deflate was not agreed", back.Suites[0].Cases[1].Skipped.Message)
	assert.Equal(t, "INFORMATIONAL / INFORMATIONAL: it closes", back.Suites[2].Cases[1].Out)
	assert.Empty(t, back.Suites[2].Cases[0].Out)
	assert.Contains(t, bad.Failure.Text, "close:    UNCLEAN, "+inXML, "a section that ends inside")
}

func TestJUnitError(t *testing.T) {
	broken := errors.New("broken")
	assert.ErrorIs(t, aReport().JUnit(failingWriter{broken}), broken)
	assert.ErrorIs(t, WriteExpect(failingWriter{broken}, aReport()), broken)
	var b bytes.Buffer
	require.NoError(t, (&Report{}).JUnit(iotest.TruncateWriter(&b, 1<<20)))
	assert.NoError(t, xml.Unmarshal(b.Bytes(), new(junitSuites)))
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// What a developer reads in the test view, before the report.
func TestJUnitText(t *testing.T) {
	r := fullResult()
	r.Received = append(r.Received[:2:2], make([]Event, maxPageEvents)...)
	text := junitText(r)
	assert.Contains(t, text, "behavior: NON-STRICT, late\nclose:    UNCLEAN, no closing handshake\nexpected: Fail it: ≤ 1 s\nsection:  8.1\n"+
		"agent's close: 1007 invalid frame payload data, \"not \\\"UTF-8\\\" 😀\"\nreceived: text message of 11 octets \"κόσμε\\n\"\nreceived: binary message of 2 octets \"0xff00\"\n")
	assert.True(t, strings.HasSuffix(text, "and 2 events more\n"))
	assert.Equal(t, "timeout A", eventText(Event{Kind: Timeout, Tag: "A"}))
	assert.Equal(t, `pong of 1 octets "a"`, eventText(Event{Kind: Pong, Payload: Payload{Unit: []byte("a"), Len: 1}}))
	assert.Equal(t, "none", closeText(nil))
	assert.Equal(t, "without a code", closeText(&CloseFrame{}))
	assert.Equal(t, "4000", closeText(&CloseFrame{HasCode: true, Code: 4000}))
}

// Every character is either good in XML or replaced.
func TestJUnitCharacters(t *testing.T) {
	var all strings.Builder
	for r := range rune(0x11000) {
		all.WriteRune(r)
	}
	r := result("a", "1.1", Failed, Failed)
	r.Reason, r.Case.Title = all.String()+"\xff\U0010FFFF", all.String()
	report := &Report{}
	report.Add(r)
	var b bytes.Buffer
	require.NoError(t, report.JUnit(&b))
	assert.NoError(t, xml.Unmarshal(b.Bytes(), new(junitSuites)))
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		behavior, end Verdict
		want          string
	}{{OK, Unclean, "b"}, {Failed, OK, "a"}, {Failed, Unclean, "a; close: b"}} {
		r := result("", "1", c.behavior, c.end)
		r.Reason, r.ReasonClose = "a", "b"
		assert.Equal(t, c.want, reasons(r))
	}
}
