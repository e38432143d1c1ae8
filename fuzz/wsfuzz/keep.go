package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/idlewire/idlewire/fuzz"
)

// keep keeps a finding, prints it, and writes its files.
func (h *hunt) keep(f *finding) {
	h.mu.Lock()
	if g := h.found[f.key()]; g != nil {
		g.count++
		h.mu.Unlock()
		return
	}
	f.count = max(f.count, 1)
	if f.seconds == 0 {
		f.seconds, f.session = time.Since(h.began).Seconds(), h.done.Load()
	}
	h.found[f.key()] = f
	h.order = append(h.order, f)
	n := len(h.order)
	h.mu.Unlock()
	text := ""
	if h.dir != "" {
		name, err := writeFinding(h.dir, n, f, &h.want.limits)
		if err != nil {
			text = "\n    " + clean(err.Error())
		} else if name != "" {
			text = "\n    " + clean(name)
		}
	}
	h.say("%s", f.text()+text)
	if h.first && h.counts(f) {
		h.over()
	}
}

// text is a finding in a few lines.
func (f *finding) text() string {
	text := f.title()
	if !f.again && f.play != nil {
		text += " (not when tried again)"
	}
	if f.plan != nil {
		text += fmt.Sprintf("\n    session %d", f.plan.number)
		if b := f.plan.stream; len(b) <= 96 {
			text += fmt.Sprintf(", %d octets: %x", len(b), b)
		} else {
			text += fmt.Sprintf(", %d octets: %x...", len(b), b[:96])
		}
	}
	if f.play != nil {
		b := f.play.got
		text += fmt.Sprintf("\n    came back: %x", b[:min(len(b), 96)])
		if len(b) > 96 {
			text += "..."
		}
		text += ", " + f.play.end.String()
	}
	return text
}

// say writes a few lines to the output.
func (h *hunt) say(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	h.outMu.Lock()
	defer h.outMu.Unlock()
	fmt.Fprintln(h.out, strings.Join(lines, "\n"))
}

// shape is a stream in a few words: its frames, without what is in them.
func shape(p *plan) string {
	frames, rest := fuzz.Dissect(p.stream)
	var words []string
	for i := range frames {
		f := frames[i]
		size := "of 126 octets and more"
		switch {
		case f.Length == 0:
			size = "empty"
		case f.Length < 126:
			size = "short"
		case f.Length > 65535:
			size = "of 64 KiB and more"
		}
		kind := kinds[kindOf(&f, &fuzz.Setup{Role: roleOf(&f), Deflate: &fuzz.Deflate{}})]
		if word := size + " " + kind; len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
		if len(words) == 4 {
			words = append(words, "...")
			break
		}
	}
	if len(rest) > 0 {
		words = append(words, "part of a header")
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, "; ")
}

func roleOf(f *fuzz.Frame) fuzz.Role {
	if f.Masked {
		return fuzz.Server
	}
	return fuzz.Client
}
