package autobahn

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

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
