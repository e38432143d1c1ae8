// Peers runs the conformance suite against libraries that others wrote, and against idlewire, and compares the verdicts with those of the original suite.
//
//	go run ./cmd/peers -peers ours,gorilla -cases '1.*,2.*'
//	go run ./cmd/peers -recorded -write ../../autobahn/PEERS.md
//
// The status is 0 if every difference is explained and idlewire is strict, 1 if not, 2 if something could not be run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/idlewire/idlewire/autobahn"
	"github.com/idlewire/idlewire/interop/conformance"
)

func main() {
	var o options
	flag.StringVar(&o.peers, "peers", "all", "`names` of peers, with commas; also all, ours, others")
	flag.StringVar(&o.cases, "cases", "*", "`patterns` of cases, with commas, as in a configuration of the suite")
	flag.StringVar(&o.exclude, "exclude", "", "`patterns` of cases to leave out")
	flag.BoolVar(&o.recorded, "recorded", false, "only cases that are on record; with sections 12 and 13 of some peers a sample")
	flag.IntVar(&o.parallel, "j", 0, "`number` of connections at a time; 0: the suite's default, 1: one after the other")
	flag.DurationVar(&o.limit, "limit", 30*time.Minute, "`time` after which everything is given up")
	flag.StringVar(&o.write, "write", "", "`file` whose table is to be replaced")
	flag.BoolVar(&o.verbose, "v", false, "print each case that is not OK")
	list := flag.Bool("list", false, "print the peers")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *list {
		for _, p := range conformance.Peers() {
			fmt.Printf("%-18s %s\n", p.Name, p.About)
		}
		return
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	good, err := run(ctx, o)
	cancel()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	case !good:
		os.Exit(1)
	}
}

type options struct {
	peers, cases, exclude, write string
	parallel                     int
	limit                        time.Duration
	verbose, recorded            bool
}

// run plays the cases with each peer in turn and reports whether all is as it should be.
func run(ctx context.Context, o options) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("not done after %v", o.limit))
	defer cancel()
	facts, err := conformance.ReadFacts(conformance.FactsFile)
	if err != nil {
		return false, err
	}
	cases, err := autobahn.Select(autobahn.Cases(), words(o.cases), words(o.exclude))
	if err != nil {
		return false, err
	}
	if len(cases) == 0 {
		return false, errors.New("no cases")
	}
	peers, err := selected(words(o.peers))
	if err != nil {
		return false, err
	}
	good := true
	var all []*conformance.Comparison
	for _, p := range peers {
		cases := cases
		if o.recorded && !p.Ours {
			cases = facts.OnRecord(p, cases)
		}
		played, err := conformance.Play(ctx, p, cases, o.parallel, nil)
		switch {
		case errors.Is(err, conformance.ErrNoNode) && os.Getenv("INTEROP_WITHOUT_NODE") == "1":
			fmt.Printf("%-18s left out: %v\n", p.Name, err)
			continue
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case err != nil:
			return false, err
		}
		if len(played.Rows) == 0 {
			continue // it is not for these cases
		}
		c := conformance.Compare(played, facts)
		all = append(all, c)
		fmt.Println(c.Summary())
		for _, d := range c.Differences {
			fmt.Printf("    %-8s %v, not %v: %s\n", d.Case, d.Got, d.Want, d.Why)
		}
		if o.verbose {
			c.EachNotOK(func(id string, row conformance.Row) { fmt.Printf("    %-8s %v\n", id, row) })
		}
		good = good && len(c.Unexplained()) == 0
	}
	if o.write != "" {
		return good, conformance.ReplaceTable(o.write, all)
	}
	return good, nil
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// selected returns the peers of these names, in their own order.
func selected(names []string) ([]*conformance.Peer, error) {
	var peers []*conformance.Peer
	used := map[string]bool{}
	for _, p := range conformance.Peers() {
		group := "others"
		if p.Ours {
			group = "ours"
		}
		in := false
		for _, name := range names {
			if name == p.Name || name == "all" || name == group {
				in, used[name] = true, true
			}
		}
		if in {
			peers = append(peers, p)
		}
	}
	for _, name := range names {
		if !used[name] {
			return nil, fmt.Errorf("no peer %q; -list prints them", name)
		}
	}
	if len(peers) == 0 {
		return nil, errors.New("no peers")
	}
	return peers, nil
}
