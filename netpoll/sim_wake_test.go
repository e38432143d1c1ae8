package netpoll

import (
	"fmt"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// The protocol by which other goroutines wake a loop, in a model small enough for all its interleavings: two producers, two posts each, one loop,
// one lock. A step is what no other goroutine can see the inside of.
//
//	loop:      lock; asleep = posts == 0; unlock | wait unless not asleep | lock; asleep = false; unlock | lock; take posts; unlock | ...
//	producer:  lock; posts++ | if asleep: asleep = false, wake | unlock | ...
type wakeModel struct {
	loop     uint8 // the next step of the loop
	blocking bool  // the wait it has decided on
	asleep   bool
	woken    bool // the kernel's
	posts    uint8
	done     uint8 // posts that the loop has taken
	lock     uint8 // 0: free; else who holds it
	producer [2]struct{ step, left uint8 }
}

// A wakeFault is a way to get it wrong, to see that the model would notice.
type wakeFault uint8

const (
	correct         wakeFault = iota
	looksThenSleeps           // looks for posts and says asleep in two critical sections
	wakesFirst                // the producer looks at asleep before it posts
	forgetsToWake             // asleep is cleared, and wake is not called
	losesEarlyWake            // a wake before the wait is lost
)

// steps returns all states that one step leads to.
func (m wakeModel) steps(f wakeFault) (next []wakeModel) {
	n := m
	switch m.loop {
	case 0: // decide
		if m.lock == 0 {
			n.blocking = m.posts == 0
			n.loop = 1
			if f == looksThenSleeps {
				n.loop = 10
			} else {
				n.asleep = n.blocking
			}
			next = append(next, n)
		}
	case 10:
		if m.lock == 0 {
			n.asleep = m.blocking
			n.loop = 1
			next = append(next, n)
		}
	case 1: // wait
		if f == losesEarlyWake && m.blocking {
			n.woken = false
			n.loop = 11
			next = append(next, n)
		} else if !m.blocking || m.woken {
			n.woken = false
			n.loop = 2
			next = append(next, n)
		}
	case 11:
		if m.woken {
			n.woken = false
			n.loop = 2
			next = append(next, n)
		}
	case 2: // awake
		if m.lock == 0 {
			n.asleep = false
			n.loop = 3
			next = append(next, n)
		}
	case 3: // errands
		if m.lock == 0 {
			n.done += m.posts
			n.posts = 0
			n.loop = 0
			next = append(next, n)
		}
	}
	for i, p := range m.producer {
		n := m
		q := &n.producer[i]
		who := uint8(i + 1)
		switch {
		case p.left == 0:
			continue
		case p.step == 0 && m.lock == 0:
			n.lock = who
			q.step = 1
			if f == wakesFirst {
				q.step = 11
				if n.asleep {
					q.step = 12
				}
				n.lock = 0
			} else {
				n.posts++
			}
		case p.step == 1 && m.lock == who:
			if n.asleep {
				n.asleep = false
				n.woken = n.woken || f != forgetsToWake
			}
			q.step = 2
		case p.step == 2 && m.lock == who:
			n.lock = 0
			q.step = 0
			q.left--
		case p.step >= 11 && m.lock == 0:
			n.posts++
			if p.step == 12 {
				n.asleep, n.woken = false, true
			}
			q.step = 0
			q.left--
		default:
			continue
		}
		next = append(next, n)
	}
	return next
}

// explore visits every state that can be reached, and counts those in which all producers are done, nothing can move, and posts wait.
func (f wakeFault) explore() (states, lost int) {
	first := wakeModel{}
	for i := range first.producer {
		first.producer[i].left = 2
	}
	visited := map[wakeModel]bool{first: true}
	queue := []wakeModel{first}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		next := m.steps(f)
		if len(next) == 0 && m.posts > 0 {
			lost++
		}
		for _, n := range next {
			if !visited[n] {
				visited[n] = true
				queue = append(queue, n)
			}
		}
	}
	return len(visited), lost
}

func TestE12WakeModel(t *testing.T) {
	states, lost := correct.explore()
	if lost != 0 || states < 500 {
		t.Errorf("%d of %d states sleep on a post", lost, states)
	}
	t.Logf("%d states", states)
	for f := looksThenSleeps; f <= losesEarlyWake; f++ {
		if _, lost := f.explore(); lost == 0 {
			t.Errorf("fault %d is not found", f)
		}
	}
}

// The real loop: four writes by two producers, at every combination of the places at which the loop calls its kernel, the wait among them. Each is
// a moment between two of its critical sections. All that was written arrives without any time passing.
func TestE12WakeAtEveryPlace(t *testing.T) {
	places := 13
	if simRace {
		places = 8
	}
	runs := 0
	var at [4]int
	var choose func(i, from int)
	choose = func(i, from int) {
		if i == len(at) {
			for order := range 4 {
				runs++
				wakeAt(t, at, order)
			}
			return
		}
		for p := from; p < places; p++ {
			at[i] = p
			choose(i+1, p)
		}
	}
	choose(0, 0)
	t.Logf("%d interleavings", runs)
}

func wakeAt(t *testing.T, at [4]int, order int) {
	t.Helper()
	st := newStage(t, &Server{})
	a, b := st.open(), st.open()
	place, next := 0, 0
	var sent [2]int
	strike := func() {
		for ; next < len(at) && at[next] == place; next++ {
			who := next & 1
			if order&1 != 0 {
				who = next >> 1
			}
			if order&2 != 0 {
				who ^= 1
			}
			if c := st.seen[who].c; c.mu.TryLock() { // not in the middle of a write to itself
				c.mu.Unlock()
				if err := c.Write(frame.Text, []byte(fmt.Sprint(who, sent[who]))); err != nil {
					t.Fatal(err)
				}
				sent[who]++
			}
		}
		place++
	}
	st.inject = func(o op, _ handle) error {
		if st.srv.loops[0].mu.TryLock() {
			st.srv.loops[0].mu.Unlock()
			strike()
		}
		return nil
	}
	a.message(frame.Text, "go") // one turn, at least
	for range 20 {
		st.quiet()
		if next < len(at) {
			strike() // it sleeps
		}
	}
	st.inject = nil
	for who, p := range []*far{a, b} {
		for i := range sent[who] {
			p.expect(frame.Text, fmt.Sprint(who, i))
		}
	}
	if l := st.srv.loops[0]; len(l.posts) > 0 {
		t.Fatalf("%v: the loop sleeps on %d posts\n%s", at, len(l.posts), st.trace(30))
	}
	st.over()
}

// E30: many writers strike in the middle of the kernel's calls, whole messages each: they arrive in the order of the calls, each whole, with control
// frames between them and never inside (client.take compares number and content of every one).
func TestE30OrderOfManyWriters(t *testing.T) {
	messages, strikes := uint64(0), 0
	playAll(t, few(800), func(s *sim) {
		messages += s.srv.Stats().MessagesOut
		strikes += s.struckSoFar
	}, func(s *sim) {
		s.luck.strike, s.strike = 400, s.struck
		s.luck.short = 500
		s.made = func(c *client) {
			c.fate, c.cutAt, c.server = fateStay, -1, doBurst
		}
	})
	if messages < uint64(few(20_000)) || strikes < few(20_000) {
		t.Errorf("%d messages, %d strikes: too few to prove anything", messages, strikes)
	}
}
