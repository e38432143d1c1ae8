package autobahn

import (
	"strings"
	"testing"

	"github.com/idlewire/idlewire/frame"
	"github.com/stretchr/testify/require"
)

// 5.5.3: of several pings only the latest need be answered; and what is no pong may come before or after.
func TestFitsLoosely(t *testing.T) {
	events := func(s string) (e []Event) {
		for f := range strings.FieldsSeq(s) {
			e = append(e, Event{Kind: map[bool]EventKind{true: Pong, false: Message}[f[0] == 'p'], Payload: octets(f)})
		}
		return e
	}
	for _, row := range []struct {
		want, got string
		fits      bool
	}{
		{"p1 p2 p3 m", "p1 p2 p3 m", true},
		{"p1 p2 p3 m", "m p1 p2 p3", true},
		{"p1 p2 p3 m", "p3 m", true},
		{"p1 p2 p3 m", "p1 m p3", true},
		{"p1 p2 p3 m", "p1 p2 m", false},
		{"p1 p2 p3 m", "p2 p1 p3 m", false},
		{"p1 p2 p3 m", "p3 p3 m", false},
		{"p1 p2 p3 m", "m", false},
		{"p1 p2 p3 m", "p1 p2 p3", false},
		{"p p p m", "p m", true},
		{"p p p m", "p p p p m", false},
		{"m1 m2", "m2 m1", false},
		{"m1 m2", "m1 m2", true},
		{"m1", "p m1", false},
	} {
		want, got := events(row.want), events(row.got)
		require.Equal(t, row.fits, fitsLoosely(want, got), "%s as %s", row.got, row.want)
		o := Outcome{Events: want, Loose: true}
		require.True(t, !row.fits || o.mayFit(got), "%s as %s", row.got, row.want)
	}
}

// The first outcome that fits counts; with none that fits whole, the end says what was wrong.
func TestJudgeOutcomes(t *testing.T) {
	c := extra("5.2", "T", "E", nil, closesAfter(text("a")), gives(NonStrict, "why", fails(1002)), gives(Informational, "how", whatever(fails(1008))))
	result := func(byMe, clean bool, code uint16, events ...Event) *Result {
		r := &Result{Case: c, Opened: true, ClosedByMe: byMe, WasClean: clean, Received: events, IsServer: true}
		if code > 0 {
			r.RemoteClose = &CloseFrame{HasCode: true, Code: code}
		}
		judge(r)
		return r
	}
	a, b := echoesOf([]Step{text("a")})[0], echoesOf([]Step{text("b")})[0]
	for _, row := range []struct {
		name   string
		r      *Result
		v, end Verdict
	}{
		{"the best", result(true, true, 1000, a), OK, OK},
		{"the best, ended badly", result(true, false, 0, a), OK, Unclean},
		{"the best, but for the code", result(true, true, 1002, a), OK, WrongCode},
		{"the second", result(false, false, 1002), NonStrict, OK},
		{"the second, dropped", result(false, false, 0), NonStrict, OK},
		{"the second, with a code that is nobody's", result(false, false, 1011), NonStrict, WrongCode},
		{"the last", result(false, false, 1008, b, b), Informational, OK},
		{"the last has the events, but not the end", result(true, true, 1000, b), Failed, Failed},
		{"the best, but closed by the peer", result(false, true, 1000, a), Failed, Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, []Verdict{row.v, row.end}, []Verdict{row.r.Behavior, row.r.BehaviorClose}, "%s; %s", row.r.Reason, row.r.ReasonClose)
		})
	}
	require.Contains(t, result(false, false, 1002).Reason, "why")
	r := &Result{Case: c, Opened: true, ClosedByMe: true, WasClean: true, Received: []Event{a}, IsServer: true, dataAfterClose: true}
	judge(r)
	require.Equal(t, Failed, r.Behavior, "5.5.1")
	r = &Result{Case: c, Behavior: Failed}
	judge(r)
	require.Equal(t, []Verdict{Failed, Failed}, []Verdict{r.Behavior, r.BehaviorClose}, "never open")
}

// A data frame behind the peer's Close is seen, whichever end the runner is.
func TestDataAfterClose(t *testing.T) {
	c := extra("5.5.1", "T", "E", []Step{closing(1000, "")}, whatever(closedAfter(codes(1000))))
	s := begin(c, true)
	s.hears("81 01 61 88 02 03e8")
	require.False(t, s.r.dataAfterClose)
	s.hears("81 01 61")
	require.Equal(t, Failed, s.ends().Behavior)
}

// 1012 to 1014 were registered after the original was written: the extra cases take them from a peer.
func TestRegisteredCodes(t *testing.T) {
	for code, takes := range map[frame.CloseCode]bool{1011: true, 1012: true, 1014: true, 1015: false, 1006: false, 2999: false} {
		s := begin(extra("7.4.2", "T", "E", []Step{closing(1000, "")}, closedAfter(codes(1000))), true)
		s.receive(s.clock, []byte{0x88, 2, byte(code >> 8), byte(code)})
		require.Equal(t, takes, !s.r.FailedByMe, code)
	}
}
