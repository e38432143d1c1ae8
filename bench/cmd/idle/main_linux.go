// Idle measures what a server pays for connections that do nothing: many real connections, held by one server process.
//
//	go run ./cmd/idle -n 18000
//	go run ./cmd/idle -compress off,on,takeover,takeover-9
//
// For each server it starts a process, opens the connections, waits until the memory is still, lets each connection echo one message, waits again,
// lets some of them, chosen at random, echo another, closes all, and looks at what is left. See bench/README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/idlewire/idlewire/bench/internal/child"
	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/idlewire/idlewire/bench/internal/mode"
	"github.com/idlewire/idlewire/bench/internal/server"
)

func init() { runtime.LockOSThread() } // the servers die with the main thread

var (
	count   = flag.Int("n", 18000, "connections")
	names   = flag.String("servers", "idlewire,idlewire-blocking,gobwas,gorilla", "servers, separated by commas, or all")
	payload = flag.Int("payload", 512, "octets of the message that each connection echoes")
	sample  = flag.Int("sample", 1000, "connections chosen at random to echo another message")
	ways    = flag.String("compress", "", "compare these ways of compression: off, on, takeover, takeover-BITS, separated by commas")
	serve   = flag.String("server", "", "be the server of that name (the command starts itself with this)")
	how     = flag.String("mode", "off", "how to compress, as the server")
)

// What the comparison of compression has instead of the defaults.
var compressing = map[string]string{"n": "10000", "servers": "compressing", "payload": "65536"}

func main() {
	flag.Usage = usage
	flag.Parse()
	if *serve != "" {
		if err := server.Main(*serve, *how); err != nil {
			fail(err)
		}
		return
	}
	var modes []mode.Mode
	if *ways != "" {
		var err error
		if modes, err = mode.List(*ways); err != nil {
			fail(err)
		}
		given := map[string]bool{}
		flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range compressing {
			if !given[name] {
				flag.Set(name, value)
			}
		}
	}
	kinds, err := server.Choose(*names)
	if err != nil {
		fail(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		os.Exit(130) // the server dies with us
	}()
	fmt.Fprint(os.Stderr, child.Busy())
	good := false
	if len(modes) > 0 {
		good = compare(kinds, modes)
	} else {
		good = all(kinds)
	}
	if !good {
		os.Exit(1)
	}
}

// all prints the table of servers that do not compress; it is false if one has failed.
func all(kinds []server.Kind) (good bool) {
	fmt.Println(title)
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	good = true
	for _, k := range kinds {
		r, err := measure(k, load.Options{Payload: *payload})
		if err != nil {
			good = false
			fmt.Printf("| %s | failed: %v |\n", k.Name, err)
			continue
		}
		fmt.Println(r)
		for _, s := range r.left {
			good = false
			fmt.Printf("|  | **left behind: %s** |\n", s)
		}
	}
	return good
}

const title = "| server | connections | fresh, B each | after one echo each, B | the same, collected, B | goroutines: before, held, after | threads: before, held | answered | descriptors: before, held, after |"

func note(name, what string) { fmt.Fprintf(os.Stderr, "%-20s %s\n", name, what) }

func fail(err error) {
	fmt.Fprintln(os.Stderr, "idle:", err)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	os.Exit(1)
}

func usage() {
	fmt.Fprintf(os.Stderr, "Idle measures the memory of connections that do nothing. Flags:\n\n")
	flag.PrintDefaults()
	fmt.Fprintf(os.Stderr, "\nServers:\n\n%s\n%s\n", server.List(), strings.TrimSpace(`
The figure is the growth of the server process's anonymous resident memory (smaps_rollup, Anonymous) divided by the number of connections, after 64
connections have come, echoed and gone. Columns "fresh" and "after one echo" are taken when the memory has been still for 1.5 s; nobody calls
the collector: GOGC is 100 and paces itself. "Collected" is after runtime.GC and debug.FreeOSMemory. A server that needs two descriptors per
connection holds as many as fit. The exit status is 1 if anything is left behind.

With -compress each server is measured once for each way, with -n 10000, -payload 65536 and -servers compressing unless they are given: a cell is after
one message each of JSON, sixteen at a time, and in parentheses the same collected. The client offers exactly what the column needs, and inflates and
compares what it gets with an inflater that fails at a reference beyond the window that was agreed on.
"all" is every server on this machine, "compressing" every one that can compress. Those on Node need node and npm.`))
}
