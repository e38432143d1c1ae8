package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The program itself, for tests that need a process: they run the test binary with this variable set.
func TestMain(m *testing.M) {
	if os.Getenv("WSTEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// An ended is a run of the program that is over.
type ended struct {
	status   int
	out, err string
}

// wstest runs the program. Listeners are on the loopback interface only.
func wstest(ctx context.Context, args ...string) ended {
	return wstestIn(ctx, "", nil, args...)
}

// wstestIn does so with a standard input, and calls see, if not nil, with each piece of standard output.
func wstestIn(ctx context.Context, stdin string, see func(string), args ...string) ended {
	var out, err recorder
	out.see = see
	c := &command{stdin: strings.NewReader(stdin), stdout: &out, stderr: &err, now: time.Now, listen: loopback}
	status := c.run(ctx, args)
	return ended{status, out.String(), err.String()}
}

func loopback(network, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host == "" {
		host = "127.0.0.1"
	}
	return net.Listen(network, net.JoinHostPort(host, port))
}

// A recorder is what the program has written so far.
type recorder struct {
	mu  sync.Mutex
	b   bytes.Buffer
	see func(string)
}

func (o *recorder) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.see != nil {
		o.see(string(b))
	}
	return o.b.Write(b)
}

func (o *recorder) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A program is a run beside the test.
type program struct {
	url    string // that it says it has
	cancel context.CancelFunc
	over   chan struct{}
	e      ended // once over is closed
}

// wait waits for the program's own end.
func (p *program) wait() ended {
	<-p.over
	return p.e
}

// stop ends the program, as Ctrl-C does.
func (p *program) stop() ended {
	p.cancel()
	return p.wait()
}

// start runs the program until the test ends.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{cancel: cancel, over: make(chan struct{})}
	said := make(chan string, 1)
	address := regexp.MustCompile(`wss?://[^ /,]*:[1-9][0-9]*`)
	go func() {
		defer close(p.over)
		p.e = wstestIn(ctx, "", func(s string) {
			if u := address.FindString(s); u != "" {
				select {
				case said <- u:
				default:
				}
			}
		}, args...)
	}()
	t.Cleanup(func() { p.stop() })
	select {
	case p.url = <-said:
	case <-p.over:
		require.FailNow(t, "the program has ended", "%+v", p.e)
	}
	return p
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(content), 0o666))
	return name
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"-m", "echoserver", "-h"}} {
		e := wstest(t.Context(), args...)
		require.Equal(t, ended{allGood, help, ""}, e)
	}
	for line := range strings.SplitSeq(help, "\n") {
		require.LessOrEqual(t, len(line), 150)
	}
	for _, a := range []string{"-a", "--autobahnversion", "--version"} {
		e := wstest(t.Context(), a)
		require.Equal(t, allGood, e.status)
		require.Regexp(t, `^wstest of idlewire \(.*\), go1.*\n$`, e.out)
	}
}

// Every flag that is parsed is in the help, and the other way round.
func TestHelpIsComplete(t *testing.T) {
	var f flags
	for _, name := range regexp.MustCompile(`(?m)^  --?([a-z-]+)|^  -[a-z], --([a-z]+)|, --([a-z]+)`).FindAllStringSubmatch(help, -1) {
		flag := name[1] + name[2] + name[3]
		err := f.parse([]string{"-" + flag, "7", "-a"})
		if err != nil {
			require.NotContains(t, err.Error(), "not defined", flag)
		}
	}
	for _, flag := range []string{"m", "mode", "s", "spec", "w", "wsuri", "k", "key", "c", "cert", "i", "ident", "u", "webport", "d", "debug", "a", "version", "only",
		"exclude", "cases", "j", "repeat", "seed", "trace", "outdir", "expect", "write-expect", "junit", "driver"} {
		require.Regexp(t, `(?m)[ ,]--?`+flag+`[ ,\n]`, help)
	}
}

// Bad input is a line on standard error, and status 2.
func TestBadInput(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "bad.json", "{\n  \"cases\": [\"*\"],,\n}")
	write(t, "option.json", `{"cases": ["*"], "options": {"failByDorp": true}}`)
	write(t, "unknown.json", "{\n  \"cases\": [\"1.*\", \"1.3.1\"], \"servers\": [{\"url\": \"ws://127.0.0.1:1\"}]\n}")
	write(t, "none.json", `{"cases": [], "servers": [{"url": "ws://127.0.0.1:1"}]}`)
	write(t, "noservers.json", `{"cases": ["1.*"]}`)
	write(t, "expect.json", `{"x": {"1.1.1": ["GOOD", "OK"]}}`)
	write(t, "file", "")
	write(t, "outdir.json", `{"cases": ["*"], "outdir": "file/reports", "servers": [{"url": "ws://127.0.0.1:1"}]}`)
	write(t, "nourl.json", `{"cases": ["*"]}`)
	write(t, "wss.json", `{"cases": ["*"], "url": "wss://127.0.0.1:0"}`)
	write(t, "wsskey.json", `{"cases": ["*"], "url": "wss://127.0.0.1:0", "key": "file", "cert": "file"}`)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	used := ln.Addr().(*net.TCPAddr).Port
	write(t, "used.json", fmt.Sprintf(`{"cases": ["*"], "url": "ws://127.0.0.1:%d"}`, used))
	go func() { // a server that takes connections and hangs up
		for nc, err := ln.Accept(); err == nil; nc, err = ln.Accept() {
			nc.Close()
		}
	}()
	hangsUp := fmt.Sprint("ws://127.0.0.1:", used)
	client, server := "-m fuzzingclient ", "-m fuzzingserver "
	for _, row := range []struct{ args, want string }{
		{"", `-m has to name a mode: fuzzingclient, fuzzingserver, echoserver or echoclient \(-h helps\)`},
		{"-m massconnect", `there is no mode "massconnect"; there are fuzzingclient, fuzzingserver, echoserver and echoclient \(-h helps\)`},
		{"-m", `flag needs an argument: -m \(-h helps\)`},
		{client + "-x", `flag provided but not defined: -x \(-h helps\)`},
		{client + "spec.json", `expected flags only, found "spec.json" \(-h helps\)`},
		{client + "-j 0", `invalid value "0" for flag -j: expected a whole number from 1 to 1000 \(-h helps\)`},
		{client + "-j 1001", `invalid value "1001" for flag -j: expected a whole number from 1 to 1000 \(-h helps\)`},
		{client + "--repeat x", `invalid value "x" for flag -repeat: expected a whole number, 1 or more \(-h helps\)`},
		{client + "--seed 0", `invalid value "0" for flag -seed: expected a whole number, 1 or more \(-h helps\)`},
		{client + "-u 65536", `invalid value "65536" for flag -u: expected a whole number from 0 to 65535 \(-h helps\)`},
		{client + "--only ,", `invalid value "," for flag -only: expected case patterns, such as 1.\*,2.10 \(-h helps\)`},
		{client + "--cases some", `invalid value "some" for flag -cases: expected original, extra or all \(-h helps\)`},
		{"-m echoserver --driver fast", `invalid value "fast" for flag -driver: expected loop, portable or blocking \(-h helps\)`},
		{client + "--driver loop", `-driver has no meaning in mode fuzzingclient \(-h helps\)`},
		{server + "-j 3", `-j has no meaning in mode fuzzingserver \(-h helps\)`},
		{"-m echoclient --only 1.*", `-only has no meaning in mode echoclient \(-h helps\)`},
		{client + "-w http://127.0.0.1", `-w: expected a URL that begins with ws:// or wss://, found "http://127.0.0.1"`},

		{client + "-s missing.json", `reading the configuration: open missing.json: .*`},
		{client + "-s .", `reading the configuration: read .: .*`},
		{client + "-s bad.json", `bad.json:2:18: this is not JSON: invalid character ',' looking for beginning of object key string`},
		{client + "-s -", `standard input:1:1: this is not JSON: unexpected end of JSON input`},
		{client + "-s option.json", `option.json:1:30: options: there is no option "failByDorp"`},
		{client + "-s unknown.json", `unknown.json:2:20: cases\[1\]: there is no case "1.3.1".*`},
		{client + "-s noservers.json", `noservers.json: expected servers, or a URL with -w`},
		{client + "-s none.json", `no case is selected: the configuration, --only, --exclude and --cases leave none`},
		{client + "-w ws://127.0.0.1:1 --only 1.*,20.x", `--only or --exclude: there is no case "20.x".*`},
		{client + "-w ws://127.0.0.1:1 --exclude 1.1", `--only or --exclude: there is no case "1.1"; perhaps 1.1.\* is meant`},
		{client + "-w ws://127.0.0.1:1 --only 1.1.1 --exclude 1.*", `no case is selected: the configuration, --only, --exclude and --cases leave none`},
		{client + "-s outdir.json", `making the folder for the reports: mkdir file.*: .*`},
		{client + "-w ws://127.0.0.1:1 --outdir file", `making the folder for the reports: mkdir file.*: .*`},
		{client + "-w ws://127.0.0.1:1", `cannot connect to ws://127.0.0.1:1: dial tcp 127.0.0.1:1: .*`},

		{client + "-w ws://127.0.0.1:1 --junit no/junit.xml", `stat no: .*`},
		{client + "-w ws://127.0.0.1:1 --write-expect .", `. is a folder`},
		{client + "-w ws://127.0.0.1:1 --expect missing.json", `reading what to expect: open missing.json: .*`},
		{client + "-w ws://127.0.0.1:1 --expect expect.json", `expect.json:1:18: x.1.1.1.0.: expected one of .*, found "GOOD"`},
		{server + "-s nourl.json", `nourl.json:1:1: expected a field "url", such as "ws://127.0.0.1:9001"`},
		{server + "-s wss.json", `wss needs a key and a certificate: -k and -c`},
		{server + "-s wsskey.json", `reading key and certificate: tls: failed to find any PEM data in certificate input`},
		{server + "-s used.json", `listen tcp 127.0.0.1:\d+: bind: .*`},

		{"-m echoserver -w wss://127.0.0.1:0 --driver loop", `the driver loop has no TLS; portable and blocking have`},
		{"-m echoserver -w wss://127.0.0.1:0 --driver blocking", `wss needs a key and a certificate: -k and -c`},
		{"-m echoserver -w " + hangsUp, `listen tcp 127.0.0.1:\d+: bind: .*`},
		{"-m echoclient -w ws://127.0.0.1:1", `connecting to ws://127.0.0.1:1: .*`},
		{"-m echoclient -w " + hangsUp, `connecting to ws://127.0.0.1:\d+: .*`},
	} {
		e := wstest(t.Context(), strings.Fields(row.args)...)
		require.Equal(t, badInput, e.status, "%s: %+v", row.args, e)
		require.Regexp(t, "^wstest: "+row.want+"\n$", e.err, row.args)
	}
}

func TestIsTerminal(t *testing.T) {
	require.False(t, isTerminal(io.Discard))
	null, err := os.Create(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	require.False(t, isTerminal(null))
	f, err := os.Create(t.TempDir() + "/f")
	require.NoError(t, err)
	defer f.Close()
	require.False(t, isTerminal(f))
}
