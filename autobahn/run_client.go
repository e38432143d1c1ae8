package autobahn

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// RunClient tests a client, and makes each case a subtest of t as [Run] does. For each case it calls client, which has to connect to url, ws, and to echo: to send
// each message back with the same type until the connection ends, and then to return.
//
// Client is called from several goroutines, unless [Parallel] is 1. What it returns does not count, since many cases end with an error; it is shown with a case
// that fails. Ctx ends when the case is over; a client that does not return soon after fails the test.
func RunClient(t *testing.T, client func(ctx context.Context, url string) error, options ...RunOption) {
	t.Helper()
	p := newPlan(t, options, Clients)
	v := p.visit(t, func(s *Server) {})
	defer v.end()
	p.subtests(t, func(ctx context.Context, cases []*Case) (map[string]*Result, error) {
		r := run{Client: &Client{Cases: cases, Parallel: p.parallel}, report: &Report{}}
		r.one = func(ctx context.Context, c *Case) (*Result, error) { return v.one(ctx, c, client) }
		err := r.all(ctx)
		return byCase(r.report), err
	})
}

// RunClientLoop tests a client that knows the URLs of the suite (see [Server]), such as a program written for the original. It calls client once, with the URL up to the
// path, such as ws://127.0.0.1:12345, and when client has returned makes each case a subtest of t as [Run] does. A case that
// the client has not run fails. The numbers of the cases count those that [Only] and [Exclude] select.
func RunClientLoop(t *testing.T, client func(ctx context.Context, base string) error, options ...RunOption) {
	t.Helper()
	p := newPlan(t, options, Clients)
	var mu sync.Mutex
	running, idle := 0, make(chan struct{}, 1)
	v := p.visit(t, func(s *Server) {
		started, finished := s.Started, s.Finished
		s.Started = func(agent string, c *Case) {
			mu.Lock()
			running++
			mu.Unlock()
			if started != nil {
				started(agent, c)
			}
		}
		s.Finished = func(r *Result) {
			if finished != nil {
				finished(r)
			}
			mu.Lock()
			defer mu.Unlock()
			if running--; running == 0 {
				select {
				case idle <- struct{}{}:
				default:
				}
			}
		}
	})
	defer v.end()
	ctx, cancel := withDeadline(t)
	defer cancel()
	if err := client(ctx, v.base); err != nil {
		t.Errorf("the client returned: %v", err)
	}
	for { // what the client has begun comes to its end, which every case has
		mu.Lock()
		n := running
		mu.Unlock()
		if n == 0 {
			break
		}
		select {
		case <-idle:
			continue
		case <-v.ended:
		case <-ctx.Done():
		}
		break
	}
	report, err := v.end()
	if err != nil {
		t.Error(err)
	}
	if len(report.results) > 1 {
		t.Fatalf("expected one agent, found %d", len(report.results))
	}
	results := byCase(report)
	p.subtests(t, func(_ context.Context, cases []*Case) (map[string]*Result, error) {
		some := map[string]*Result{}
		for _, c := range cases {
			if some[c.ID] = results[c.ID]; some[c.ID] == nil {
				some[c.ID] = notRun(c, "the client did not run this case")
			}
		}
		return some, nil
	})
}

// A visit is the server that clients visit in a test.
type visit struct {
	base  string // its URL, up to the path
	ended chan struct{}
	end   func() (*Report, error)

	startTime, connectTime, returnTime time.Duration

	mu    sync.Mutex // guards calls
	calls map[string]*call
}

// A call is that of a client for a case.
type call struct {
	started bool         // the client has connected
	result  chan *Result // room for one
}

// startTime is how long a client has to connect, or to return. It may be a program that is built first.
const startTime = 2 * time.Minute

// connectTime is how long a client has, after it has returned, for the server to have seen its connection.
const connectTime = 5 * time.Second

// returnTime is how long a client has to return when its connection has ended.
const returnTime = 30 * time.Second

// visit starts a server on a free port.
func (p *plan) visit(t *testing.T, change func(*Server)) *visit {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("autobahn: ", err)
	}
	s := &Server{Options: DefaultOptions()}
	for _, f := range p.servers {
		f(s)
	}
	s.URL, s.Cases = "ws://"+ln.Addr().String(), p.cases
	v := &visit{base: s.URL, ended: make(chan struct{}), calls: map[string]*call{}, startTime: startTime, connectTime: connectTime, returnTime: returnTime}
	started, finished := s.Started, s.Finished
	s.Started = func(agent string, c *Case) {
		if started != nil {
			started(agent, c)
		}
		v.tell(c, nil)
	}
	s.Finished = func(r *Result) {
		if finished != nil {
			finished(r)
		}
		v.tell(r.Case, r)
	}
	change(s)
	ctx, stop := context.WithCancel(context.Background())
	var report *Report
	go func() {
		defer close(v.ended)
		report, err = s.Serve(ctx, ln)
	}()
	v.end = func() (*Report, error) {
		stop()
		<-v.ended
		return report, err
	}
	return v
}

// tell tells the call of c that it has started, or its result.
func (v *visit) tell(c *Case, r *Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.calls[c.ID]
	switch {
	case k == nil:
	case r == nil:
		k.started = true
	default:
		select {
		case k.result <- r:
		default: // the client has connected more than once; the first counts
		}
	}
}

// one lets client run a case.
func (v *visit) one(ctx context.Context, c *Case, client func(context.Context, string) error) (*Result, error) {
	k := &call{result: make(chan *Result, 1)}
	v.mu.Lock()
	v.calls[c.ID] = k
	v.mu.Unlock()
	cctx, cancel := context.WithCancel(ctx)
	defer cancel()
	returned := make(chan error, 1)
	go func() { returned <- client(cctx, v.base+"/runCase?casetuple="+c.ID+"&agent=client") }()

	var r *Result
	var err error
	start := time.NewTimer(v.startTime)
	defer start.Stop()
	for back := false; r == nil && ctx.Err() == nil; {
		select {
		case r = <-k.result:
		case err = <-returned:
			back = true
			r = v.late(ctx, c, k)
		case <-start.C:
			if !v.started(k) {
				r = notRun(c, "the client has not connected")
			}
		case <-ctx.Done():
		}
		if r == nil || back {
			continue
		}
		cancel()
		select {
		case err = <-returned:
		case <-time.After(v.returnTime):
			return nil, fmt.Errorf("autobahn: case %s: the client has not returned %v after the end of its connection", c.ID, v.returnTime)
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !r.Good() {
		said := *r // r is in the server's report too
		said.Reason += "; the client returned: " + err.Error()
		r = &said
	}
	return r, nil
}

// started reports whether the client has connected.
func (v *visit) started(k *call) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return k.started
}

// late waits for the result of a client that has returned: the server may still be reading what it sent.
func (v *visit) late(ctx context.Context, c *Case, k *call) *Result {
	connect := time.NewTimer(v.connectTime)
	defer connect.Stop()
	for {
		select {
		case r := <-k.result:
			return r
		case <-connect.C:
			if !v.started(k) {
				return notRun(c, "the client returned without an opening handshake")
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// notRun is the result of a case that did not run.
func notRun(c *Case, why string) *Result {
	return &Result{Case: c, Agent: "client", IsServer: true, Behavior: Failed, BehaviorClose: Failed, Reason: why}
}
