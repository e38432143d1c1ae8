package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// build builds a command of this module.
func build(t *testing.T, path string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	name := filepath.Join(t.TempDir(), "it")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", name, path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return name
}

// faulty starts a server with one of the conformance suite's faults, as a process, and returns its URL.
func faultyServer(t *testing.T, program, fault string) string {
	t.Helper()
	cmd := exec.Command(program, "-fault", fault)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// One fault of each sort is found. All of them are run as WSFUZZ.md says.
func TestFaults(t *testing.T) {
	if testing.Short() || raceEnabled { // the hunt itself is in the other tests
		t.Skip("half a minute, and many times that with the race detector; TestOurServers hunts in its sight")
	}
	program := build(t, "../../autobahn/wstest/faulty")
	for _, row := range []struct {
		fault, want string
		flags       string
	}{
		{"pong-latest", "odd: 5.5.3: ", "-strict"},
		{"pings", "odd: 5.5.2: a ping may be sent at any time", "-strict"},
		{"fails-losing-output", "what stands before a fault is answered", "-strict"},
		{"close-late", "slow: -: answers come within 500ms: takes longer for the answer to the Close", "-slow 500ms"},
		{"no-deflate", "odd: RFC 7692 5: an offer of permessage-deflate is agreed to", "-strict -compress"},
		{"deflates-afresh", "odd: RFC 7692 7.1.1: a message refers to those before it", "-strict -compress"},
		{"16384-fragments", "sends Close 1008 in the middle of a good session", "-min-fragments 20000"},
		{"accepts-rsv2", "broken: 5.2: RSV", ""},
		{"inner-restarts", "broken: 5.4: fragments of two messages", ""},
		{"pong-altered", "broken: 5.5.3: a pong has the payload of its ping", ""},
		{"no-utf8", "broken: 8.1: text is not UTF-8", ""},
		{"reply-1005", "broken: 7.4: code that no endpoint may send: sends it", ""},
		{"fails-1000", "fails with 1000", ""},
		{"drops-on-ping", "broken: 7.1.7", ""},
		{"echo-short", "broken: echo: a message comes back as it is", ""},
		{"cuts-126", "broken: echo: a message comes back as it is", ""},
		{"sends-rsv3", "broken: 5.2: RSV", ""},
		{"inflates-afresh", "broken: ", ""},
		{"wrong-accept", "broken: 4.1: the response of the opening handshake", ""},
	} {
		t.Run(row.fault, func(t *testing.T) {
			status, out, errs := command(t, append(strings.Fields(row.flags), "-url", faultyServer(t, program, row.fault), "-first", "-duration", "60s", "-seed", "1", "-j", "2")...)
			require.Equal(t, somethingIs, status, "%s%s", out, errs)
			require.Contains(t, out, row.want)
		})
	}
	for _, row := range []struct{ server, flags string }{
		{"correct", ""},
		{"correct", "-strict -min-message 2097152 -min-fragments 20000"},
		{"correct-deflate", "-strict -compress"},
	} {
		t.Run(row.server+row.flags, func(t *testing.T) {
			status, out, errs := command(t, append(strings.Fields(row.flags), "-url", faultyServer(t, program, row.server), "-sessions", "150", "-timeout", "20s", "-seed", "2")...)
			require.Equal(t, nothingFound, status, "%s%s", out, errs)
		})
	}
	for fault, want := range map[string]string{"refuses": "status 403", "status-200": "status 200", "drops-request": "no response to the opening handshake"} {
		t.Run(fault, func(t *testing.T) {
			status, _, errs := command(t, "-url", faultyServer(t, program, fault), "-sessions", "1")
			require.Equal(t, badUsage, status)
			require.Contains(t, errs, want)
		})
	}
}

// Faults that only clients have are found as they come.
func TestClientFaults(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("builds a program; TestOurClient hunts in the sight of the race detector")
	}
	program := build(t, "../../autobahn/wstest/faulty")
	for _, row := range []struct{ fault, want string }{
		{"client-does-not-mask", "broken: 5.1: frame from a client is not masked: sends it"},
		{"client-masks-messages-only", "broken: 5.1: frame from a client is not masked: sends it"},
		{"client-reuses-key", "broken: 5.3: each frame has a fresh masking key"},
		{"no-version", "broken: 4.2.1: the request of the opening handshake: expected Sec-WebSocket-Version: 13"},
		{"wrong-port", "odd: 4.1: Host has the port of the server"},
		{"offers-window-16", "broken: RFC 7692 7.1: the parameters of an offer"},
		{"correct", ""},
		{"correct-deflate", ""},
	} {
		t.Run(row.fault, func(t *testing.T) {
			var out bytes.Buffer
			h := &hunt{out: &out}
			require.NoError(t, h.parse([]string{"-listen", "ws://127.0.0.1:0", "-first", "-strict", "-sessions", "150", "-seed", "1", "-timeout", "20s"}, nil))
			h.errOut = new(bytes.Buffer)
			ln, err := listen(h.listen, false)
			require.NoError(t, err)
			h.src = ln
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go ln.serve(ctx)
			for range 2 {
				cmd := exec.Command(program, "-fault", row.fault, "-dial", ln.ln.Addr().String())
				in, err := cmd.StdinPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())
				defer func() {
					in.Close()
					cmd.Wait()
				}()
			}
			require.NoError(t, h.run(ctx))
			if row.want == "" {
				require.Empty(t, h.order, out.String())
				return
			}
			require.Contains(t, out.String(), row.want)
		})
	}
}

// A finding is written so that it can be played again, and so that go test fails with the fault and passes without.
func TestFiles(t *testing.T) {
	if testing.Short() || raceEnabled { // the hunt itself is in the other tests
		t.Skip("builds three programs")
	}
	program := build(t, "../../autobahn/wstest/faulty")
	good := faultyServer(t, program, "correct")
	for _, row := range []struct{ fault, want string }{
		{"accepts-rsv2", "broken: 5.2: RSV without an extension that gives it a meaning: accepts it"},
		{"pong-altered", "broken: 5.5.3"},
		{"echo-short", "broken: echo"},
	} {
		t.Run(row.fault, func(t *testing.T) {
			bad, dir := faultyServer(t, program, row.fault), t.TempDir()
			status, out, _ := command(t, "-url", bad, "-first", "-duration", "60s", "-seed", "1", "-o", dir)
			require.Equal(t, somethingIs, status, out)
			files, err := filepath.Glob(filepath.Join(dir, "*.wsfuzz"))
			require.NoError(t, err)
			require.NotEmpty(t, files, out)
			status, out, _ = command(t, "-url", bad, "-replay", files[0])
			require.Equal(t, somethingIs, status, out)
			require.Contains(t, out, row.want)
			status, out, _ = command(t, "-url", good, "-replay", files[0])
			require.Equal(t, nothingFound, status, out)

			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module found\n\ngo 1.25\n"), 0o666))
			test := func(url string) (string, error) {
				cmd := exec.Command("go", "test", "-vet=off", "-count=1", ".")
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "WSFUZZ_URL="+url, "GOFLAGS=-mod=mod", "GOWORK=off")
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			text, err := test(bad)
			require.Error(t, err, "%s", text)
			require.Contains(t, text, "--- FAIL: Test001")
			text, err = test(good)
			require.NoError(t, err, "%s", text)
		})
	}
}

// Files by hand.
func TestReadPlan(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wsfuzz")
	read := func(text string) (*plan, error) {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
		p, _, err := readPlan(name)
		return p, err
	}
	p, err := read("# a ping\nrole server\npace in-step\ncuts 1 2\noffer permessage-deflate\ntalk-on\n\nsend 8980 00000000 # FIN ping\nsend 88800000 0000\nsend 8081 * 3\n")
	require.NoError(t, err)
	require.Equal(t, octetsOf(t, "8980 00000000 8880 00000000 808180818081"), p.stream)
	require.Equal(t, []int{1, 2}, p.cuts)
	require.Equal(t, inStep, p.pace)
	require.Equal(t, "permessage-deflate", p.offer)
	require.True(t, p.afterIt)
	for _, text := range []string{"send 8", "send 78 * 0", "send 78 * x", "send 7878 * 67108864", "send zz", "cuts x", "cuts -1", "role proxy", "pace slow", "say hello"} {
		_, err := read("role server\n" + text)
		require.ErrorContains(t, err, "x.wsfuzz:2: ", text)
	}
}
