package main

import (
	"context"
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Verdicts that were recorded are what is expected: no less and no more.
func TestExpect(t *testing.T) {
	t.Chdir(t.TempDir())
	good := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0")
	curt := curtServer(t)
	args := func(url string, more ...string) []string {
		return append([]string{"-m", "fuzzingclient", "-w", url, "--only", "1.1.1,1.1.2,2.1", "--outdir", "out"}, more...)
	}

	e := wstest(t.Context(), args(good.url, "--write-expect", "good.json")...)
	require.Equal(t, allGood, e.status, "%+v", e)
	e = wstest(t.Context(), args(good.url, "--expect", "good.json")...)
	require.Equal(t, allGood, e.status, "%+v", e)
	require.True(t, strings.HasSuffix(e.out, "\n0 differences from what good.json expects\n"), e.out)
	e = wstest(t.Context(), args(curt, "--expect", "good.json", "--write-expect", "curt.json")...) // a server that got worse
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Contains(t, e.out, "UnknownServer 1.1.2: worse: FAILED / FAILED, recorded was OK / OK")
	require.True(t, strings.HasSuffix(e.out, "\n3 differences from what good.json expects\n"), e.out)

	e = wstest(t.Context(), args(curt, "--expect", "curt.json")...) // a server whose faults are known
	require.Equal(t, allGood, e.status, "%+v", e)
	require.Contains(t, e.out, "\n3 results, 3 not good: ")
	e = wstest(t.Context(), args(good.url, "--expect", "curt.json")...) // and that got better
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Contains(t, e.out, "UnknownServer 1.1.2: better: ")

	// Of what the command line leaves out nothing is expected, but of what the configuration does not select any more it is.
	e = wstest(t.Context(), args(good.url, "--expect", "good.json", "--exclude", "2.*")...)
	require.Equal(t, allGood, e.status, "%+v", e)
	write(t, "less.json", `{"cases": ["1.1.1", "1.1.2"], "servers": [{"url": "`+good.url+`"}]}`)
	e = wstest(t.Context(), "-m", "fuzzingclient", "-s", "less.json", "--expect", "good.json")
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Contains(t, e.out, "\nUnknownServer 2.1: missing: ")
}

// What did not run to its end is neither compared nor recorded.
func TestExpectOfHalf(t *testing.T) {
	t.Chdir(t.TempDir())
	p := start(t, "-m", "echoserver", "-w", "ws://127.0.0.1:0")
	write(t, "all.json", `{"*": {"1.1.1": ["OK", "OK"], "5.19": ["OK", "OK"]}}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	args := []string{"--only", "1.1.1,5.19", "-j", "1", "--expect", "all.json", "--write-expect", "new.json"}
	e := wstestIn(ctx, "", func(s string) {
		if strings.Contains(s, "section 1:") {
			cancel()
		}
	}, append(args, "-m", "fuzzingclient", "-w", p.url)...)
	require.Equal(t, notGood, e.status, "%+v", e)
	require.NotContains(t, e.out, "expects")
	e = wstest(t.Context(), append(args, "-m", "fuzzingclient", "-w", "ws://127.0.0.1:1")...)
	require.Equal(t, badInput, e.status, "%+v", e)
	_, err := os.Stat("new.json")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestExpectOfClients(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "spec.json", `{"url": "ws://127.0.0.1:0", "cases": ["1.1.1", "1.1.2"]}`)
	write(t, "one.json", `{"x": {"1.1.1": ["OK", "OK"]}}`)
	for n, want := range map[string]int{"1": allGood, "2": notGood} {
		p := start(t, "-m", "fuzzingserver", "-s", "spec.json", "--expect", "one.json")
		c := testee{base: p.url}
		require.NoError(t, c.visit(t.Context(), "/runCase?agent=x&case="+n))
		require.NoError(t, c.visit(t.Context(), "/getCaseStatus?agent=x&case="+n)) // there is a result now
		e := p.stop()
		require.Equal(t, want, e.status, "%+v", e)
	}
}

func TestJUnit(t *testing.T) {
	t.Chdir(t.TempDir())
	e := wstest(t.Context(), "-m", "fuzzingclient", "-w", curtServer(t), "--only", "1.1.1,7.1.6", "--junit", "junit.xml")
	require.Equal(t, notGood, e.status, "%+v", e)
	b, err := os.ReadFile("junit.xml")
	require.NoError(t, err)
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	require.NoError(t, xml.Unmarshal(b, &suites))
	require.Equal(t, 2, suites.Tests)
	require.Equal(t, 1, suites.Failures)
}

func TestSummary(t *testing.T) {
	t.Chdir(t.TempDir())
	e := wstest(t.Context(), "-m", "fuzzingclient", "-w", curtServer(t), "--only", "1.1.1,7.1.6,10.1.1,2.1")
	require.Equal(t, notGood, e.status, "%+v", e)
	require.Regexp(t, `
UnknownServer
   1  [^\n]+    1  1 FAILED, 1 close FAILED
   2  [^\n]+    1  1 FAILED, 1 close FAILED
   7  [^\n]+    1  1 INFORMATIONAL
  10  [^\n]+    1  1 FAILED, 1 close FAILED
      all  [^\n]+    4  1 INFORMATIONAL, 3 FAILED, 3 close FAILED
      not good: 1.1.1 2.1 10.1.1
4 results, 3 not good: reports.servers.index.html
$`, e.out)
}
