package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/idlewire/idlewire/bench/internal/child"
	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/idlewire/idlewire/bench/internal/server"
)

type result struct {
	name             string
	n                int
	base             int // octets before
	fresh, used, col int // octets more than that
	goroutines       [3]int
	threads          [2]int
	descriptors      [3]int
	answered         int
	left             []string
	traffic          load.Traffic
}

func (r result) String() string {
	per := func(n int) string { return fmt.Sprintf("%.0f", float64(n)/float64(r.n)) }
	return fmt.Sprintf("| %s | %d | %s | %s | %s | %d, %d, %d | %d, %d | %d | %d, %d, %d |", r.name, r.n, per(r.fresh), per(r.used), per(r.col),
		r.goroutines[0], r.goroutines[1], r.goroutines[2], r.threads[0], r.threads[1], r.answered, r.descriptors[0], r.descriptors[1], r.descriptors[2])
}

// measure does one server's line.
func measure(k server.Kind, o load.Options) (r result, err error) {
	n := min(*count, k.Room())
	r.name, r.n = k.Name, n
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	program, args, err := k.Command(self, o.Mode)
	if err != nil {
		return r, err
	}
	p, err := child.Start(-1, nil, program, args...)
	if err != nil {
		return r, err
	}
	defer p.Kill()
	note(k.Name, "warming up")
	if err := warmUp(p, o); err != nil {
		return r, err
	}
	cl, err := load.New(p.Addr, o)
	if err != nil {
		return r, err
	}
	defer cl.Abandon()

	before, err := look(p, cl)
	if err != nil {
		return r, err
	}
	note(k.Name, fmt.Sprintf("opening %d connections", n))
	if err := cl.Open(n); err != nil {
		return r, err
	}
	fresh, err := look(p, cl)
	if err != nil {
		return r, err
	}
	note(k.Name, "one message each")
	if err := cl.Once(); err != nil {
		return r, err
	}
	used, err := look(p, cl)
	if err != nil {
		return r, err
	}
	note(k.Name, "a random sample")
	rnd := rand.New(rand.NewPCG(2, uint64(n)))
	for range *sample {
		if err := cl.One(rnd.IntN(n)); err != nil {
			return r, err
		}
		r.answered++
	}
	var rep server.Report
	if err := p.Ask("collect", &rep); err != nil {
		return r, err
	}
	collected, err := p.Anonymous()
	if err != nil {
		return r, err
	}
	note(k.Name, "closing")
	if err := cl.Close(); err != nil {
		return r, err
	}
	after, left, err := settle(p, before)
	if err != nil {
		return r, err
	}
	r.traffic = cl.Traffic()
	r.base = before.memory
	r.fresh, r.used, r.col = fresh.memory-r.base, used.memory-r.base, collected-r.base
	r.goroutines = [3]int{before.Goroutines, used.Goroutines, after.Goroutines}
	r.threads = [2]int{before.threads, used.threads}
	r.descriptors = [3]int{before.descriptors, used.descriptors, after.descriptors}
	r.left = left
	if k.Name == "idlewire" && used.Goroutines > before.Goroutines {
		r.left = append(r.left, fmt.Sprintf("goroutines grew with the connections, from %d to %d", before.Goroutines, used.Goroutines))
	}
	return r, nil
}

// warmUp lets a few connections come, speak and go, so that what a server needs once (pools, threads, the first pages of everything) is not
// counted as the connections'.
func warmUp(p *child.Process, o load.Options) error {
	cl, err := load.New(p.Addr, o)
	if err != nil {
		return err
	}
	defer cl.Abandon()
	if err := cl.Open(64); err != nil {
		return err
	}
	if err := cl.Once(); err != nil {
		return err
	}
	return cl.Close()
}

// A view is what can be seen of a server from outside and what it reports.
type view struct {
	server.Report
	memory, threads, descriptors int
}

// look waits until the server's memory is still, and looks: it has changed by less than a part in 500 for a second and a half, or a quarter of a
// minute is over.
func look(p *child.Process, cl *load.Client) (v view, err error) {
	still, last := 0, 0
	for range 60 {
		if err = cl.Idle(250 * time.Millisecond); err != nil {
			return v, err
		}
		if v.memory, err = p.Anonymous(); err != nil {
			return v, err
		}
		if d := v.memory - last; d > last/500 || -d > last/500 {
			still, last = 0, v.memory
		} else if still++; still == 6 {
			break
		}
	}
	return v, v.rest(p)
}

func (v *view) rest(p *child.Process) (err error) {
	if v.threads, err = p.Threads(); err != nil {
		return err
	}
	if v.descriptors, err = p.Descriptors(); err != nil {
		return err
	}
	return p.Ask("report", &v.Report)
}

// settle waits until everything is as it was before, and says what is not.
func settle(p *child.Process, before view) (v view, left []string, err error) {
	for range 100 {
		if err := v.rest(p); err != nil {
			return v, nil, err
		}
		left = nil
		if v.descriptors > before.descriptors {
			left = append(left, fmt.Sprintf("%d descriptors", v.descriptors-before.descriptors))
		}
		// Pools of goroutines may keep some; one per connection they may not.
		if v.Goroutines > before.Goroutines+kept {
			left = append(left, fmt.Sprintf("%d goroutines", v.Goroutines-before.Goroutines))
		}
		var counts map[string]int64
		if err := json.Unmarshal(v.Counts, &counts); err != nil {
			return v, nil, err
		}
		for name, n := range counts {
			if n != 0 {
				left = append(left, fmt.Sprintf("Stats counts %d %s", n, name))
			}
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return v, left, nil
}

// kept is how many goroutines more than before are no leak.
const kept = 128
