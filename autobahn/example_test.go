package autobahn_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/autobahn"
	"github.com/idlewire/idlewire/conn"
)

// The server under test in these examples: it echoes.
func serveEcho(w http.ResponseWriter, r *http.Request) {
	c, err := conn.Accept(w, r, nil, nil)
	if err != nil {
		return // Accept has answered
	}
	defer c.CloseNow()
	echo(c)
}

// The client under test: it connects, and echoes.
func dialEcho(ctx context.Context, url string) error {
	c, err := conn.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	return echo(c)
}

func echo(c *conn.Conn) error {
	for {
		m, err := c.Read()
		if err != nil {
			return err
		}
		if err := c.Write(m.Op, m.Payload); err != nil {
			return err
		}
	}
}

// A project tests its server with a function like this one. Without Only it is held to all cases.
func TestServerConforms(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(serveEcho))
	defer server.Close()
	autobahn.Run(t, strings.Replace(server.URL, "http", "ws", 1),
		autobahn.Only("1.*", "2.*", "5.*"),
		autobahn.Strict(),
	)
}

// And its client with one like this. What a client does otherwise stands in the test, with the reason.
func TestClientConforms(t *testing.T) {
	autobahn.RunClient(t, dialEcho,
		autobahn.Only("1.1.*", "3.*", "7.*"),
		autobahn.Allow("3.2", "the bad frame may be noticed before the echo of the good one has left", autobahn.NonStrict),
	)
}

// A client that knows the URLs of the suite, such as one that was written for the original, is given their beginning. It might as well be a program in another
// language, started with exec.CommandContext.
func TestProgramConforms(t *testing.T) {
	autobahn.RunClientLoop(t, func(ctx context.Context, base string) error {
		for i := range 16 {
			dialEcho(ctx, fmt.Sprintf("%s/runCase?case=%d&agent=idlewire", base, i+1))
		}
		dialEcho(ctx, base+"/updateReports?agent=idlewire")
		return ctx.Err()
	}, autobahn.Only("1.*"))
}

// In a test, Run needs one line.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestConformance(t *testing.T)
		server := httptest.NewServer(http.HandlerFunc(serveEcho))
		defer server.Close()
		autobahn.Run(t, strings.Replace(server.URL, "http", "ws", 1), autobahn.Exclude("9.*", "12.*", "13.*"))
	}
}

func ExampleRunClient() {
	_ = func(t *testing.T) { // func TestConformance(t *testing.T)
		autobahn.RunClient(t, dialEcho, autobahn.Only("1.*", "5.*", "6.*"))
	}
}

func ExampleAllow() {
	_ = func(t *testing.T) {
		autobahn.Run(t, "ws://127.0.0.1:9001", autobahn.Strict(),
			autobahn.Allow("6.4.*", "text is validated when the message is complete", autobahn.NonStrict))
	}
}

// Outside of tests a Client plays cases with servers, and gives a Report.
func ExampleClient() {
	server := httptest.NewServer(http.HandlerFunc(serveEcho))
	defer server.Close()
	cases, err := autobahn.Select(autobahn.Cases(), []string{"1.1.1", "5.19"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := autobahn.Client{
		Targets:  []autobahn.Target{{URL: strings.Replace(server.URL, "http", "ws", 1), Agent: "echo"}},
		Cases:    cases,
		Parallel: 1,
		Finished: func(r *autobahn.Result) { fmt.Println(r.Agent, r.Case.ID, r.Behavior, r.BehaviorClose) },
	}
	if _, err := client.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// echo 1.1.1 OK OK
	// echo 5.19 OK OK
}

// A Server waits for clients, as the original's fuzzingserver does.
func ExampleServer() {
	cases, err := autobahn.Select(autobahn.Cases(), []string{"1.1.*"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := autobahn.Server{
		Cases: cases,
		Reports: func(r *autobahn.Report) error {
			fmt.Println("reports are to be written")
			return nil
		},
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { // a client, which as a rule is a program of its own
		base := "ws://" + ln.Addr().String()
		for i := range cases {
			dialEcho(context.Background(), fmt.Sprintf("%s/runCase?case=%d&agent=me", base, i+1))
		}
		dialEcho(context.Background(), base+"/updateReports?agent=me&shutdownOnComplete=true")
	}()
	_, err = server.Serve(context.Background(), ln)
	fmt.Println(err)
	// Output:
	// reports are to be written
	// <nil>
}
