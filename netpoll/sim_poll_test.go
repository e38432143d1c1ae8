package netpoll

import (
	"math"
	"syscall"
)

// The waiting of a simulated kernel.

func (k *simKernel) wait(events []event, timeout int64) (int, error) {
	w := k.w
	if err := k.enter(opWait, -1, true); err != nil {
		return 0, err
	}
	if len(events) == 0 {
		w.fail("wait without room for events")
	}
	if w.resting != nil {
		w.resting(k)
	}
	k.spinning(timeout)
	if k.interrupted(opWait, -1) {
		k.excused = true
		return 0, syscall.EINTR
	}
	k.deadline = math.MaxInt64
	if timeout >= 0 {
		k.deadline = w.clock + timeout
	}
	n := 0
	for first := true; ; first = false {
		if first && timeout != 0 || !first || w.chance(512) {
			k.waiting = true
			if k.yield == nil {
				w.fail("wait outside of a loop")
			}
			if !k.yield(struct{}{}) {
				panic(failed{})
			}
			k.waiting = false
		}
		if n = k.gather(events); n > 0 || k.woken || w.clock >= k.deadline {
			break
		}
		if w.chance(w.luck.eintr) {
			w.note(opWait, -1, 0, syscall.EINTR)
			k.excused = true
			return 0, syscall.EINTR
		}
	}
	if k.woken {
		k.woken = false
		w.progress++
	}
	w.note(opWait, int64(k.id), int64(n), nil)
	for _, ev := range events[:n] {
		w.note(opReady, int64(ev.token.slot()), int64(ev.ready), nil)
	}
	k.turns++
	return n, nil
}

// spinning fails the world if the loop turns and turns and nothing moves (E14, E15, V77).
func (k *simKernel) spinning(timeout int64) {
	w := k.w
	if w.progress != k.seen || w.clock/1e6 != k.seenAt/1e6 || k.excused {
		k.idle = 0
	} else if k.idle++; k.idle > 8 {
		w.fail("loop %d spins: %d turns in which nothing moved", k.id, k.idle)
	}
	k.seen, k.seenAt, k.excused = w.progress, w.clock, false
}

// runnable reports whether a loop that waits would return.
func (k *simKernel) runnable() bool {
	if k.over || !k.waiting {
		return false
	}
	if k.woken || k.w.clock >= k.deadline {
		return true
	}
	for i := 0; i < len(k.maybe); {
		s := k.maybe[i]
		if s.registered && s.k == k && s.conditions()&(s.want|hangup) != 0 {
			return true
		}
		k.forget(i)
	}
	return false
}

// forget takes the i-th socket off the list of those that may be ready.
func (k *simKernel) forget(i int) {
	k.maybe[i].listed = false
	last := len(k.maybe) - 1
	k.maybe[i] = k.maybe[last]
	k.maybe[last] = nil
	k.maybe = k.maybe[:last]
}

// gather fills in what is ready, some of it late, some of it in two pieces, some of it not true.
func (k *simKernel) gather(events []event) int {
	w := k.w
	n := 0
	if w.luck.shuffle {
		for i := len(k.maybe) - 1; i > 0; i-- {
			j := w.intn(i + 1)
			k.maybe[i], k.maybe[j] = k.maybe[j], k.maybe[i]
		}
	}
	for i := 0; i < len(k.maybe) && n < len(events); {
		s := k.maybe[i]
		ready := s.conditions() & (s.want | hangup)
		if !s.registered || s.k != k || ready == 0 {
			k.forget(i)
			continue
		}
		i++
		if w.chance(w.luck.late) {
			continue
		}
		s.reported = k.turns + 1
		if ready&readable != 0 && ready&^readable != 0 && n+1 < len(events) && w.chance(w.luck.split) {
			events[n] = event{s.tok, ready &^ readable}
			n++
			ready = readable
		}
		events[n] = event{s.tok, ready}
		n++
	}
	if w.luck.spurious > 0 && n < len(events) && w.chance(w.luck.spurious) && len(w.socks) > 0 {
		if s := w.socks[w.intn(len(w.socks))]; s != nil && s.registered && s.k == k && s.want != 0 {
			events[n] = event{s.tok, s.want}
			s.reported = k.turns + 1
			n++
			k.excused = true
		}
	}
	if w.luck.shuffle && w.luck.split > 0 { // the two halves need not be neighbours
		for i := n - 1; i > 0; i-- {
			j := w.intn(i + 1)
			events[i], events[j] = events[j], events[i]
		}
	}
	return n
}
