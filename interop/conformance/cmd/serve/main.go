// Serve starts one of the peers as an echo server, prints its URL, and stops it when standard input ends: for what wants to talk to it from outside, such as
// fuzz/wsfuzz. With -dial it is our own client instead, that comes to a URL again and again, and echoes.
//
//	go run ./cmd/serve -peer gorilla
//	go run ./cmd/serve -dial ws://127.0.0.1:9001/
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/idlewire/idlewire/interop/conformance"
)

func init() { runtime.LockOSThread() } // what is started dies with the thread that started it, and the main one stays

func main() {
	name := flag.String("peer", "", "`name` of the peer")
	dial := flag.String("dial", "", "be a client of this module, and go to this `URL`")
	list := flag.Bool("list", false, "print the peers that are servers")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *dial != "" {
		come(*dial)
		return
	}
	if err := serve(*name, *list); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(2)
	}
}

func serve(name string, list bool) error {
	for _, p := range conformance.Peers() {
		switch {
		case p.Client():
		case list:
			fmt.Printf("%-18s %s\n", p.Name, p.About)
		case p.Name == name:
			running, err := p.Start()
			if err != nil {
				return err
			}
			fmt.Println(running.URL + "/")
			io.Copy(io.Discard, os.Stdin)
			return running.Stop()
		}
	}
	if list {
		return nil
	}
	return fmt.Errorf("there is no server %q; -list prints them", name)
}
