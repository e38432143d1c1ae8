// Wstest is the conformance suite as a command: it tests WebSocket servers and clients, and has one of each to be tested. Its modes, flags and
// files are those of the original of this name; autobahn/README.md tells what is new.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Exit statuses.
const (
	allGood  = 0 // every case is good, or as expected
	notGood  = 1 // some are not, or the run was interrupted
	badInput = 2 // there is no verdict: what was asked for cannot be done
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit status; when ctx ends, what has been found so far is reported.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr, terminal: isTerminal(stdout), now: time.Now, listen: net.Listen}
	return c.run(ctx, args)
}

// A command is one run of the program.
type command struct {
	flags
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // stdout is one
	now            func() time.Time
	listen         func(network, address string) (net.Listener, error)
}

func (c *command) run(ctx context.Context, args []string) int {
	status, err := badInput, c.flags.parse(args)
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprint(c.stdout, help)
		return allGood
	case err != nil:
	case c.versions:
		fmt.Fprintln(c.stdout, version())
		return allGood
	default:
		status, err = modes[c.mode](c, ctx)
	}
	if err != nil { // in one line, whatever it is made of
		text := strings.ReplaceAll(err.Error(), "autobahn: ", "") // the package's name says nothing here
		fmt.Fprintf(c.stderr, "wstest: %s\n", clean(strings.ReplaceAll(text, "\n", "; ")))
	}
	return status
}

// modes are what -m may say. The last two are the original's names for testees.
var modes = map[string]func(*command, context.Context) (int, error){
	"fuzzingclient": (*command).fuzzingClient,
	"fuzzingserver": (*command).fuzzingServer,
	"echoserver":    (*command).echoServer,
	"echoclient":    (*command).echoClient,
	"testeeserver":  (*command).echoServer,
	"testeeclient":  (*command).echoClient,
}

// isTerminal reports whether w is a terminal, as good as it can be told on all systems alike.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// say writes a line to standard output.
func (c *command) say(format string, args ...any) {
	fmt.Fprintln(c.stdout, clean(fmt.Sprintf(format, args...)))
}

// count is a number and a noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// clean makes what others wrote fit for a line on a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
