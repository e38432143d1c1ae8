package autobahn

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// echoServer starts a server made of frames, which echoes what change makes of a message.
func echoServer(t *testing.T, change func(frame.Opcode, []byte) []byte) (url string, connections *atomic.Int32) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	connections = &atomic.Int32{}
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go echoOne(nc, change)
		}
	}()
	return "ws://" + ln.Addr().String(), connections
}

func echoOne(nc net.Conn, change func(frame.Opcode, []byte) []byte) {
	defer nc.Close()
	br := bufio.NewReader(nc)
	req, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	nc.Write(appendSwitch(nil, req.Header.Get("Sec-WebSocket-Key"), ""))
	echoFrames(nc, br, frame.FromClient, change)
}

// echoFrames echoes until a Close.
func echoFrames(w io.Writer, r io.Reader, from frame.Direction, change func(frame.Opcode, []byte) []byte) error {
	for {
		f, err := frame.Read(r, from, 0, 1<<20)
		if err != nil {
			return err
		}
		switch {
		case f.Opcode == frame.Ping:
			f.Opcode = frame.Pong
		case change != nil:
			f.Payload = change(f.Opcode, f.Payload)
		}
		f.Masked, f.Key = from == frame.FromServer, 0x01020304
		if err := frame.Write(w, f); err != nil {
			return err
		}
		if f.Opcode == frame.Close {
			return nil
		}
	}
}

// echoClient is a client made of frames.
func echoClient(ctx context.Context, url string, change func(frame.Opcode, []byte) []byte) error {
	u, err := handshake.ParseURL(url)
	if err != nil {
		return err
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	offer := handshake.Offer{URL: u}
	b, err := offer.AppendRequest(nil)
	if err != nil {
		return err
	}
	if _, err := nc.Write(b); err != nil {
		return err
	}
	br := bufio.NewReader(nc)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != 101 {
		body, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return echoFrames(nc, br, frame.FromServer, change)
}

// shout is the fault of a peer that gets case 1.2 of echoCases wrong, and no other.
func shout(_ frame.Opcode, payload []byte) []byte {
	if string(payload) == "and" {
		return []byte("AND")
	}
	return payload
}

// grumble is the fault of a peer that answers a Close with a code of its own.
func grumble(op frame.Opcode, payload []byte) []byte {
	if op == frame.Close {
		return []byte{0x0f, 0xa0} // 4000
	}
	return payload
}

// shoutedCases are echoCases for a peer that shouts: the case that it gets wrong does not take long.
func shoutedCases() []*Case {
	c := echoCases()
	c[1].Deadline.After = 50 * time.Millisecond
	return c
}

// looseCases are echoCases of which one is NON-STRICT, and one INFORMATIONAL.
func looseCases() []*Case {
	c := echoCases()
	c[1].Expect[0].Verdict = NonStrict
	c[2].Informational = true
	return c
}

// The scenarios run in a process of their own, since some of them fail.
var scenarios = map[string]func(t *testing.T){
	"good": func(t *testing.T) {
		url, _ := echoServer(t, nil)
		Run(t, url, From(echoCases()))
	},
	"wrong": func(t *testing.T) {
		url, _ := echoServer(t, shout)
		Run(t, url, From(shoutedCases()))
	},
	"allowed": func(t *testing.T) {
		url, _ := echoServer(t, shout)
		Run(t, url, From(shoutedCases()), Allow("1.2", "it shouts", Failed, WrongCode), Allow("1.1", "as it once did", Failed))
	},
	"allowed otherwise": func(t *testing.T) {
		url, _ := echoServer(t, shout)
		Run(t, url, From(shoutedCases()), Allow("1.2", "it shouts", NonStrict, WrongCode))
	},
	"wrong code": func(t *testing.T) {
		url, _ := echoServer(t, grumble)
		Run(t, url, From(echoCases()), Allow("1.2", "it grumbles", WrongCode))
	},
	"loose": func(t *testing.T) {
		url, _ := echoServer(t, nil)
		Run(t, url, From(looseCases()))
	},
	"strict": func(t *testing.T) {
		url, _ := echoServer(t, nil)
		Run(t, url, From(looseCases()), Strict())
	},
	"strict but allowed": func(t *testing.T) {
		url, _ := echoServer(t, nil)
		Run(t, url, From(looseCases()), Strict(), Allow("1.2", "it is late", NonStrict))
	},
	"selected": func(t *testing.T) {
		url, _ := echoServer(t, nil)
		Run(t, url, From(echoCases()), Only("1.1*", "2.1"), Exclude("1.10"))
	},
	"excluded agents": func(t *testing.T) {
		url, _ := echoServer(t, shout)
		Run(t, url, From(shoutedCases()), ConfigureClient(func(c *Client) {
			c.Skip = func(agent string, c *Case) bool { return c.ID == "1.2" }
		}))
	},
	"unimplemented": func(t *testing.T) {
		url, _ := echoServer(t, nil)
		Run(t, url, Only("12.1.1"))
	},
	"unreachable": func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ln.Close()
		Run(t, "ws://"+ln.Addr().String(), From(echoCases()))
	},
	"no websocket": func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		Run(t, strings.Replace(s.URL, "http", "ws", 1), From(echoCases()), Only("1.1"))
	},
	"tls": func(t *testing.T) {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			nc, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			nc.Write(appendSwitch(nil, r.Header.Get("Sec-WebSocket-Key"), ""))
			defer nc.Close()
			echoFrames(nc, nc, frame.FromClient, nil)
		}))
		defer s.Close()
		Run(t, strings.Replace(s.URL, "http", "ws", 1), From(echoCases()), ConfigureClient(func(c *Client) {
			c.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig
		}))
	},
	"bad URL":      func(t *testing.T) { Run(t, "http://127.0.0.1:9001") },
	"unknown case": func(t *testing.T) { Run(t, "ws://127.0.0.1:9001", Only("1.1.99")) },
	"nothing left": func(t *testing.T) { Run(t, "ws://127.0.0.1:9001", Only("1.*"), Exclude("*")) },
	"allow nobody": func(t *testing.T) { Run(t, "ws://127.0.0.1:9001", Allow("8.*", "why not", Failed)) },
	"allow a typo": func(t *testing.T) { Run(t, "ws://127.0.0.1:9001", Allow("1.1.99", "why not", Failed)) },
	"no reason":    func(t *testing.T) { Run(t, "ws://127.0.0.1:9001", Allow("1.1.1", "", Failed)) },
	"no verdicts":  func(t *testing.T) { Run(t, "ws://127.0.0.1:9001", Allow("1.1.1", "why not")) },

	"one": func(t *testing.T) {
		url, connections := echoServer(t, nil)
		Run(t, url, From(echoCases()))
		t.Logf("%d connections", connections.Load())
	},

	"client": func(t *testing.T) {
		RunClient(t, func(ctx context.Context, url string) error { return echoClient(ctx, url, nil) }, From(echoCases()), ConfigureServer(func(s *Server) {
			s.Finished = func(r *Result) { t.Logf("finished %s", r.Case.ID) }
			s.Started = func(agent string, c *Case) { t.Logf("started %s", c.ID) }
		}))
	},
	"wrong client": func(t *testing.T) {
		RunClient(t, func(ctx context.Context, url string) error {
			return errors.Join(echoClient(ctx, url, shout), errors.New("I am tired"))
		}, From(shoutedCases()), Parallel(1))
	},
	"loop": func(t *testing.T) {
		RunClientLoop(t, func(ctx context.Context, base string) error {
			for n := 1; n <= 4; n++ {
				if err := echoClient(ctx, fmt.Sprintf("%s/runCase?case=%d&agent=me", base, n), nil); err != nil {
					return err
				}
			}
			return nil
		}, From(echoCases()))
	},
	"lazy loop": func(t *testing.T) {
		RunClientLoop(t, func(ctx context.Context, base string) error {
			if err := echoClient(ctx, base+"/runCase?case=1&agent=me", nil); err != nil {
				return err
			}
			if err := echoClient(ctx, base+"/runCase?case=2&agent=me", shout); err != nil {
				return err
			}
			return errors.New("out of breath")
		}, From(shoutedCases()))
	},
	"loop of two": func(t *testing.T) {
		RunClientLoop(t, func(ctx context.Context, base string) error {
			echoClient(ctx, base+"/runCase?case=1&agent=me", nil)
			return echoClient(ctx, base+"/runCase?case=1&agent=you", nil)
		}, From(echoCases()))
	},
	"loop that stops the server": func(t *testing.T) {
		RunClientLoop(t, func(ctx context.Context, base string) error {
			echoClient(ctx, base+"/runCase?case=1&agent=me", nil)
			return echoClient(ctx, base+"/updateReports?agent=me&shutdownOnComplete=true", nil)
		}, From(echoCases()), Only("1.1"))
	},
}

// inScenario is the flag of the process in which a scenario runs.
var inScenario = flag.String("scenario", "", "of TestRun, to run here")

func TestScenario(t *testing.T) {
	if *inScenario == "" {
		t.Skip("TestRun starts it")
	}
	scenarios[*inScenario](t)
	noStrays(t)
}

func TestRun(t *testing.T) {
	for _, row := range []struct {
		name     string
		run      string            // of the flag -test.run
		outcomes map[string]string // of subtests
		says     []string          // regular expressions
	}{
		{"good", "", map[string]string{"": "PASS", "/1": "PASS", "/1/1.1": "PASS", "/1/1.2": "PASS", "/1/1.10": "PASS", "/2": "PASS", "/2/2.1": "PASS"}, nil},
		{"wrong", "", map[string]string{"": "FAIL", "/1": "FAIL", "/1/1.1": "PASS", "/1/1.2": "FAIL", "/1/1.10": "PASS", "/2": "PASS", "/2/2.1": "PASS"},
			[]string{`FAILED; `, `case: +Sends`, `found: +what came is not`, `-> text, 3 octets, masked: "and"\n`, `<- text, 3 octets: "AND"\n`}},
		{"allowed", "", map[string]string{"": "PASS", "/1/1.1": "PASS", "/1/1.2": "PASS"},
			[]string{`FAILED, WRONG CODE at the end; allowed: it shouts`, `OK, although \[FAILED\] is allowed: as it once did`}},
		{"allowed otherwise", "", map[string]string{"": "FAIL", "/1/1.2": "FAIL"}, nil},
		{"wrong code", "", map[string]string{"": "FAIL", "/1/1.1": "FAIL", "/1/1.2": "PASS", "/2/2.1": "FAIL"},
			[]string{`OK; WRONG CODE at the end`, `at end: .* 4000`, `OK, WRONG CODE at the end; allowed: it grumbles`, `<- close 4000\n`}},
		{"loose", "", map[string]string{"": "PASS", "/1/1.2": "PASS", "/1/1.10": "PASS"}, []string{`NON-STRICT: what came`, `INFORMATIONAL: `}},
		{"strict", "", map[string]string{"": "FAIL", "/1/1.2": "FAIL", "/1/1.10": "PASS"}, []string{`NON-STRICT; OK at the end`}},
		{"strict but allowed", "", map[string]string{"": "PASS", "/1/1.2": "PASS"}, []string{`it is late`}},
		{"selected", "", map[string]string{"": "PASS", "/1": "PASS", "/1/1.1": "PASS", "/1/1.2": "", "/1/1.10": "", "/2/2.1": "PASS"}, nil},
		{"excluded agents", "", map[string]string{"": "PASS", "/1/1.2": "SKIP", "/1/1.1": "PASS"}, nil},
		{"unimplemented", "", map[string]string{"": "PASS", "/12/12.1.1": "SKIP"}, []string{`UNIMPLEMENTED: `}},
		{"unreachable", "", map[string]string{"": "FAIL", "/1": "FAIL", "/1/1.1": "", "/2": ""}, []string{`cannot connect to ws://.*; 0 of 3 cases were played`, `1 more cases`}},
		{"no websocket", "", map[string]string{"": "FAIL", "/1/1.1": "FAIL"}, []string{`request: +GET / HTTP/1.1\n`, `response: +HTTP/1.1 404 Not Found\n`}},
		{"tls", "", map[string]string{"": "PASS", "/1/1.1": "PASS", "/2/2.1": "PASS"}, nil},
		{"bad URL", "", map[string]string{"": "FAIL", "/1": ""}, []string{`ws://`}},
		{"unknown case", "", map[string]string{"": "FAIL", "/1": ""}, []string{`1\.1\.99`}},
		{"nothing left", "", map[string]string{"": "FAIL", "/1": ""}, []string{`no cases`}},
		{"allow nobody", "", map[string]string{"": "FAIL", "/1": ""}, []string{`no case is "8\.\*"`}},
		{"allow a typo", "", map[string]string{"": "FAIL", "/1": ""}, []string{`1\.1\.99`}},
		{"no reason", "", map[string]string{"": "FAIL", "/1": ""}, []string{`expected a reason`}},
		{"no verdicts", "", map[string]string{"": "FAIL", "/1": ""}, []string{`expected a reason, and verdicts`}},

		{"one", "/1/1.2", map[string]string{"": "PASS", "/1/1.1": "", "/1/1.2": "PASS", "/2": ""}, []string{`\n +run_test.go:\d+: 1 connections`}},
		{"one", "/1", map[string]string{"": "PASS", "/1/1.1": "PASS", "/1/1.2": "PASS", "/2": ""}, []string{`: 3 connections`}},
		{"one", "/2/none", map[string]string{"": "PASS", "/2": "PASS", "/2/2.1": ""}, []string{`: 0 connections`}},

		{"client", "", map[string]string{"": "PASS", "/1/1.1": "PASS", "/1/1.2": "PASS", "/2/2.1": "PASS"}, []string{`started 1\.10`, `finished 2\.1`}},
		{"client", "/1/1.2", map[string]string{"": "PASS", "/1/1.1": "", "/1/1.2": "PASS", "/2": ""}, nil},
		{"wrong client", "", map[string]string{"": "FAIL", "/1/1.1": "PASS", "/1/1.2": "FAIL", "/2/2.1": "PASS"},
			[]string{`found: .*; the client returned: I am tired`, `<- text, 3 octets, masked: "AND"\n`}},
		{"loop", "", map[string]string{"": "PASS", "/1/1.1": "PASS", "/1/1.2": "PASS", "/2/2.1": "PASS"}, nil},
		{"lazy loop", "", map[string]string{"": "FAIL", "/1/1.1": "PASS", "/1/1.2": "FAIL", "/1/1.10": "FAIL", "/2/2.1": "FAIL"},
			[]string{`the client returned: out of breath`, `did not run this case`}},
		{"loop of two", "", map[string]string{"": "FAIL", "/1": ""}, []string{`expected one agent, found 2`}},
		{"loop that stops the server", "", map[string]string{"": "PASS", "/1/1.1": "PASS"}, nil},
	} {
		t.Run(row.name+row.run, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestScenario$"+row.run, "-scenario="+row.name)
			out, err := cmd.CombinedOutput()
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			for name, outcome := range row.outcomes {
				m := regexp.MustCompile(`--- (\w+): TestScenario` + regexp.QuoteMeta(name) + ` \(`).FindSubmatch(out)
				if m == nil {
					m = [][]byte{nil, nil}
				}
				require.Equal(t, outcome, string(m[1]), "%s\n%s", name, out)
			}
			require.Equal(t, row.outcomes[""] == "FAIL", err != nil, "%s", out)
			for _, s := range row.says {
				require.Regexp(t, s, string(out))
			}
			require.NotContains(t, string(out), "panic")
		})
	}
}

// Clients that do not do what they should do not stop RunClient.
func TestRunClientWaits(t *testing.T) {
	p := &plan{cases: echoCases()}
	c := p.cases[0]
	v := p.visit(t, func(*Server) {})
	defer func() {
		v.end()
		noStrays(t)
	}()
	v.connectTime, v.returnTime = time.Millisecond, time.Millisecond

	r, err := v.one(t.Context(), c, func(context.Context, string) error { return errors.New("no time") })
	require.NoError(t, err)
	require.False(t, r.Good())
	require.Equal(t, "the client returned without an opening handshake; the client returned: no time", r.Reason)

	v.startTime, v.returnTime = time.Millisecond, returnTime
	r, err = v.one(t.Context(), c, func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
	require.NoError(t, err)
	require.Equal(t, "the client has not connected; the client returned: context canceled", r.Reason)
	v.startTime, v.returnTime = startTime, time.Millisecond

	free := make(chan struct{})
	_, err = v.one(t.Context(), c, func(ctx context.Context, url string) error {
		echoClient(ctx, url, nil)
		<-ctx.Done()
		<-free
		return nil
	})
	require.ErrorContains(t, err, "case 1.1: the client has not returned")
	close(free)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = v.one(ctx, c, func(ctx context.Context, url string) error {
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)

	// One that has connected, and returned, is waited for: the case has its own deadlines.
	v.connectTime = 0
	c.Deadline.After = 50 * time.Millisecond
	var kept net.Conn
	r, err = v.one(t.Context(), c, func(ctx context.Context, url string) error {
		u, _ := handshake.ParseURL(url)
		nc, err := net.Dial("tcp", u.Host)
		require.NoError(t, err)
		kept = nc
		b, _ := (&handshake.Offer{URL: u}).AppendRequest(nil)
		nc.Write(b)
		_, err = bufio.NewReader(nc).ReadString('\n') // the server has started the case before it answers, or is about to
		require.NoError(t, err)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.calls[c.ID].started = true
		return nil
	})
	require.NoError(t, err)
	require.True(t, r.Opened)
	require.Equal(t, Failed, r.Behavior)
	kept.Close()
}

// The server of wss is the same behind a TLS listener.
func TestServerTLS(t *testing.T) {
	backing := httptest.NewUnstartedServer(nil)
	backing.StartTLS()
	defer backing.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{URL: "wss://" + ln.Addr().String(), Cases: echoCases(), Options: DefaultOptions()}
	ended := make(chan error)
	go func() {
		_, err := s.Serve(t.Context(), tls.NewListener(ln, backing.TLS))
		ended <- err
	}()
	for _, path := range []string{"/getCaseCount", "/runCase?case=1&agent=a", "/stopServer"} {
		nc, err := tls.Dial("tcp", ln.Addr().String(), backing.Client().Transport.(*http.Transport).TLSClientConfig)
		require.NoError(t, err)
		u, err := handshake.ParseURL("wss://" + ln.Addr().String() + path)
		require.NoError(t, err)
		b, err := (&handshake.Offer{URL: u}).AppendRequest(nil)
		require.NoError(t, err)
		_, err = nc.Write(b)
		require.NoError(t, err)
		br := bufio.NewReader(nc)
		resp, err := http.ReadResponse(br, nil)
		require.NoError(t, err)
		require.Equal(t, 101, resp.StatusCode)
		require.NoError(t, echoFrames(nc, br, frame.FromServer, nil))
		nc.Close()
	}
	require.NoError(t, <-ended)
	noStrays(t)
}

func TestTranscript(t *testing.T) {
	ms := time.Millisecond
	log := []LogEntry{
		{Kind: OctetsOut, Len: 7},
		{Kind: FrameOut, Opcode: frame.Text, Fin: true, Len: 5, Data: []byte("Hello"), Masked: true},
		{Kind: FailSet, For: time.Second},
		{Kind: OctetsIn, Len: 100},
		{Kind: FrameIn, Opcode: frame.Text, Len: 70, Data: bytes.Repeat([]byte("é"), 32), At: 2 * ms, Rsv: 4},
		{Kind: FrameIn, Opcode: frame.Binary, Fin: true, Len: 70, Data: append(bytes.Repeat([]byte("a"), 63), 0xc3), At: 3 * ms},
		{Kind: FrameIn, Opcode: 3, Fin: true, Len: 2, Data: []byte{0xff, 0}, At: 3 * ms},
		{Kind: FrameIn, Opcode: frame.Ping, Fin: true, At: 3 * ms},
		{Kind: OctetsIn, Len: 3, Data: []byte{0x81, 0x05, 0x48}},
		{Kind: WaitBegin, For: time.Second, Tag: "x"},
		{Kind: WaitEnd, Tag: "x", At: 1003 * ms},
		{Kind: FailFired, At: 2000 * ms},
		{Kind: LogSwitch},
		{Kind: FrameOut, Opcode: frame.Close, Fin: true, Len: 12, Data: []byte("\x03\xe9Going Away"), Chop: 1},
		{Kind: FrameIn, Opcode: frame.Close, Fin: true},
		{Kind: FrameIn, Opcode: frame.Close, Fin: true, Len: 1, Data: []byte{3}},
		{Kind: OctetsIn, Len: 2, Data: []byte{0xff, 0xff}},
	}
	require.Equal(t, strings.Join([]string{
		`  0.000 s  -> text, 5 octets, masked: "Hello"`,
		`  0.000 s  in 1s the connection will be failed`,
		`  0.002 s  <- text, 70 octets, FIN not set, RSV 100: "` + strings.Repeat("é", 32) + `"...`,
		`  0.003 s  <- binary, 70 octets: "` + strings.Repeat("a", 63) + `"...`,
		`  0.003 s  <- reserved opcode 3, 2 octets: ff00`,
		`  0.003 s  <- ping, 0 octets`,
		`  0.000 s  wait for 1s`,
		`  1.003 s  the wait is over`,
		`  2.000 s  time is up: the connection is failed`,
		`  0.000 s  the log is off while data flows`,
		`  0.000 s  -> close 1001, 1 octets at a time: "Going Away"`,
		`  0.000 s  <- close`,
		`  0.000 s  <- close, 1 octets: "\x03"`,
		`  0.000 s  <- 2 octets on the wire: ffff`,
	}, "\n"), transcript(log, 100))
	require.Empty(t, transcript([]LogEntry{{Kind: OctetsIn, Data: []byte("GET / HTTP/1.1")}, {Kind: OctetsIn, Data: []byte("HTTP/1.1 101")}}, 4))
	lines := strings.Split(transcript(log, 4), "\n")
	require.Len(t, lines, 5)
	require.Equal(t, "... 10 lines left out ...", lines[2])
	require.Contains(t, lines[4], "ffff")
	require.Contains(t, LogEntry{Kind: OctetsOut, Len: 100, Data: []byte{1}}.String(), "01...")
	require.Contains(t, LogEntry{Kind: CloseSet, For: time.Second}.String(), "1s")
	require.NotEqual(t, LogEntry{Kind: LogSwitch, On: true}.String(), LogEntry{Kind: LogSwitch}.String())
	require.NotEmpty(t, LogEntry{Kind: CloseFired}.String())
}
