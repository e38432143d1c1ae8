// Faulty is an echo server with one fault, of those that the conformance suite is tried on (autobahn/FAULTS.md): for those who want to try a suite or a fuzzer of
// their own. It prints a line with its URL, and ends when its standard input does. Or it is a client that goes to a server again and again, and echoes.
//
//	go run ./autobahn/wstest/faulty -list
//	go run ./autobahn/wstest/faulty -fault accepts-rsv2 -listen 127.0.0.1:0
//	go run ./autobahn/wstest/faulty -fault accepts-rsv2 -dial 127.0.0.1:9001
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
)

func main() {
	fault := flag.String("fault", "correct", "`name` of the fault; \"correct\" is none, nor \"correct-deflate\", which compresses")
	listen := flag.String("listen", "127.0.0.1:0", "`host:port` to listen on; port 0 is any that is free")
	dial := flag.String("dial", "", "be a client instead, and go to `host:port`")
	list := flag.Bool("list", false, "print the faults: group, role, name and what it does, with tabs between them")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *list {
		for _, g := range testee.Groups() {
			for _, k := range g.Kinds {
				fmt.Printf("%s\t%v\t%s\t%s\n", g.Title, k.Only, k.Name, k.Text)
			}
		}
		return
	}
	if err := run(*fault, *listen, *dial); err != nil {
		fmt.Fprintln(os.Stderr, "faulty:", err)
		os.Exit(2)
	}
}

// run serves, or calls, until standard input ends.
func run(fault, listen, dial string) error {
	kind := testee.Correct
	for _, k := range append(testee.Faults(), testee.CorrectDeflate) {
		if k.Name == fault {
			kind = k
		}
	}
	if kind.Name != fault {
		return fmt.Errorf("there is no fault %q; -list prints them", fault)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if dial != "" {
		for seed := uint64(1); ctx.Err() == nil; seed++ {
			if err := testee.Call(ctx, dial, "/", kind, seed); err != nil {
				select {
				case <-time.After(10 * time.Millisecond): // nobody may be there yet, or no more
				case <-ctx.Done():
				}
			}
		}
		return nil
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("ws://%s/\n", ln.Addr())
	return testee.Serve(ctx, ln, kind)
}
