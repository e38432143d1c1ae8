package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn"
	"github.com/idlewire/idlewire/netpoll"
)

// index is what scripts read of index.json.
type index map[string]map[string]struct{ Behavior, BehaviorClose string }

func readIndex(t *testing.T, dir string) index {
	t.Helper()
	b, err := os.ReadFile(dir + "/index.json")
	require.NoError(t, err)
	var i index
	require.NoError(t, json.Unmarshal(b, &i))
	return i
}

// fast are the cases that need no time, of all kinds but the long ones.
const fast = "1.*,2.*,3.*,4.*,5.1,5.3,5.6,5.9,6.1.*,6.2.*,6.3.*,7.*,10.*"

func TestServers(t *testing.T) {
	for _, driver := range []string{"loop", "portable", "blocking"} {
		t.Run(driver, func(t *testing.T) {
			if driver == "loop" && netpoll.DefaultDriver != netpoll.Loop {
				t.Skip("no event loop on this system")
			}
			t.Chdir(t.TempDir())
			p := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0", "--driver", driver)
			e := wstest(t.Context(), "-m", "fuzzingclient", "-w", p.url, "--only", fast)
			require.Equal(t, allGood, e.status, "%+v", e)
			require.Empty(t, e.err)
			require.Contains(t, e.out, "\nsection 4: 10 of 10 good\n")
			require.Regexp(t, `\n   4  \S.*   10  10 OK\n`, e.out)
			require.Regexp(t, `\n95 results, all are good: reports.servers.index.html\n$`, e.out)
			for agent, cases := range readIndex(t, "reports/servers") {
				require.Equal(t, "UnknownServer", agent)
				require.Len(t, cases, 95)
				for id, c := range cases {
					if id != "7.1.6" && id != "7.13.1" && id != "7.13.2" {
						require.Equal(t, "OK OK", c.Behavior+" "+c.BehaviorClose, id)
					}
				}
			}
			_, err := os.Stat("fuzzingclient.json") // -w is enough
			require.ErrorIs(t, err, os.ErrNotExist)
			require.Equal(t, allGood, p.stop().status)
		})
	}
}

func TestClients(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "spec.json", `{"url": "ws://127.0.0.1:0", "cases": ["*"], "outdir": "out"}`)
	p := start(t, "-m", "fuzzingserver", "-s", "spec.json", "--only", fast)
	e := wstest(t.Context(), "-m", "testeeclient", "-w", p.url, "-i", "a client")
	require.Equal(t, ended{allGood, "95 cases at " + p.url + ", as \"a client\"\n", ""}, e)
	require.Len(t, readIndex(t, "out")["a client"], 95) // written on /updateReports
	require.NoError(t, os.Remove("out/index.json"))
	e = p.stop()
	require.Equal(t, allGood, e.status, "%+v", e)
	require.Empty(t, e.err)
	require.Regexp(t, `\n95 results, all are good: out.index.html\n$`, e.out)
	require.Len(t, readIndex(t, "out")["a client"], 95) // and at the end
}

// A server that was not asked for every case has not shown that the client is good.
func TestClientsIncomplete(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "spec.json", `{"url": "ws://127.0.0.1:0", "cases": ["1.1.*"]}`)
	p := start(t, "-m", "fuzzingserver", "-s", "spec.json", "-u", "0")
	c := testee{base: p.url, agent: "x"}
	require.NoError(t, c.visit(t.Context(), "/runCase?case=1&agent=x"))
	require.NoError(t, c.visit(t.Context(), "/getCaseStatus?case=1&agent=x")) // there is a result now
	e := p.stop()
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Empty(t, e.err)
	require.Len(t, readIndex(t, "reports/clients")["x"], 1)
}

// A client may end the server, and may be excluded from cases: from some, whether it comes for them or not, or from all, and then nothing is shown.
func TestStopServer(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "spec.json", `{"url": "ws://127.0.0.1:0", "cases": ["1.1.1", "1.1.2"], "exclude-agent-cases": {"some*": ["1.1.1"], "all": ["1.*"]}}`)
	for _, row := range []struct {
		agent  string
		cases  []string
		status int
	}{
		{"none", []string{"1", "2"}, allGood},
		{"none", []string{"1"}, notGood},
		{"some", []string{"1", "2"}, allGood},
		{"somewhat", []string{"2"}, allGood},
		{"some", []string{"1"}, notGood},
		{"all", []string{"1", "2"}, notGood},
	} {
		p := start(t, "-m", "fuzzingserver", "-s", "spec.json")
		c := testee{base: p.url}
		for _, n := range row.cases {
			require.NoError(t, c.visit(t.Context(), "/runCase?case="+n+"&agent="+row.agent))
		}
		require.NoError(t, c.visit(t.Context(), "/updateReports?shutdownOnComplete=true&agent="+row.agent))
		e := p.wait()
		require.Equal(t, row.status, e.status, "%+v", e)
		if row.agent == "some" && len(row.cases) == 2 {
			require.Contains(t, e.out, "\nsection 1: 1 of 1 good, 1 left out\n")
		}
	}
}

// The default configurations are made where there are none, and used.
func TestDefaultSpec(t *testing.T) {
	t.Chdir(t.TempDir())
	e := wstest(t.Context(), "-m", "fuzzingclient", "--only", "88.*")
	require.Equal(t, badInput, e.status)
	require.Equal(t, "created fuzzingclient.json\n", e.out)
	e = wstest(t.Context(), "-m", "fuzzingclient", "--only", "88.*")
	require.Empty(t, e.out)
	require.Equal(t, badInput, wstest(t.Context(), "-m", "fuzzingserver", "--only", "88.*").status)
	for name, want := range map[string]string{"fuzzingclient.json": autobahn.DefaultClientConfig, "fuzzingserver.json": autobahn.DefaultServerConfig} {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, string(b))
	}
}

// Several servers; one of them may be left alone with some cases, and one be away.
func TestSeveralServers(t *testing.T) {
	t.Chdir(t.TempDir())
	one := start(t, "-m", "testeeserver", "-w", "ws://127.0.0.1:0")
	two := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0", "--driver", "portable")
	spec := `{"outdir": "out", "cases": ["1.1.*"], "exclude-agent-cases": {"t*": ["1.1.1", "1.1.2*"]},
		"servers": [{"url": "` + one.url + `", "agent": "one", "origin": "http://elsewhere.example"}, {"url": "` + two.url + `", "agent": "two", "origin": "http://elsewhere.example"}AWAY]}`
	e := wstestIn(t.Context(), strings.Replace(spec, "AWAY", "", 1), nil, "-m", "fuzzingclient", "-s", "-", "-w", "ws://127.0.0.1:1")
	require.Equal(t, allGood, e.status, "%+v", e)
	require.Contains(t, e.out, "standard input names servers, so ws://127.0.0.1:1, which -w names, is not tested\n")
	require.Contains(t, e.out, "section 1: 6 of 6 good, 2 left out (two)\n")
	i := readIndex(t, "out")
	require.Len(t, i["one"], 8)
	require.Len(t, i["two"], 6)
	require.NotContains(t, i["two"], "1.1.2")

	e = wstestIn(t.Context(), strings.Replace(spec, "AWAY", `,{"url": "ws://127.0.0.1:1"},{"url": "ws://127.0.0.1:2"}`, 1), nil, "-m", "fuzzingclient", "-s", "-")
	require.Equal(t, badInput, e.status, "%+v", e)
	require.Regexp(t, `^wstest: cannot connect to ws://127.0.0.1:1: [^\n]*; cannot connect to ws://127.0.0.1:2: [^\n]*\n$`, e.err)
	require.Len(t, readIndex(t, "out"), 2) // those that are there have been tested
}

// Results of servers without a name of their own go by that of their Server header, and may collide. It does not make a bad one good.
func TestNameless(t *testing.T) {
	t.Chdir(t.TempDir())
	good := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0")
	bad := curtServer(t)
	e := wstestIn(t.Context(), `{"cases": ["1.1.1"], "servers": [{"url": "`+bad+`"}, {"url": "`+good.url+`"}]}`, nil, "-m", "fuzzingclient", "-s", "-")
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Contains(t, e.out, "\nservers have the same name")
}

// Ctrl-C: what has run is reported.
func TestInterrupt(t *testing.T) {
	t.Chdir(t.TempDir())
	p := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := wstestIn(ctx, "", func(s string) {
		if strings.Contains(s, "section 1:") {
			cancel()
		}
	}, "-m", "fuzzingclient", "-w", p.url, "--only", "1.1.*,5.19,9.1.1", "-j", "1")
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Empty(t, e.err)
	require.Contains(t, e.out, "\ninterrupted\n")
	require.Regexp(t, `\n   1  \S.*    8  8 OK\n`, e.out)
	require.Len(t, readIndex(t, "reports/servers")["UnknownServer"], 8)
}

// The same seed is the same run, on the wire.
func TestSeedAndTrace(t *testing.T) {
	t.Chdir(t.TempDir())
	p := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0")
	keys := func(seed string) []string {
		e := wstest(t.Context(), "-m", "fuzzingclient", "-w", p.url, "--only", "1.1.2,5.3", "--seed", seed, "--trace", "-j", "1")
		require.Equal(t, allGood, e.status, "%+v", e)
		require.NotContains(t, e.out, "masked")
		require.Contains(t, e.err, "<- HTTP/1.1 101 Switching Protocols\n")
		return regexp.MustCompile(`-> 15 octets on the wire: .*`).FindAllString(e.err, -1)
	}
	first := keys("5")
	require.Len(t, first, 2)
	require.Equal(t, first, keys("5"))
	require.NotEqual(t, first, keys("6"))
}

// The limits of our own testees are wide enough for every message of the suite.
func TestTesteeLimits(t *testing.T) {
	longest, most := 0, 0
	for _, c := range slices.Concat(autobahn.Cases(), autobahn.ExtraCases()) {
		for _, s := range c.Steps {
			if s.Do == autobahn.SendMessage {
				longest = max(longest, s.Payload.Len)
				if s.Fragment > 0 {
					most = max(most, s.Payload.Len/s.Fragment+1)
				}
			}
		}
	}
	require.Greater(t, most, 1<<16)
	require.GreaterOrEqual(t, testeeOptions("").MaxFragments, most)
	require.Greater(t, longest, 1<<20)
	require.GreaterOrEqual(t, testeeOptions("").MaxMessage, longest)
	require.GreaterOrEqual(t, testeeQueue, longest)
}

// With -j 1 there is one connection at a time.
func TestOneByOne(t *testing.T) {
	t.Chdir(t.TempDir())
	url, most := crowd(t)
	e := wstest(t.Context(), "-m", "fuzzingclient", "-w", url, "--only", "1.*", "-j", "1")
	require.Equal(t, allGood, e.status, "%+v", e)
	require.EqualValues(t, 1, most.Load())
}

func TestRepeat(t *testing.T) {
	t.Chdir(t.TempDir())
	var n atomic.Int32
	url := countingServer(t, &n)
	e := wstest(t.Context(), "-m", "fuzzingclient", "-w", url, "--only", "1.1.1,1.1.2", "--repeat", "3")
	require.Equal(t, allGood, e.status, "%+v", e)
	require.EqualValues(t, 6, n.Load())
}

// The command line chooses among what the configuration selects, and --cases says what that selects from. Cases that are not for the peers of a mode are no
// part of its runs.
func TestSelectCases(t *testing.T) {
	first := func(e autobahn.Endpoint) string {
		i := slices.IndexFunc(autobahn.ExtraCases(), func(c *autobahn.Case) bool { return c.For == e })
		return autobahn.ExtraCases()[i].ID
	}
	both, servers, clients := first(autobahn.Both), first(autobahn.Servers), first(autobahn.Clients)
	byNumber := func(ids ...string) string {
		cases, err := autobahn.Select(autobahn.ExtraCases(), ids, nil)
		require.NoError(t, err)
		ids = nil
		for _, c := range cases {
			ids = append(ids, c.ID)
		}
		return strings.Join(ids, " ")
	}
	all := fmt.Sprintf(`["%s", "%s", "%s"]`, both, servers, clients)
	for _, row := range []struct {
		spec, args, want string
	}{
		{all, "--cases extra", byNumber(both, servers)},
		{all, "--cases extra -m fuzzingserver", byNumber(both, clients)},
		{all, "--cases extra -m fuzzingserver --only " + servers + "," + clients, clients},
		{`["1.1.1", "2.10", "2.9"]`, "", "1.1.1 2.9 2.10"},
		{`["1.1.*"]`, "--only 1.1.8,2.1 --only 1.1.2,3.*", "1.1.2 1.1.8"},
		{`["3.*"]`, "--exclude 3.1,3.2 --exclude 3.3*", "3.4 3.5 3.6 3.7"},
		{`["2.1", "2.2"]`, "--only 2.* --exclude 2.2 --cases all", "2.1"},
	} {
		var f flags
		require.NoError(t, f.parse(strings.Fields("-m fuzzingclient "+row.args)))
		config, err := autobahn.ParseClientConfig("f", []byte(`{"cases": `+row.spec+`}`))
		require.NoError(t, err)
		selected, left, err := f.selectCases(config)
		require.NoError(t, err)
		var ids []string
		for _, c := range left {
			ids = append(ids, c.ID)
			require.Contains(t, selected, c)
		}
		require.Equal(t, row.want, strings.Join(ids, " "))
	}
	for suite, n := range map[string]int{"original": 517, "extra": len(autobahn.ExtraCases()), "all": 517 + len(autobahn.ExtraCases())} {
		require.Len(t, (&flags{suite: suite}).allCases(), n)
	}
}
