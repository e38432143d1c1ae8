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

// inSet reports whether a case of the 517 is in a set of cases, in the words of testee.Kind.
func inSet(id, set string) bool {
	ids, ok := sets.Load(set)
	if !ok {
		members := map[string]bool{}
		for _, word := range strings.Fields(set) {
			pattern, without := strings.CutPrefix(word, "-")
			for _, c := range allCases() {
				if matches(c.ID, pattern) {
					members[c.ID] = !without
				}
			}
		}
		ids, _ = sets.LoadOrStore(set, members)
	}
	return ids.(map[string]bool)[id]
}

// sets are those that inSet has been asked for: words to IDs.
var sets sync.Map

// matches is for one pattern: "3.*", "12.*.3", "5.3..8", "12.*.3..18", or an ID.
func matches(id, pattern string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(id, prefix)
	}
	from, to, isRange := strings.Cut(pattern, "..")
	have, want := strings.Split(id, "."), strings.Split(from, ".")
	if len(have) != len(want) {
		return false
	}
	for i := range want {
		switch {
		case isRange && i == len(want)-1:
			return atoi(have[i]) >= atoi(want[i]) && atoi(have[i]) <= atoi(to)
		case want[i] != "*" && want[i] != have[i]:
			return false
		}
	}
	return true
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

// allCases are made once.
var allCases = sync.OnceValue(Cases)

// judgedCases are those of sections 1 to 7, 9 and 10.
var judgedCases = sync.OnceValue(func() (cases []*Case) {
	for _, c := range allCases() {
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
			require.False(t, isRed(r), "%s in %s: %s (%s), %s (%s)", role, c.ID, r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose)
		}
	}
}

// So is the peer that compresses, in the cases with compression too, each with a few messages.
func TestCorrectDeflate(t *testing.T) {
	for _, role := range []testee.Role{testee.Server, testee.Client} {
		for i, c := range append(brief(), judgedCases()...) {
			if inSet(c.ID, largeCases) || (raceBuild || testing.Short()) && i%7 != 0 {
				continue // the large ones are as without compression
			}
			r := join(t, c, testee.CorrectDeflate, role, frameByFrame)
			require.False(t, isRed(r), "%s in %s: %s (%s), %s (%s)", role, c.ID, r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose)
		}
	}
}

// Of section 9, which takes seconds, a few cases are played with each fault, and those that the fault names. What is large is left out where time is short.
const (
	longCases    = "9.*"
	fewLongCases = "9.1.1..2 9.2.1 9.7.1..2 9.8.1..2"
	largeCases   = longCases + " 1.1.6..8 1.2.6..8 10.1.1 7.1.6"
)

// fewCompressed are the cases of sections 12 and 13 that are played with a fault, with four messages each: all corpora, all profiles, and the lengths between
// which something changes.
const fewCompressed = "12.1.1 12.1.4 12.1.9 12.1.11 12.1.15 12.2.1 12.2.6 12.3.5 12.4.4 12.4.12 12.5.3 12.5.7 13.1.4 13.2.1 13.2.4 13.3.1 13.3.6 13.4.6 13.5.5 13.5.8 13.6.4 13.7.5"

// aboutDeflate reports whether a fault has to do with compression.
func aboutDeflate(k *testee.Kind) bool { return k.Compresses || k.Name == "no-deflate" }

// casesFor are the cases that are played with a fault.
func casesFor(k *testee.Kind) (cases []*Case) {
	if aboutDeflate(k) {
		for _, c := range brief() {
			if inSet(c.ID, fewCompressed) || os.Getenv("IDLEWIRE_TEST_FAULTS") == "all" {
				cases = append(cases, c)
			}
		}
		return cases
	}
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
	for _, k := range append(append(testee.Faults(), testee.Odd...), testee.Correct, testee.CorrectDeflate) {
		require.False(t, names[k.Name], k.Name)
		names[k.Name] = true
	}
	require.GreaterOrEqual(t, len(testee.Faults()), 60)
	for _, k := range testee.Faults() {
		seen := false
		for _, c := range allCases() {
			if inSet(c.ID, redFor(k, testee.Server)) || inSet(c.ID, redFor(k, testee.Client)) {
				require.Equal(t, aboutDeflate(k), c.Compression != nil, "%s in %s", k.Name, c.ID)
				seen = true
				shown[c.ID] = shown[c.ID] || !k.Opening
			}
		}
		require.Equal(t, !seen, k.Unseen != "", k.Name)
	}
	for _, c := range allCases() {
		require.Equal(t, !c.Informational, shown[c.ID], c.ID)
	}
}
