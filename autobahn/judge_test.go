package autobahn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// The first expectation that fits counts, and the runner's own frames are counted, both too many and too few.
func TestJudgeEvents(t *testing.T) {
	c := &Case{Expect: []Expectation{{NonStrict, nil}, {OK, nil}}, CountFrames: map[frame.Opcode]int{frame.Text: 1, frame.Continuation: 2}}
	for n, want := range map[int]Verdict{1: Failed, 2: NonStrict, 3: Failed} {
		r := &Result{Case: c, Opened: true, TxFrames: map[frame.Opcode]int{frame.Text: 1, frame.Continuation: n}}
		judge(r)
		require.Equal(t, want, r.Behavior, n)
	}
}

// What shows only something shows it also of an end that was never open.
func TestJudgeInformational(t *testing.T) {
	for _, opened := range []bool{true, false} {
		r := &Result{Case: &Case{Informational: true}, Opened: opened}
		judge(r)
		require.Equal(t, []Verdict{Informational, Informational}, []Verdict{r.Behavior, r.BehaviorClose})
	}
}

// The codes that the original takes as good, and no other.
func TestAcceptable(t *testing.T) {
	for code := range 1 << 16 {
		want := code >= 1000 && code < 1004 || code >= 1007 && code < 1012 || code >= 3000 && code < 5000
		require.Equal(t, want, acceptable(uint16(code)), code)
	}
}
