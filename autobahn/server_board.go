package autobahn

import (
	"sync"
)

// A board is where a server keeps its results, and tells those who wait for them.
type board struct {
	report *Report

	mu       sync.Mutex // guards what follows
	agents   map[string]bool
	verdicts map[caseOf]Verdict // Behavior of the results
	running  map[caseOf]int     // connections on which the case runs
	waits    int                // held-back answers
	changed  chan struct{}      // closed, and replaced, when verdicts or running changes
}

// A caseOf is a case with an agent.
type caseOf struct{ agent, id string }

func newBoard() *board {
	return &board{
		report: &Report{}, agents: map[string]bool{}, verdicts: map[caseOf]Verdict{}, running: map[caseOf]int{}, changed: make(chan struct{}),
	}
}

// start notes that the case runs. It is not ok if there are too many agents. Finish notes that the case has run, with result r, or without one if r is nil; only
// its first call counts.
func (b *board) start(c caseOf) (finish func(r *Result), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.agents[c.agent] {
		if len(b.agents) >= maxAgents {
			return nil, false
		}
		b.agents[c.agent] = true
	}
	b.running[c]++
	var once sync.Once
	return func(r *Result) { once.Do(func() { b.finish(c, r) }) }, true
}

func (b *board) finish(c caseOf, r *Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r != nil {
		b.report.Add(r)
		b.verdicts[c] = r.Behavior
	}
	if b.running[c]--; b.running[c] == 0 {
		delete(b.running, c)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// hold takes one of the places of those who wait for a result. It is false if there is none left. If there is a result already no place is needed, and none taken.
func (b *board) hold(c caseOf) (release func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.verdicts[c]; known {
		return func() {}, true
	}
	if b.waits >= maxStatusWaits {
		return nil, false
	}
	b.waits++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waits--
	}), true
}

// verdict waits for a result of the case. It is false if gone was closed first.
func (b *board) verdict(gone <-chan struct{}, c caseOf) (v Verdict, ok bool) {
	ok = b.wait(gone, func() bool {
		v, ok = b.verdicts[c]
		return ok
	})
	return v, ok
}

// settle waits until no case runs with the agent, or gone is closed.
func (b *board) settle(gone <-chan struct{}, agent string) {
	b.wait(gone, func() bool {
		for c := range b.running {
			if c.agent == agent {
				return false
			}
		}
		return true
	})
}

// wait waits until met, which is called with mu held. It is false if gone was closed first.
func (b *board) wait(gone <-chan struct{}, met func() bool) bool {
	for {
		b.mu.Lock()
		ok, changed := met(), b.changed
		b.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-gone:
			return false
		}
	}
}
