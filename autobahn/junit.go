package autobahn

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// JUnit writes the report as JUnit's XML, which the test views of CI systems read: a suite for each agent, and in it a test for each case, of a
// class for each section. A result that is not good is a failure, one that is UNIMPLEMENTED is skipped. What XML cannot hold becomes U+FFFD. An error is w's.
func (r *Report) JUnit(w io.Writer) error {
	all := junitSuites{Name: "WebSocket conformance", Suites: []junitSuite{}}
	var took time.Duration
	for _, a := range r.snapshot() {
		s := junitSuite{Name: a.name}
		var suiteTook time.Duration
		for _, result := range a.results {
			c := newJUnitCase(a.name, result)
			s.Cases = append(s.Cases, c)
			s.Tests++
			if c.Failure != nil {
				s.Failures++
			}
			if c.Skipped != nil {
				s.Skipped++
			}
			suiteTook += result.Duration
			if at := result.Started.UTC().Format("2006-01-02T15:04:05"); !result.Started.IsZero() && (s.Timestamp == "" || at < s.Timestamp) {
				s.Timestamp = at
			}
		}
		s.Time = junitTime(suiteTook)
		all.Suites = append(all.Suites, s)
		all.Tests, all.Failures, all.Skipped, took = all.Tests+s.Tests, all.Failures+s.Failures, all.Skipped+s.Skipped, took+suiteTook
	}
	all.Time = junitTime(took)
	b, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(append([]byte(xml.Header), b...), '\n'))
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"` // none: what goes wrong is a verdict
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"` // of the first case, UTC
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitOutcome `xml:"failure"`
	Skipped *junitOutcome `xml:"skipped"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitOutcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"` // see junitText: encoding/xml copies it as it is, but for "]]>"
}

func newJUnitCase(agent string, r *Result) junitCase {
	section := sectionOf(r.Case)
	c := junitCase{Class: agent + "." + section + " " + sectionTitle(section), Name: r.Case.ID + " " + r.Case.Title, Time: junitTime(r.Duration)}
	verdicts := fmt.Sprintf("%s / %s", r.Behavior, r.BehaviorClose)
	switch {
	case !r.Good():
		kind := r.Behavior
		if kind.Good() {
			kind = r.BehaviorClose
		}
		c.Failure = &junitOutcome{Message: verdicts + ": " + reasons(r), Type: string(kind), Text: junitText(r)}
	case r.Behavior == Unimplemented:
		c.Skipped = &junitOutcome{Message: r.Reason}
	case r.Behavior != OK:
		c.Out = verdicts + ": " + reasons(r)
	}
	return c
}

// reasons is the reason of what is not OK.
func reasons(r *Result) string {
	switch {
	case r.Behavior == OK:
		return r.ReasonClose
	case r.BehaviorClose == OK || r.Reason == r.ReasonClose:
		return r.Reason
	}
	return r.Reason + "; close: " + r.ReasonClose
}

// junitText is what a developer wants to know before opening the report.
func junitText(r *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nbehavior: %s, %s\nclose:    %s, %s\nexpected: %s\n", r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose, r.Case.Expects)
	if r.Case.RFC != "" {
		fmt.Fprintf(&b, "section:  %s\n", r.Case.RFC)
	}
	fmt.Fprintf(&b, "agent's close: %s\n", closeText(r.RemoteClose))
	for i, e := range r.Received {
		if i == maxPageEvents {
			fmt.Fprintf(&b, "and %d events more\n", len(r.Received)-i)
			break
		}
		fmt.Fprintf(&b, "received: %s\n", eventText(e))
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == '\uFFFE' || r == '\uFFFF' { // XML 1.0, production 2: the rest of the characters are good
			return '\uFFFD'
		}
		return r
	}, b.String())
}

// eventText is an event in a line: text message of 5 octets "Hello".
func eventText(e Event) string {
	switch e.Kind {
	case Timeout:
		return fmt.Sprintf("timeout %s", e.Tag)
	case Message:
		kind := "text"
		if e.Binary {
			kind = "binary"
		}
		return fmt.Sprintf("%s message of %d octets %q", kind, e.Payload.Len, payloadText(e.Payload))
	}
	return fmt.Sprintf("%s of %d octets %q", e.Kind, e.Payload.Len, payloadText(e.Payload))
}

// closeText is a Close in a line: 1002 protocol error, "bad opcode".
func closeText(c *CloseFrame) string {
	switch {
	case c == nil:
		return "none"
	case !c.HasCode:
		return "without a code"
	case len(c.Reason) == 0:
		return frame.CloseCode(c.Code).String()
	}
	return fmt.Sprintf("%v, %q", frame.CloseCode(c.Code), c.Reason)
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
