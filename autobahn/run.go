package autobahn

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Run tests the server at url, ws or wss, which has to echo, and makes each case a subtest of t in that of its section: TestServer/6/6.4.1. So
// -run, -skip, -v and -failfast do what they always do.
//
//	func TestConformance(t *testing.T) {
//		srv := httptest.NewServer(echoHandler)
//		defer srv.Close()
//		autobahn.Run(t, "ws"+strings.TrimPrefix(srv.URL, "http"))
//	}
//
// A case fails that is FAILED, or whose connection did not end as it should; it is skipped if it is UNIMPLEMENTED, as permessage-deflate often is. A failure shows what was
// expected, what happened, and what was on the wire.
//
// The cases of a section are played side by side (see [Parallel]) before its subtests start, or one by one if -run names single cases. All 517 take some minutes, sections 1 to 7
// and 10 some seconds; choose with [Only] and [Exclude]. What is left of the test's deadline is kept to.
func Run(t *testing.T, url string, options ...RunOption) {
	t.Helper()
	if err := CheckURL(url); err != nil {
		t.Fatal("autobahn: ", err)
	}
	p := newPlan(t, options, Servers)
	c := &Client{Targets: []Target{{URL: url, Options: DefaultOptions()}}, Parallel: p.parallel}
	for _, f := range p.clients {
		f(c)
	}
	p.subtests(t, func(ctx context.Context, cases []*Case) (map[string]*Result, error) {
		c.Cases = cases
		r, err := c.Run(ctx)
		return byCase(r), err
	})
}

// A RunOption changes what [Run], [RunClient] and [RunClientLoop] do.
type RunOption func(p *plan)

// Only runs the cases that a pattern names, such as "6.4.1" or "1.*"; see [Select]. Several Only add up.
func Only(patterns ...string) RunOption {
	return func(p *plan) { p.only = append(p.only, patterns...) }
}

// Exclude leaves out the cases that a pattern names.
func Exclude(patterns ...string) RunOption {
	return func(p *plan) { p.exclude = append(p.exclude, patterns...) }
}

// From chooses from other cases than [Cases].
func From(cases []*Case) RunOption { return func(p *plan) { p.cases = cases } }

// Parallel plays n cases at a time; below 1, as by default, means [DefaultParallel], and 1 one after the other.
func Parallel(n int) RunOption { return func(p *plan) { p.parallel = n } }

// Strict lets cases fail that are NON-STRICT.
func Strict() RunOption { return func(p *plan) { p.strict = true } }

// Allow lets the cases that pattern names pass with the verdicts too, of behavior or of the end of the connection, for a reason that is shown. It is the place to write
// down what an implementation does otherwise, and why.
func Allow(pattern, reason string, verdicts ...Verdict) RunOption {
	return func(p *plan) { p.allow = append(p.allow, allowance{pattern, reason, verdicts, nil}) }
}

// ConfigureClient lets f change the Client that [Run] uses, but for its Cases: TLS, Seed, Repeat, and of its one Target Origin, Protocols and Options.
func ConfigureClient(f func(c *Client)) RunOption {
	return func(p *plan) { p.clients = append(p.clients, f) }
}

// ConfigureServer lets f change the Server that [RunClient] and [RunClientLoop] use, but for its URL and Cases.
func ConfigureServer(f func(s *Server)) RunOption {
	return func(p *plan) { p.servers = append(p.servers, f) }
}

// A plan is what the options of a run say.
type plan struct {
	only, exclude []string
	cases         []*Case // those selected
	parallel      int
	strict        bool
	allow         []allowance
	clients       []func(*Client)
	servers       []func(*Server)
}

type allowance struct {
	pattern, reason string
	verdicts        []Verdict
	of              []*Case // that pattern names
}

func newPlan(t *testing.T, options []RunOption, tested Endpoint) *plan {
	t.Helper()
	p := &plan{cases: Cases()}
	for _, o := range options {
		o(p)
	}
	for i := range p.allow {
		a := &p.allow[i]
		var err error
		switch a.of, err = Select(p.cases, []string{a.pattern}, nil); {
		case err != nil:
			t.Fatal("autobahn: Allow: ", err)
		case len(a.of) == 0:
			t.Fatalf("autobahn: Allow: no case is %q", a.pattern)
		case a.reason == "" || len(a.verdicts) == 0:
			t.Fatalf("autobahn: Allow(%q): expected a reason, and verdicts", a.pattern)
		}
	}
	p.cases = CasesFor(p.cases, tested)
	if len(p.only) == 0 {
		p.only = []string{"*"}
	}
	var err error
	if p.cases, err = Select(p.cases, p.only, p.exclude); err != nil {
		t.Fatal(err)
	}
	if len(p.cases) == 0 {
		t.Fatal("autobahn: no cases selected")
	}
	return p
}

// subtests makes a subtest of each section and in it of each case. Batch plays cases of a section and returns their results by ID; a case without result, and without error,
// was not to be judged.
func (p *plan) subtests(t *testing.T, batch func(context.Context, []*Case) (map[string]*Result, error)) {
	t.Helper()
	ctx, cancel := withDeadline(t)
	defer cancel()
	for rest := p.cases; len(rest) > 0 && ctx.Err() == nil; {
		section := sectionOf(rest[0])
		n := slices.IndexFunc(rest, func(c *Case) bool { return sectionOf(c) != section })
		if n < 0 {
			n = len(rest)
		}
		cases := rest[:n]
		rest = rest[n:]
		broken := false
		t.Run(section, func(t *testing.T) {
			if namesCases(t) {
				for _, c := range cases {
					t.Run(c.ID, func(t *testing.T) {
						results, err := batch(ctx, []*Case{c})
						if err != nil {
							broken = true
							t.Fatal(err)
						}
						p.judge(t, c, results[c.ID])
					})
				}
				return
			}
			results, err := batch(ctx, cases)
			for _, c := range cases {
				if r := results[c.ID]; r != nil || err == nil {
					t.Run(c.ID, func(t *testing.T) { p.judge(t, c, r) })
				}
			}
			if err != nil {
				broken = true
				t.Fatalf("%v; %d of %d cases were played", err, len(results), len(cases))
			}
		})
		if broken && len(rest) > 0 {
			t.Fatalf("%d more cases are not played", len(rest))
		}
	}
}

func sectionOf(c *Case) string {
	section, _, _ := strings.Cut(c.ID, ".")
	return section
}

// withDeadline returns the context of t, ended so early that there is time to say what happened before the test is killed.
func withDeadline(t *testing.T) (context.Context, context.CancelFunc) {
	d, ok := t.Deadline()
	if !ok {
		return context.WithCancel(t.Context())
	}
	return context.WithDeadline(t.Context(), d.Add(-time.Until(d)/20))
}

// namesCases reports whether the flag -run chooses among the subtests of t. Then most of them will not run, and the cases of those that do are best played one by one.
func namesCases(t *testing.T) bool {
	f := flag.Lookup("test.run")
	return f != nil && strings.Count(f.Value.String(), "/") > strings.Count(t.Name(), "/")
}

// byCase returns the results of r by case; there is one agent.
func byCase(r *Report) map[string]*Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := map[string]*Result{}
	for _, results := range r.results {
		for id, result := range results {
			m[id] = result
		}
	}
	return m
}

// judge says in t what r means.
func (p *plan) judge(t *testing.T, c *Case, r *Result) {
	t.Helper()
	if r == nil {
		t.Skip("not judged with this agent")
	}
	why, allowed := p.allowed(c)
	good := r.Behavior.Good() && (r.Behavior != NonStrict || !p.strict)
	goodClose := r.BehaviorClose == OK || r.BehaviorClose == Informational
	switch fine := good && goodClose; {
	case !good && !slices.Contains(allowed, r.Behavior), !goodClose && !slices.Contains(allowed, r.BehaviorClose):
		t.Error(explain(r))
	case fine && r.Behavior == Unimplemented:
		t.Skipf("%s: %s", r.Behavior, r.Reason)
	case !fine:
		t.Logf("%s, %s at the end; allowed: %s", r.Behavior, r.BehaviorClose, why)
	case r.Behavior == OK && r.BehaviorClose == OK && len(allowed) > 0:
		t.Logf("%s, although %v is allowed: %s", OK, allowed, why)
	case r.Behavior != OK:
		t.Logf("%s: %s", r.Behavior, r.Reason)
	}
}

// allowed returns what is allowed of c, and why.
func (p *plan) allowed(c *Case) (why string, verdicts []Verdict) {
	for _, a := range p.allow {
		if slices.Contains(a.of, c) {
			why = a.reason
			verdicts = append(verdicts, a.verdicts...)
		}
	}
	return why, verdicts
}

// maxTranscript is how many lines of the log a failed subtest shows, half of them from its end.
const maxTranscript = 60

// explain tells the story of a case that went wrong.
func explain(r *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s at the end of the connection\n", r.Behavior, r.BehaviorClose)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, strings.ReplaceAll(strings.TrimRight(strings.ReplaceAll(text, "\r", ""), "\n"), "\n", "\n          "))
		}
	}
	line("case:", r.Case.Title)
	line("expected:", r.Case.Expects)
	line("RFC:", r.Case.RFC)
	line("found:", r.Reason)
	line("at end:", r.ReasonClose)
	if !r.Opened {
		line("request:", r.HTTPRequest)
		line("response:", r.HTTPResponse)
		return b.String()
	}
	line("on wire:", transcript(r.Log, maxTranscript))
	return b.String()
}
