package autobahn

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/stretchr/testify/require"
)

// inSet reports whether a case is in a set of cases, in the words of testee.Kind.
func inSet(id, set string) (in bool) {
	for _, word := range strings.Fields(set) {
		pattern, without := strings.CutPrefix(word, "-")
		if matches(id, pattern) {
			in = !without
		}
	}
	return in
}

// matches is for one pattern: "3.*", "5.3..8", or an ID.
func matches(id, pattern string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(id, prefix)
	}
	from, to, ok := strings.Cut(pattern, "..")
	if !ok {
		return id == pattern
	}
	dot := strings.LastIndexByte(from, '.') + 1
	number, ok := strings.CutPrefix(id, from[:dot])
	n, err := strconv.Atoi(number)
	return ok && err == nil && n >= atoi(from[dot:]) && n <= atoi(to)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// isRed reports whether a case shows a fault: its verdicts are not those of a peer without one.
func isRed(r *Result) bool {
	return !r.Case.Informational && (r.Behavior != OK || r.BehaviorClose != OK)
}

// judgedCases are those of sections 1 to 7, 9 and 10.
var judgedCases = sync.OnceValue(func() (cases []*Case) {
	for _, c := range Cases() {
		if c.Compression == nil {
			cases = append(cases, c)
		}
	}
	return cases
})

// The peer without a fault is OK in every case, in both roles, and so strict that it is never NON-STRICT.
func TestCorrect(t *testing.T) {
	for _, role := range []testee.Role{testee.Server, testee.Client} {
		for _, c := range judgedCases() {
			if (raceBuild || testing.Short()) && inSet(c.ID, longCases) {
				continue
			}
			r := join(t, c, testee.Correct, role, frameByFrame)
			if isRed(r) {
				t.Errorf("%s in %s: %s (%s), %s (%s)", role, c.ID, r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose)
			}
		}
	}
}

// Of section 9, which takes seconds, a few cases are played with each fault, and those that the fault names. What is large is left out where time is short.
const (
	longCases    = "9.*"
	fewLongCases = "9.1.1..2 9.2.1 9.7.1..2 9.8.1..2"
	largeCases   = longCases + " 1.1.6..8 1.2.6..8 10.1.1 7.1.6"
)

// casesFor are the cases that are played with a fault.
func casesFor(k *testee.Kind) (cases []*Case) {
	if os.Getenv("IDLEWIRE_TEST_FAULTS") == "all" {
		return judgedCases()
	}
	short := raceBuild || testing.Short()
	var named []string
	for _, word := range strings.Fields(k.Red + " " + k.RedServer + " " + k.RedClient) {
		if pattern := strings.TrimPrefix(word, "-"); !strings.HasSuffix(pattern, "*") {
			named = append(named, pattern)
		}
	}
	for _, c := range judgedCases() {
		switch {
		case short && inSet(c.ID, largeCases):
		case inSet(c.ID, longCases) && !inSet(c.ID, fewLongCases) && !inSet(c.ID, strings.Join(named, " ")):
		default:
			cases = append(cases, c)
		}
	}
	return cases
}

// Each fault turns red the cases that it must, in each role, and no others.
func TestFaults(t *testing.T) {
	for _, k := range testee.Faults() {
		if k.Opening {
			continue
		}
		cases := casesFor(k)
		for _, role := range []testee.Role{testee.Server, testee.Client} {
			if !k.InRole(role) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", k.Name, role), func(t *testing.T) {
				t.Parallel()
				var missed, surprising []string
				for _, c := range cases {
					if inSet(c.ID, k.Chance) {
						continue
					}
					r := join(t, c, k, role, frameByFrame)
					verdicts := fmt.Sprintf("%s %s/%s", c.ID, r.Behavior, r.BehaviorClose)
					switch must, red := inSet(c.ID, redFor(k, role)), isRed(r); {
					case must && !red:
						missed = append(missed, verdicts)
					case !must && red:
						surprising = append(surprising, verdicts)
					}
				}
				require.Empty(t, missed, "do not turn red")
				require.Empty(t, surprising, "turn red, and should not")
			})
		}
	}
}

// redFor is the set of cases that must turn red when the peer is in that role.
func redFor(k *testee.Kind, role testee.Role) string {
	if role == testee.Server {
		return k.Red + " " + k.RedServer
	}
	return k.Red + " " + k.RedClient
}

// Each case shows some fault, and each fault that has no case says why.
func TestFaultsAreComplete(t *testing.T) {
	names, shown := map[string]bool{}, map[string]bool{}
	for _, k := range append(testee.Faults(), testee.Odd...) {
		require.False(t, names[k.Name], k.Name)
		names[k.Name] = true
	}
	require.GreaterOrEqual(t, len(testee.Faults()), 60)
	for _, k := range testee.Faults() {
		seen := false
		for _, c := range judgedCases() {
			if inSet(c.ID, redFor(k, testee.Server)) || inSet(c.ID, redFor(k, testee.Client)) {
				seen = true
				shown[c.ID] = shown[c.ID] || !k.Opening
			}
		}
		require.Equal(t, !seen, k.Unseen != "", k.Name)
	}
	for _, c := range judgedCases() {
		require.Equal(t, !c.Informational, shown[c.ID], c.ID)
	}
}
