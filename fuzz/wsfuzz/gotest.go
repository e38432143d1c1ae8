package main

import (
	_ "embed"
	"fmt"
	"go/format"
	"strings"
	"text/template"

	"github.com/idlewire/idlewire/fuzz"
)

//go:embed gotest.tmpl
var goTestText string

var goTestTemplate = template.Must(template.New("test").Parse(goTestText))

// goTest returns a Go test, of the standard library alone, that fails while an endpoint does what was found.
func goTest(f *finding, lim *limits, name string) ([]byte, error) {
	p := f.play
	tight, loose := lim.setups(p.role, p.to)
	v, late, t := fuzz.Judge(loose, p.stream), fuzz.JudgeLate(loose, p.stream), fuzz.Judge(tight, p.stream)
	var codes []string
	for _, fault := range append(append([]fuzz.Fault{v.Fault, late.Fault, t.Fault}, late.Also...), t.Also...) {
		if c := fmt.Sprint(fault.Code); fault.Code != 0 && !strings.Contains(strings.Join(codes, " "), c) {
			codes = append(codes, c)
		}
	}
	var want []string
	stream := p.stream
	for _, e := range late.Events {
		if e.Op == fuzz.OpText || e.Op == fuzz.OpBinary {
			want = append(want, fmt.Sprintf("{%d, %q}", e.Op, e.Payload))
		}
	}
	ping := ""
	for _, e := range t.Events {
		if e.Op == fuzz.OpPing {
			ping = string(e.Payload)
		}
	}
	pieces := fuzz.Cut(stream, p.cuts)
	if len(pieces) > 64 {
		pieces = [][]byte{stream}
	}
	lines := make([]string, 0, len(pieces))
	for _, b := range pieces {
		lines = append(lines, fmt.Sprintf("%q", fmt.Sprintf("%x", b)))
	}
	window := 0
	if p.from != nil && p.from.Takeover {
		window = 1 << p.from.Bits
	}
	s := listing(p.role, p.to, stream)
	var b strings.Builder
	err := goTestTemplate.Execute(&b, map[string]any{
		"Name":     identifier(name),
		"Title":    clean(f.title()),
		"Sentence": strings.TrimSpace(clean(sentence(f.section, f.rule))),
		"Listing":  strings.Split(strings.TrimSpace(clean2(s.String())), "\n"),
		"Offer":    p.offer,
		"Window":   window,
		"Pieces":   lines,
		"Want":     want,
		"Ping":     fmt.Sprintf("%q", ping),
		"Pinged":   len(t.Events) > 0 && hasPing(t.Events) && t.State != fuzz.Closed,
		"MustFail": v.State == fuzz.Failed && late.State == fuzz.Failed,
		"Closed":   v.State == fuzz.Closed,
		"Open":     v.State == fuzz.Open && t.State == fuzz.Open,
		"Sent":     sentCode(v),
		"Codes":    strings.Join(codes, ", "),
	})
	if err != nil {
		return nil, err
	}
	return format.Source([]byte(b.String()))
}

func hasPing(events []fuzz.Event) bool { return len(only(fuzz.OpPing, events)) > 0 }

func sentCode(v fuzz.Verdict) uint16 {
	if v.State != fuzz.Closed {
		return 1000
	}
	code, _ := v.Events[len(v.Events)-1].Close()
	return code
}

// clean2 is clean for several lines.
func clean2(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// identifier makes the name of a test of that of a file.
func identifier(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z' && up:
			b.WriteRune(r - 32)
			up = false
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
			up = false
		default:
			up = true
		}
	}
	return b.String()
}
