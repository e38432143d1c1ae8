package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/idlewire/idlewire/autobahn"
)

// A Run is what the suite found of one peer.
type Run struct {
	Peer *Peer
	Rows map[string]Row // by case ID; of a case that ran twice the last
	Took time.Duration
}

// Play plays cases with p, so many at a time as parallel says; 0 is the suite's own default. finished, if not nil, is told of each result.
// Cases that p is not for are left out. If ctx ends first, the Run has what was played by then.
func Play(ctx context.Context, p *Peer, cases []*autobahn.Case, parallel int, finished func(*autobahn.Result)) (*Run, error) {
	if p.Only != nil {
		var err error
		if cases, err = autobahn.Select(cases, p.Only, nil); err != nil {
			return nil, err
		}
	}
	if len(cases) == 0 {
		return &Run{Peer: p}, nil
	}
	var mu sync.Mutex
	rows := map[string]Row{}
	tell := func(r *autobahn.Result) {
		mu.Lock()
		defer mu.Unlock()
		rows[r.Case.ID] = RowOf(r)
		if finished != nil {
			finished(r)
		}
	}
	began := time.Now()
	var err error
	if p.Client() {
		err = playClient(ctx, p, cases, parallel, tell)
	} else {
		err = playServer(ctx, p, cases, parallel, tell)
	}
	mu.Lock()
	defer mu.Unlock()
	run := &Run{p, maps.Clone(rows), time.Since(began)}
	if err == nil {
		for _, c := range cases {
			if _, ok := run.Rows[c.ID]; !ok {
				err = fmt.Errorf("%s: no result of case %s", p.Name, c.ID)
				break
			}
		}
	}
	return run, err
}

func playServer(ctx context.Context, p *Peer, cases []*autobahn.Case, parallel int, tell func(*autobahn.Result)) error {
	r, err := p.Start()
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	client := autobahn.Client{
		Targets:  []autobahn.Target{{URL: r.URL, Agent: p.Name, Options: autobahn.DefaultOptions()}},
		Cases:    cases,
		Parallel: parallel,
		Finished: tell,
	}
	_, err = client.Run(ctx)
	if stopped := r.Stop(); stopped != nil {
		err = errors.Join(err, fmt.Errorf("%s: stop: %w", p.Name, stopped))
	}
	return err
}

// quiet is how many connections at a time leave a machine at rest.
const quiet = 4

// playClient has a client come for the cases, and then in quiet once more for those that were not OK: what hangs on a timer must be what it would be alone. With a server under test
// the suite does so itself; of a client it cannot ask it.
func playClient(ctx context.Context, p *Peer, cases []*autobahn.Case, parallel int, tell func(*autobahn.Result)) error {
	if parallel == 0 {
		parallel = autobahn.DefaultParallel
	}
	var again []*autobahn.Case
	err := visit(ctx, p, cases, parallel, func(r *autobahn.Result) { // one call at a time
		tell(r)
		if r.Behavior == autobahn.Failed || r.Behavior == autobahn.NonStrict || r.BehaviorClose != autobahn.OK && r.BehaviorClose != autobahn.Informational {
			again = append(again, r.Case)
		}
	})
	if err != nil || len(again) == 0 || parallel == 1 {
		return err
	}
	return visit(ctx, p, again, min(parallel, quiet), tell)
}

// visit has a client come once.
func visit(ctx context.Context, p *Peer, cases []*autobahn.Case, parallel int, tell func(*autobahn.Result)) error {
	ln, url, err := listen()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := autobahn.Server{URL: url, Cases: cases, Options: autobahn.DefaultOptions(), Finished: tell}
	served := make(chan error, 1)
	go func() {
		_, err := server.Serve(ctx, ln)
		served <- err
	}()
	err = p.Play(ctx, url, p.Name, parallel)
	cancel()
	if err != nil {
		err = fmt.Errorf("%s: %w", p.Name, err)
	}
	return errors.Join(err, <-served)
}
