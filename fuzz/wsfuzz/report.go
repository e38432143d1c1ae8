package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// progress prints a line now and then, until ctx ends; the function that it returns waits for that.
func (h *hunt) progress(ctx context.Context) (stop func()) {
	every, end := 10*time.Second, "\n"
	if isTerminal(h.errOut) {
		every, end = time.Second, "\r"
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last, n := time.Now(), h.done.Load(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now, m := time.Now(), h.done.Load()
			h.outMu.Lock()
			fmt.Fprintf(h.errOut, "%s%s", h.status(float64(m-n)/now.Sub(last).Seconds()), end)
			h.outMu.Unlock()
			last, n = now, m
		}
	}()
	return func() { <-done }
}

// status is the state of the hunt in a line.
func (h *hunt) status(rate float64) string {
	h.mu.Lock()
	found, odds, late, squeeze := 0, 0, h.late, h.squeeze
	for _, f := range h.order {
		if found++; !h.counts(f) {
			found--
			odds++
		}
	}
	h.mu.Unlock()
	n, of := h.table.covered(squeeze)
	return fmt.Sprintf("%5.0f s: %d sessions, %.0f a second; %d findings, %d odd things, %d late but well; %d of %d cells of the state table",
		time.Since(h.began).Seconds(), h.done.Load(), rate, found, odds, late, n, of)
}

// report prints what there is to be said at the end.
func (h *hunt) report() {
	h.outMu.Lock()
	h.table.print(h.out, h.squeeze)
	h.outMu.Unlock()
	if len(h.order) > 0 {
		h.say("")
	}
	for _, f := range h.order {
		again := ""
		if !f.again && f.play != nil {
			again = " (not when tried again)"
		}
		h.say("%s%s: %d times, first after %.1f s and %d sessions", f.title(), again, f.count, f.seconds, f.session)
	}
	h.say("\nseed %d, messages up to %d octets:%s", h.seed, h.want.limits.message.good, h.status(float64(h.done.Load())/time.Since(h.began).Seconds()))
}

// isTerminal reports whether w is a terminal, as good as it can be told on all systems alike.
func isTerminal(w any) bool {
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
