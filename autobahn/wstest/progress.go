package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/idlewire/idlewire/autobahn"
)

// A progress tells how a run goes: on a terminal in one line that is written again and again, elsewhere in a line now and then; and what is not good at once.
type progress struct {
	out      io.Writer
	terminal bool
	trace    io.Writer // nil: none
	now      func() time.Time
	sections map[string]int // cases in each

	mu       sync.Mutex // guards the fields below
	last     string     // peer with which a case was started
	outcomes map[string]map[string]outcome
	running  []*autobahn.Case
	spoke    time.Time // when a line was written
	drawn    int       // columns of the line on the terminal
}

// An outcome is what became of a case with a peer.
type outcome byte

const (
	good    outcome = iota + 1
	notOK           // it is not good
	leftOut         // the peer is excluded from it
)

// maxPeers is how many peers are told apart: more than a server has agents with results. Clients that are excluded from a case may call themselves what they like.
const maxPeers = 1000

// between is how long it may be silent where there is no terminal, while cases come to an end.
const between = 5 * time.Second

func newProgress(c *command, cases []*autobahn.Case) *progress {
	p := &progress{
		out:      c.stdout,
		terminal: c.terminal && !c.trace, // a trace would be written into the line
		now:      c.now,
		sections: map[string]int{},
		outcomes: map[string]map[string]outcome{},
		spoke:    c.now(),
	}
	if c.trace {
		p.trace = c.stderr
	}
	for _, k := range cases {
		p.sections[section(k)]++
	}
	return p
}

func section(k *autobahn.Case) string {
	s, _, _ := strings.Cut(k.ID, ".")
	return s
}

// started says that a case begins. Peers are told apart by what they are called here: by the agent's name, servers without one by their URL.
func (p *progress) started(peer string, k *autobahn.Case) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = peer
	p.running = append(p.running, k)
	if p.outcomes[peer] == nil {
		p.outcomes[peer] = map[string]outcome{}
	}
	p.draw()
}

// leaveOut says that a client, or if agent is "" the server that is being tested, is excluded from a case.
func (p *progress) leaveOut(agent string, k *autobahn.Case) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if agent == "" {
		agent = p.last
	}
	p.ended(agent, k, leftOut)
	p.draw()
}

// finished says how a case has ended. It may do so more than once: what it says last stands.
func (p *progress) finished(r *autobahn.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trace != nil {
		writeTrace(p.trace, r)
	}
	peer := p.last
	if r.IsServer {
		peer = r.Agent
	}
	before := p.outcomes[peer][r.Case.ID]
	switch {
	case !r.Good() && before != notOK:
		p.line("%s %s: %s", r.Case.ID, r.Agent, words(r))
	case r.Good() && before == notOK:
		p.line("%s %s: %s when run again", r.Case.ID, r.Agent, words(r))
	}
	o := good
	if !r.Good() {
		o = notOK
	}
	p.ended(peer, r.Case, o)
	if !p.terminal && p.now().Sub(p.spoke) >= between {
		p.line("%s", p.state())
	}
	p.draw()
}

// words are the verdicts of r, with the reasons for what is not good.
func words(r *autobahn.Result) string {
	s := string(r.Behavior)
	if !r.Behavior.Good() && r.Reason != "" {
		s += " (" + r.Reason + ")"
	}
	s += ", close " + string(r.BehaviorClose)
	if r.BehaviorClose != autobahn.OK && r.BehaviorClose != autobahn.Informational && r.ReasonClose != "" {
		s += " (" + r.ReasonClose + ")"
	}
	return s
}

// ended notes an outcome, and says so when it was the last one that a section lacked.
func (p *progress) ended(peer string, k *autobahn.Case, o outcome) {
	if i := slices.Index(p.running, k); i >= 0 {
		p.running = slices.Delete(p.running, i, i+1)
	}
	if p.outcomes[peer] == nil && len(p.outcomes) >= maxPeers {
		return
	}
	if p.outcomes[peer] == nil {
		p.outcomes[peer] = map[string]outcome{}
	}
	first := p.outcomes[peer][k.ID] == 0
	p.outcomes[peer][k.ID] = o
	if p.terminal || !first {
		return
	}
	n := map[outcome]int{}
	for id, o := range p.outcomes[peer] {
		if strings.HasPrefix(id, section(k)+".") {
			n[o]++
		}
	}
	if all := p.sections[section(k)]; n[good]+n[notOK]+n[leftOut] == all {
		text := fmt.Sprintf("section %s: %d of %d good", section(k), n[good], all-n[leftOut])
		if n[leftOut] > 0 {
			text += fmt.Sprintf(", %d left out", n[leftOut])
		}
		if len(p.outcomes) > 1 {
			text += " (" + peer + ")"
		}
		p.line("%s", text)
	}
}

// tally counts the outcomes of all peers, and the cases that each could have one for.
func (p *progress) tally() (n map[outcome]int, all int) {
	n = map[outcome]int{}
	for _, outcomes := range p.outcomes {
		for _, o := range outcomes {
			n[o]++
		}
		for _, cases := range p.sections {
			all += cases
		}
	}
	return n, all
}

// state tells how far the run is.
func (p *progress) state() string {
	n, all := p.tally()
	s := fmt.Sprintf("%d of %d", n[good]+n[notOK]+n[leftOut], all)
	if n[notOK] > 0 {
		s += fmt.Sprintf(", %d not good", n[notOK])
	}
	if len(p.running) > 0 {
		s += ", now"
	}
	for _, k := range p.running {
		s += " " + k.ID
	}
	return s
}

// good reports whether all cases that have ended are good, and there are some.
func (p *progress) good() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, _ := p.tally()
	return n[good] > 0 && n[notOK] == 0
}

// end takes the line away, for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.terminal = false
}

// line writes a line that stays.
func (p *progress) line(format string, args ...any) {
	p.erase()
	fmt.Fprintln(p.out, clean(fmt.Sprintf(format, args...)))
	p.spoke = p.now()
}

// columns is how wide the line on the terminal may be: one that wraps cannot be taken back.
const columns = 79

// draw writes the line on the terminal, over the one before.
func (p *progress) draw() {
	if !p.terminal {
		return
	}
	text := []rune(clean(p.state()))
	if len(text) > columns {
		text = append(text[:columns-3], '.', '.', '.')
	}
	fmt.Fprintf(p.out, "\r%s%s", string(text), strings.Repeat(" ", max(0, p.drawn-len(text))))
	p.drawn = len(text)
}

func (p *progress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.drawn))
		p.drawn = 0
	}
}
