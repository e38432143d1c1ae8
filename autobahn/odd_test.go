package autobahn

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/stretchr/testify/require"
)

// record is testdata/odd-peers.json: what the original runner said of the odd peers.
type record struct {
	Peers  map[string]string
	Client map[string]map[string]row `json:"runner_is_client"` // peer, case
	Server map[string]map[string]row `json:"runner_is_server"`
}

// A row is the verdicts on a case, and what they come from.
type row struct {
	Behavior, BehaviorClose          Verdict
	PeerCode                         *int // nil: there was none
	ByRunner, Failed, Dropped, Clean bool
	RunnerCode                       *int
}

func (r *row) UnmarshalJSON(b []byte) error {
	fields := []any{&r.Behavior, &r.BehaviorClose, &r.PeerCode, &r.ByRunner, &r.Failed, &r.Dropped, &r.Clean, &r.RunnerCode}
	n := len(fields)
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	if len(fields) != n {
		return fmt.Errorf("a row of %d fields and not %d", len(fields), n)
	}
	return nil
}

func rowOf(r *Result) row {
	return row{r.Behavior, r.BehaviorClose, codeOf(r.RemoteClose), r.ClosedByMe, r.FailedByMe, r.DroppedByMe, r.WasClean, codeOf(r.LocalClose)}
}

func codeOf(c *CloseFrame) *int {
	if c == nil || !c.HasCode {
		return nil
	}
	code := int(c.Code)
	return &code
}

func (r row) String() string {
	b, _ := json.Marshal([]any{r.Behavior, r.BehaviorClose, r.PeerCode, r.ByRunner, r.Failed, r.Dropped, r.Clean, r.RunnerCode})
	return string(b)
}

func readRecord(t testing.TB) record {
	b, err := os.ReadFile("testdata/odd-peers.json")
	require.NoError(t, err)
	var r record
	require.NoError(t, json.Unmarshal(b, &r))
	return r
}

// oddDifferences are the rows in which we do not say what the original said, and why: peer, role of the peer, case. There are none.
var oddDifferences = map[[3]string]string{}

// compare fails t if a row is not that of the original, or if one is that differs by the list above.
func compare(t testing.TB, k *testee.Kind, role testee.Role, id string, r *Result, want row) {
	why, known := oddDifferences[[3]string{k.Name, role.String(), id}]
	same := rowOf(r).String() == want.String()
	if same && known {
		t.Errorf("%s, %s, %s: no difference any more, but it is in the list: %s", k.Name, role, id, why)
	}
	if !same && !known {
		t.Errorf("%s, %s, %s:\n got %s (%s; %s)\nwant %s", k.Name, role, id, rowOf(r), r.Reason, r.ReasonClose, want)
	}
}

// The verdicts are those of the original, with every odd peer that was measured, in every case, in both roles, and however the octets are cut.
func TestOddPeers(t *testing.T) {
	known := readRecord(t)
	cases := map[string]*Case{}
	for _, c := range Cases() {
		cases[c.ID] = c
	}
	require.Len(t, testee.Odd, len(known.Peers))
	compared := 0
	for _, k := range testee.Odd {
		require.Equal(t, known.Peers[k.Name], k.Text)
		if k.Only != 0 {
			continue // odd in the opening handshake: see below
		}
		for role, rows := range map[testee.Role]map[string]row{testee.Server: known.Client[k.Name], testee.Client: known.Server[k.Name]} {
			for id, want := range rows {
				for i, deliver := range []delivery{frameByFrame, atOnce, manyPieces} {
					if i > 0 && (raceBuild || testing.Short()) {
						break
					}
					compare(t, k, role, id, join(t, cases[id], k, role, deliver), want)
				}
				compared++
			}
		}
	}
	require.Equal(t, 1539, compared)
}

// oddOverSockets are peers, besides those that are odd in the opening handshake, whose verdicts do not hang on timers.
var oddOverSockets = []string{"good", "drop_at_once", "close_at_once", "close_reply_1002", "drop_on_close", "fragment_echo", "ping_first"}

// Over sockets the runner's opening handshake and its driver take part.
func TestOddPeersOverSockets(t *testing.T) {
	known := readRecord(t)
	for _, k := range testee.Odd {
		if k.Only == 0 && !slices.Contains(oddOverSockets, k.Name) {
			continue
		}
		rows := known.Client[k.Name]
		var cases []*Case
		for _, c := range Cases() {
			if _, ok := rows[c.ID]; !ok {
				continue
			}
			if k.Only == 0 && join(t, c, k, testee.Server, frameByFrame).Duration > 0 {
				continue // it waits for timers
			}
			cases = append(cases, c)
		}
		t.Run(k.Name+" as server", func(t *testing.T) {
			t.Parallel()
			results := testServer(t, k, cases)
			require.Len(t, results, len(cases))
			for id, r := range results {
				compare(t, k, testee.Server, id, r, rows[id])
			}
		})
		if k.Only != 0 {
			continue
		}
		t.Run(k.Name+" as client", func(t *testing.T) {
			t.Parallel()
			results, err := testClient(t, k, cases)
			require.NoError(t, err)
			require.Len(t, results, len(cases))
			for id, r := range results {
				compare(t, k, testee.Client, id, r, known.Server[k.Name][id])
			}
		})
	}
}
