// Faulty is an echo server with one fault, of those that the conformance suite is tried on (autobahn/FAULTS.md): for those who want to try a suite or a fuzzer of
// their own. It prints a line with its URL, and ends when its standard input does.
//
//	go run ./autobahn/wstest/faulty -list
//	go run ./autobahn/wstest/faulty -fault accepts-rsv2 -listen 127.0.0.1:0
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
)

func main() {
	fault := flag.String("fault", "correct", "`name` of the fault; \"correct\" is none")
	listen := flag.String("listen", "127.0.0.1:0", "`host:port` to listen on; port 0 is any that is free")
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
	if err := serve(*fault, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "faulty:", err)
		os.Exit(2)
	}
}

// serve serves until standard input ends.
func serve(fault, listen string) error {
	kind := testee.Correct
	for _, k := range testee.Faults() {
		if k.Name == fault {
			kind = k
		}
	}
	if kind.Name != fault {
		return fmt.Errorf("there is no fault %q; -list prints them", fault)
	}
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("ws://%s/\n", ln.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return testee.Serve(ctx, ln, kind)
}
