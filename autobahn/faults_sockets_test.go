package autobahn

import (
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/stretchr/testify/require"
)

// What is wrong with the opening handshake makes every case FAILED with a server. A client is refused, and has no result.
func TestOpeningFaults(t *testing.T) {
	for _, k := range testee.Faults() {
		if !k.Opening {
			continue
		}
		patterns := []string{"1.1.1", "3.1", "7.1.6", "9.7.2"}
		if k.Compresses {
			patterns = []string{"12.1.1", "12.5.10", "13.7.1"}
		}
		cases, err := Select(Cases(), patterns, nil)
		require.NoError(t, err)
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			if k.InRole(testee.Client) {
				results, err := testClient(t, k, cases)
				require.ErrorContains(t, err, "/runCase")
				require.Empty(t, results)
				return
			}
			results := testServer(t, k, cases)
			require.Len(t, results, len(cases))
			for id, r := range results {
				require.False(t, r.Opened, id)
				require.Equal(t, r.Case.Informational, !isRed(r), id)
				if !r.Case.Informational {
					require.Equal(t, [2]Verdict{Failed, Failed}, [2]Verdict{r.Behavior, r.BehaviorClose}, id)
				}
			}
		})
	}
}

// faultsOverSockets are faults of each group, with cases that show them and cases that do not; none of them waits for a timer.
var faultsOverSockets = map[string][]string{
	"correct-deflate":     {"1.1.1", "6.3.1"},
	"inflates-64k":        {"12.2.9"},
	"deflates-on":         {"13.2.1"},
	"correct":             {"1.1.1", "1.2.8", "2.10", "2.11", "3.4", "4.2.3", "5.8", "5.15", "6.2.3", "6.3.1", "6.3.2", "7.1.2", "7.1.4", "7.3.2", "7.5.1", "7.9.1", "9.1.3", "9.3.5", "9.7.3", "10.1.1"},
	"accepts-rsv2":        {"3.1", "3.5"},
	"stray-begins":        {"5.12", "5.18"},
	"pong-for-pong":       {"2.1", "2.7", "2.11"},
	"fails-1000":          {"3.2", "4.1.1", "6.3.1", "7.3.2"},
	"utf8-1002":           {"6.3.1", "6.12.8", "7.5.1", "3.1"},
	"accepts-local-codes": {"7.9.1", "7.9.3", "7.9.5", "7.9.6"},
	"reply-1002":          {"1.1.1", "7.7.3", "7.7.4"},
	"close-drops":         {"1.1.1", "7.3.1", "7.7.1"},
	"echo-short":          {"9.1.1", "9.7.1", "9.7.2"},
	"at-most-1m":          {"9.1.3", "9.1.4", "1.1.7"},
	"server-masks":        {"7.1.2", "7.3.1"},
	"drops-before-echo":   {"1.1.1", "2.2", "9.2.1"},
}

// Over sockets it is the same.
func TestFaultsOverSockets(t *testing.T) {
	for _, k := range append(testee.Faults(), testee.Correct, testee.CorrectDeflate) {
		patterns := faultsOverSockets[k.Name]
		if patterns == nil {
			continue
		}
		cases, err := Select(Cases(), patterns, nil)
		require.NoError(t, err)
		check := func(t *testing.T, role testee.Role, results map[string]*Result) {
			require.Len(t, results, len(cases))
			for id, r := range results {
				require.Equal(t, inSet(id, redFor(k, role)), isRed(r), "%s: %s (%s), %s (%s)", id, r.Behavior, r.Reason, r.BehaviorClose, r.ReasonClose)
			}
		}
		if k.InRole(testee.Server) {
			t.Run(k.Name+" as server", func(t *testing.T) {
				t.Parallel()
				check(t, testee.Server, testServer(t, k, cases))
			})
		}
		if k.InRole(testee.Client) {
			t.Run(k.Name+" as client", func(t *testing.T) {
				t.Parallel()
				results, err := testClient(t, k, cases)
				require.NoError(t, err)
				check(t, testee.Client, results)
			})
		}
	}
}
