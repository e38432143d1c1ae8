package netpoll

import (
	"fmt"
	"iter"
	"math"
	"runtime/debug"
)

// Who acts next. The loops of a world are coroutines that give way in wait; peers and outsiders are actors that act when their time has come.

// start makes turn, which waits on k, a coroutine of the world.
func (w *world) start(k *simKernel, turn func() bool) {
	k.resume, k.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(failed); !ok && w.failure == "" {
					w.failure = fmt.Sprintf("panic: %v\n%s", v, debug.Stack())
				}
			}
		}()
		k.yield = yield
		for turn() {
		}
		k.over = true
	})
	k.turn()
}

// turn lets the loop of k run until it waits again.
func (k *simKernel) turn() {
	k.resume()
	if k.w.failure != "" {
		panic(failed{})
	}
	if k.over && !k.released {
		k.w.fail("loop %d ended and did not release its kernel", k.id)
	}
}

// leave ends all coroutines.
func (w *world) leave() {
	for _, k := range w.kernels {
		if k.stop != nil {
			k.stop()
		}
	}
}

// step lets one of those act who can; if nobody can, time passes until somebody can. It returns false if nobody ever will.
func (w *world) step() bool {
	n := 0
	var pick actor
	var loop *simKernel
	soon := int64(math.MaxInt64)
	for _, k := range w.kernels {
		if k.runnable() {
			if n++; n == 1 || w.intn(n) == 0 {
				loop, pick = k, nil
			}
		} else if k.waiting && !k.over {
			soon = min(soon, k.deadline)
		}
	}
	for _, a := range w.actors {
		if at := a.when(); at <= w.clock {
			if n++; n == 1 || w.intn(n) == 0 {
				loop, pick = nil, a
			}
		} else {
			soon = min(soon, at)
		}
	}
	switch {
	case loop != nil:
		loop.turn()
	case pick != nil:
		w.steps++
		pick.act()
	case soon < math.MaxInt64:
		if w.passing != nil {
			w.passing()
		}
		w.clock = soon
		if w.chance(w.luck.jump) {
			w.clock += int64(w.upTo(3_600_000)) * 1e6
			w.note(opJump, 0, 0, nil)
		}
	default:
		return false
	}
	return true
}
