package autobahn

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// DefaultParallel is how many connections a Client has at a time to a server unless it is told.
const DefaultParallel = 16

const (
	confirmations = 12 // verdicts that have to be the same in quiet as they were among others, for the rest to be believed
	quiet         = 4  // connections at a time that leave a machine at rest: their cases wait
)

// all runs the cases with one target.
//
// Most of a case's time is waiting, so cases run beside each other; but verdicts hang on timers, and must be what they would be alone. So cases that move
// much data run by themselves, after the others and no more at a time than there are processors.
// A case that was not OK runs once more in quiet when the others are done, and that verdict stands; when as many as confirmations have
// come out as they were before, the rest is believed.
func (r *run) all(ctx context.Context) error {
	n := r.Parallel
	if n <= 0 {
		n = DefaultParallel
	}
	var light, heavy []*Case
	for _, c := range r.Cases {
		if n > 1 && c.heavy() {
			heavy = append(heavy, c)
		} else {
			light = append(light, c)
		}
	}
	if n > 1 { // those that take longest first
		slices.SortStableFunc(light, func(a, b *Case) int { return cmp.Compare(b.waits(), a.waits()) })
	}
	if n == 1 {
		_, err := r.several(ctx, light, 1)
		return err
	}
	doubtful, err := r.several(ctx, light, n)
	if err != nil {
		return err
	}
	processors := runtime.GOMAXPROCS(0)
	more, err := r.several(ctx, heavy, min(n, processors))
	if err != nil {
		return err
	}
	doubtful = append(doubtful, more...)
	for len(doubtful) > 0 {
		some := doubtful[:min(len(doubtful), confirmations)]
		doubtful = doubtful[len(some):]
		before := map[*Case]*Result{}
		cases := make([]*Case, len(some))
		for i, was := range some {
			before[was.Case], cases[i] = was, was.Case
		}
		atATime := quiet
		if slices.ContainsFunc(cases, (*Case).heavy) {
			atATime = min(quiet, processors)
		}
		again, err := r.several(ctx, cases, atATime)
		if err != nil {
			return err
		}
		same := 0
		for _, now := range again {
			if was := before[now.Case]; was.Behavior == now.Behavior && was.BehaviorClose == now.BehaviorClose {
				same++
			}
		}
		if same == len(some) {
			break
		}
	}
	return nil
}

// heavy reports whether c moves much data.
func (c *Case) heavy() bool { return c.RoundTrips > 0 || c.Compression != nil || c.bulky() }

// waits is how long the steps of c wait.
func (c *Case) waits() (d time.Duration) {
	for _, st := range c.Steps {
		d += st.Wait
	}
	return d
}

// several runs cases, at most n at a time, and returns the results on which time may have had an influence.
func (r *run) several(ctx context.Context, cases []*Case, n int) (doubtful []*Result, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *Case)
	var wg sync.WaitGroup
	for range min(n, len(cases)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for c := range work {
				result, err := r.repeated(ctx, c)
				if err != nil {
					cancel(err)
					return
				}
				if result == nil {
					continue
				}
				r.mu.Lock()
				r.add(result)
				if result.doubtful() {
					doubtful = append(doubtful, result)
				}
				if r.Finished != nil {
					r.Finished(result)
				}
				r.mu.Unlock()
			}
		}()
	}
feed:
	for _, c := range cases {
		select {
		case work <- c:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	wg.Wait()
	return doubtful, context.Cause(ctx)
}

// add puts a result into the report. If the case ran before and the server went by another name then, as one does whose response did not come, that result is
// taken out: it was of this server too. r.mu is held.
func (r *run) add(result *Result) {
	if before := r.ran[result.Case]; before != nil && before.Agent != result.Agent {
		r.report.remove(before)
	}
	if r.ran == nil {
		r.ran = map[*Case]*Result{}
	}
	r.ran[result.Case] = result
	r.report.Add(result)
}

// doubtful reports whether the verdict might be another on a machine with less to do.
func (r *Result) doubtful() bool {
	return r.Behavior != OK && r.Behavior != Informational && r.Behavior != Unimplemented || r.BehaviorClose != OK && r.BehaviorClose != Informational
}

// repeated runs a case Repeat times and returns the worst result.
func (r *run) repeated(ctx context.Context, c *Case) (worst *Result, err error) {
	r.mu.Lock()
	if r.Started != nil {
		r.Started(r.t, c)
	}
	r.mu.Unlock()
	for range max(r.Repeat, 1) {
		result, err := r.one(ctx, c)
		if err != nil {
			return nil, err
		}
		if worst == nil || result != nil && result.badness() > worst.badness() {
			worst = result
		}
	}
	return worst, nil
}

// badness orders results: the higher, the worse.
func (r *Result) badness() int {
	n := 0
	switch r.Behavior {
	case Failed:
		n = 8
	case Unimplemented:
		n = 4
	case NonStrict:
		n = 2
	}
	if r.BehaviorClose != OK && r.BehaviorClose != Informational {
		n++
	}
	return n
}
