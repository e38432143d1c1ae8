package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/netpoll"
)

// --deflate, for the testees: which verdicts it makes, and what it lets a server answer to the offer client_no_context_takeover; client_max_window_bits.
var deflates = []struct {
	args, behavior string
	answer         string // to 13.1.1, as it stands on the wire
}{
	{"", "OK", "permessage-deflate; client_no_context_takeover"},
	{"--deflate takeover", "OK", "permessage-deflate; client_no_context_takeover"},
	{"--deflate on", "OK", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
	{"--deflate off", "UNIMPLEMENTED", ""},
}

func TestServersDeflate(t *testing.T) {
	for _, driver := range []string{"loop", "portable", "blocking"} {
		if driver == "loop" && netpoll.DefaultDriver != netpoll.Loop {
			continue
		}
		for _, row := range deflates {
			t.Run(driver+" "+row.args, func(t *testing.T) {
				t.Chdir(t.TempDir())
				p := start(t, append([]string{"-m", "echoserver", "-w", "ws://127.0.0.1:0", "--driver", driver}, strings.Fields(row.args)...)...)
				e := wstest(t.Context(), "-m", "fuzzingclient", "-w", p.url, "--only", "12.1.1,13.1.1,13.7.2", "-j", "1", "--trace")
				require.Equal(t, allGood, e.status, "%s", e.out)
				answer := ""
				_, trace, _ := strings.Cut(e.err, "13.1.1")
				trace, _, _ = strings.Cut(trace, "13.7.2")
				for line := range strings.Lines(trace) {
					if _, s, ok := strings.Cut(line, "<- Sec-WebSocket-Extensions: "); ok {
						answer = strings.TrimSpace(s)
					}
				}
				require.Equal(t, row.answer, answer)
				cases := readIndex(t, "reports/servers")["UnknownServer"]
				require.Len(t, cases, 3)
				for id, c := range cases {
					require.Equal(t, row.behavior+" OK", c.Behavior+" "+c.BehaviorClose, id)
				}
			})
		}
	}
}

func TestClientsDeflate(t *testing.T) {
	for _, row := range deflates {
		t.Run(row.args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "spec.json", `{"url": "ws://127.0.0.1:0", "cases": ["12.1.1", "13.1.1", "13.3.1", "13.7.2"], "outdir": "out"}`)
			p := start(t, "-m", "fuzzingserver", "-s", "spec.json")
			e := wstest(t.Context(), append([]string{"-m", "echoclient", "-w", p.url, "-i", "c"}, strings.Fields(row.args)...)...)
			require.Equal(t, allGood, e.status, "%+v", e)
			cases := readIndex(t, "out")["c"]
			require.Len(t, cases, 4)
			for id, c := range cases {
				require.Equal(t, row.behavior+" OK", c.Behavior+" "+c.BehaviorClose, id)
			}
		})
	}
}
