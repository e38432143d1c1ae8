// Wsfuzz fuzzes WebSocket servers, of any language, over TCP, and judges what they answer by RFC 6455 and RFC 7692. See fuzz/WSFUZZ.md.
//
//	go run ./fuzz/wsfuzz -url ws://127.0.0.1:9001/ -duration 1m -o findings
//	go run ./fuzz/wsfuzz -url ws://127.0.0.1:9001/ -replay findings/001_....wsfuzz
//	go run ./fuzz/wsfuzz -listen ws://127.0.0.1:9001
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/idlewire/idlewire/handshake"
)

// Exit statuses.
const (
	nothingFound = 0
	somethingIs  = 1
	badUsage     = 2 // or there is nobody to be tested
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit status; when ctx ends, what has been found so far is reported.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	h := &hunt{out: stdout}
	err := h.parse(args, stdout)
	if err == nil {
		err = h.start(ctx, stderr)
	}
	switch {
	case errors.Is(err, errHelp):
		return nothingFound
	case err != nil:
		fmt.Fprintf(stderr, "wsfuzz: %s\n", clean(strings.ReplaceAll(err.Error(), "\n", "; ")))
		return badUsage
	}
	for _, f := range h.order {
		if h.counts(f) {
			return somethingIs
		}
	}
	return nothingFound
}

// start does what was asked for, and reports.
func (h *hunt) start(ctx context.Context, stderr io.Writer) error {
	h.errOut = stderr
	if h.listen != "" {
		ln, err := listen(h.listen, !h.deflate)
		if err != nil {
			return err
		}
		h.src = ln
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go ln.serve(ctx)
		h.say("listening on %s, seed %d", ln.url(), h.seed)
	} else {
		u, err := handshake.ParseURL(h.url)
		if err != nil {
			return err
		}
		h.src = &dialer{u}
		h.say("seed %d", h.seed)
	}
	if h.replay != "" {
		return h.playFile(ctx)
	}
	if err := h.run(ctx); err != nil {
		return err
	}
	h.report()
	return nil
}

// playFile plays a file, and says what comes of it.
func (h *hunt) playFile(ctx context.Context) error {
	p, role, err := readPlan(h.replay)
	switch {
	case err != nil:
		return err
	case role != h.src.role():
		return fmt.Errorf("%s is for a %v", h.replay, role)
	}
	h.found = map[string]*finding{}
	h.began = time.Now()
	h.want = h.wanted()
	l, err := h.src.open(ctx, p.offer, h.openingTime())
	if err != nil {
		return fmt.Errorf("%w: %w", errNobody, err)
	}
	got := h.stopped(ctx, l, func() *played { return play(l, p, &h.want, moreTime*h.patience) })
	s, back := listing(got.role, got.to, got.sent), listing(fuzz.Client-got.role, got.from, got.got)
	h.say("%s\ncame back, and then %v%s, %.3f s:\n%s", s.String(), got.end, note(got.late), got.took.Seconds(), back.String())
	found := judge(got, &h.want)
	for _, f := range found {
		f.again = true
		h.say("%s", f.title())
		if s := sentence(f.section, f.rule); s != "" {
			h.say("    %s", s)
		}
	}
	h.order = found
	if len(found) == 0 {
		h.say("nothing is wrong")
	}
	return nil
}

// counts reports whether a finding makes the exit status 1.
func (h *hunt) counts(f *finding) bool { return f.class > odd || h.strict && !f.moot }
