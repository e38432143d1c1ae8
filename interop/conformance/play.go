package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
)

// A dialer opens a connection of one library. valid looks at text, where the library does not.
type dialer func(ctx context.Context, url string) (l link, valid func([]byte) bool, err error)

// play returns a client that comes for the cases with one library, as every testee of the original suite does.
func play(dial dialer) func(ctx context.Context, base, agent string, parallel int) error {
	return func(ctx context.Context, base, agent string, parallel int) error {
		count, err := count(ctx, dial, base)
		if err != nil {
			return fmt.Errorf("%s: getCaseCount: %w", agent, err)
		}
		agent = url.QueryEscape(agent)
		next := make(chan int)
		var wg sync.WaitGroup
		for range max(parallel, 1) {
			wg.Go(func() {
				for n := range next {
					run(ctx, dial, fmt.Sprintf("%s/runCase?case=%d&agent=%s", base, n, agent)) // how it ended is the suite's to judge
				}
			})
		}
		for n := 1; n <= count && ctx.Err() == nil; n++ {
			select {
			case next <- n:
			case <-ctx.Done():
			}
		}
		close(next)
		wg.Wait()
		if err := ctx.Err(); err != nil {
			return err
		}
		return run(ctx, dial, base+"/updateReports?agent="+agent)
	}
}

// errDial is an opening handshake that failed.
var errDial = errors.New("no connection")

// run echoes until the connection ends. It is an error only if there was no connection.
func run(ctx context.Context, dial dialer, url string) error {
	l, valid, err := dial(ctx, url)
	if err != nil {
		return fmt.Errorf("%w: %w", errDial, err)
	}
	defer context.AfterFunc(ctx, l.drop)()
	echo(l, valid)
	return nil
}

// count asks how many cases there are.
func count(ctx context.Context, dial dialer, base string) (int, error) {
	l, _, err := dial(ctx, base+"/getCaseCount")
	if err != nil {
		return 0, err
	}
	defer l.drop()
	defer context.AfterFunc(ctx, l.drop)()
	_, b, err := l.read()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return 0, err
	}
	l.read() // until the Close, so that it is answered
	return n, nil
}
