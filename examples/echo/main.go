// Echo serves WebSocket connections: every message comes back, and on the path /broadcast it goes to every connection on that path.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/netpoll"
)

// A server is what the drivers have in common.
type server interface {
	Serve(net.Listener) error // until Shutdown, then an error that is not worth a word
	Shutdown(context.Context) error
}

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "Usage: echo [flags]\n\nServes WebSocket connections and echoes their messages. On the path /broadcast every message\ngoes to every connection on that path. Ctrl-C shuts down gracefully; again: at once.\n\n")
		flag.PrintDefaults()
	}
	addr := flag.String("addr", "127.0.0.1:9001", "listen on `host:port`")
	driver := flag.String("driver", netpoll.DefaultDriver.String(), "`loop` (event loops), portable (the same over goroutines) or blocking (net/http, a goroutine per connection)")
	loops := flag.Int("loops", runtime.GOMAXPROCS(0), "`number` of event loops")
	maxMessage := flag.Int("max-message", 1<<20, "greatest message to accept, in `bytes`")
	compress := flag.String("deflate", "off", "compression (permessage-deflate): off, on, or `takeover` (messages may refer to earlier ones)")
	level := flag.Int("level", deflate.DefaultLevel, "`level` of compression, from 1 (fast) to 9 (small)")
	flag.Parse()
	if flag.NArg() > 0 || *loops < 1 || *maxMessage < 1 || *level < 1 || *level > 9 {
		flag.Usage()
		os.Exit(2)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	options := conn.Options{MaxMessage: *maxMessage}
	switch *compress {
	case "off":
	case "on":
		options.Compression = &deflate.Options{Level: *level}
	case "takeover":
		options.Compression = &deflate.Options{Level: *level, ServerContextTakeover: true, ClientContextTakeover: true}
	default:
		fmt.Fprintf(os.Stderr, "echo: -deflate is off, on or takeover, not %q\n", *compress)
		os.Exit(2)
	}
	var s server
	switch *driver {
	case "loop":
		s = newEvents(netpoll.Loop, *loops, options, log)
	case "portable":
		s = newEvents(netpoll.Portable, *loops, options, log)
	case "blocking":
		s, *loops = newBlocking(options), 0
	default:
		fmt.Fprintf(os.Stderr, "echo: no driver %q; there are loop, portable and blocking\n", *driver)
		os.Exit(2)
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
	fmt.Printf("listening on ws://%s driver=%s loops=%d deflate=%s\n", ln.Addr(), *driver, *loops, *compress)
	os.Exit(serve(s, ln))
}

// serve serves until a signal, and then shuts down; the next signal ends it at once. It returns the exit status.
func serve(s server, ln net.Listener) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln) }()
	select {
	case err := <-failed:
		fmt.Fprintln(os.Stderr, "echo:", err)
		return 1
	case <-signals:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	go func() {
		<-signals
		cancel()
	}()
	if err := s.Shutdown(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "echo: connections cut off:", err)
		return 1
	}
	return 0
}
