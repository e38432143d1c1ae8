package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idlewire/idlewire/fuzz"
)

// A hunt is one run of the fuzzer against one endpoint.
type hunt struct {
	flags
	src    source
	out    io.Writer // findings, and the report
	lim    limits
	table  table
	began  time.Time
	number atomic.Int64 // of the latest session
	done   atomic.Int64 // sessions that have been judged
	busy   sync.RWMutex // held for writing by what has to be alone with the endpoint
	gone   atomic.Bool  // the endpoint does not serve any more
	over   context.CancelFunc

	mu      sync.Mutex // guards what follows
	found   map[string]*finding
	order   []*finding
	shrinks map[string]int  // findings of a kind that have been made small
	refused map[string]bool // offers for which the endpoint has no good answer
	late    int             // what did not come in time, and did when it was tried again
	squeeze bool            // compression was agreed on
	err     error           // why the hunt could not go on
}

// How much is done about a finding.
const (
	moreTime    = 5   // times the patience, when something did not come in time
	maxTries    = 300 // connections to make a finding small
	maxSlow     = 20  // if each of them costs a patience
	shrinkTime  = 10 * time.Second
	maxAlike    = 6  // findings of a kind that differ in what they are about
	maxFindings = 80 // then the endpoint has been told enough
)

// errNobody says that there is no endpoint to be tested.
var errNobody = errors.New("nobody answers")

// run hunts until ctx ends or enough is done. It returns an error if there is nobody to be tested.
func (h *hunt) run(ctx context.Context) error {
	ctx, h.over = context.WithCancel(ctx)
	defer h.over()
	h.began, h.found, h.shrinks, h.refused = time.Now(), map[string]*finding{}, map[string]int{}, map[string]bool{}
	if h.duration > 0 {
		timer := time.AfterFunc(h.duration, h.over)
		defer timer.Stop()
	}
	if err := h.discover(ctx); err != nil {
		return err
	}
	stop := h.progress(ctx)
	var workers sync.WaitGroup
	for range h.parallel {
		workers.Go(func() {
			for ctx.Err() == nil && !h.gone.Load() && h.session(ctx) {
			}
		})
	}
	workers.Wait()
	h.over()
	stop()
	return h.err
}

// session plays the next session, and reports whether there may be another.
func (h *hunt) session(ctx context.Context) bool {
	n := h.number.Add(1)
	if h.sessions > 0 && n > h.sessions {
		return false
	}
	r := draw(h.seed, n)
	offer := offerOf(r, h.deflate)
	h.mu.Lock()
	if h.refused[offer] {
		offer = ""
	}
	h.mu.Unlock()
	h.busy.RLock()
	l, err := h.src.open(ctx, offer, h.openingTime())
	if err != nil {
		h.busy.RUnlock()
		return h.closedDoor(ctx, err, offer)
	}
	p := h.stopped(ctx, l, func() *played {
		return play(l, planOf(r, n, l.offer, l.role, l.to, &h.lim), &h.lim, h.echo, h.patience)
	})
	h.busy.RUnlock()
	if ctx.Err() != nil {
		return false
	}
	_, loose := h.lim.setups(p.role, p.to)
	h.table.add(loose, p.sent)
	found := judge(p, &h.lim, h.echo)
	h.done.Add(1)
	h.mu.Lock()
	h.squeeze = h.squeeze || l.to != nil
	h.mu.Unlock()
	if h.verbose {
		h.say("%s", p.line(found))
	}
	for _, f := range found {
		h.consider(ctx, f)
	}
	if len(found) > 0 && found[0].class > odd || p.end == reset || p.late != "" {
		return h.alive(ctx, p.plan)
	}
	return true
}

// openingTime is how long a connection may take to be open. Clients come when they want.
func (h *hunt) openingTime() time.Duration {
	if h.src.role() == fuzz.Client {
		return 10 * time.Minute
	}
	return moreTime * h.patience
}

// stopped plays, and closes the connection when ctx ends.
func (h *hunt) stopped(ctx context.Context, l *link, play func() *played) *played {
	stop := context.AfterFunc(ctx, func() { l.nc.Close() })
	defer stop()
	return play()
}

// line is a session in a line.
func (p *played) line(found []*finding) string {
	text := fmt.Sprintf("session %d: %d frames, %d octets, %v, %q; %d octets came, %v, %.3f s", p.number, len(p.session.Frames), len(p.stream), p.pace, p.offer,
		len(p.got), p.end, p.took.Seconds())
	for _, f := range found {
		text += "\n    " + f.title()
	}
	return text
}

// closedDoor is what is to be done when a connection could not be opened. It reports whether the hunt goes on.
func (h *hunt) closedDoor(ctx context.Context, err error, offer string) bool {
	var o *openingError
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &o) && (o.status == 101 || o.status == 0 || offer != ""):
		h.opening(o, offer)
		return h.alive(ctx, nil)
	}
	return h.alive(ctx, nil)
}

// opening is a finding about an opening handshake.
func (h *hunt) opening(o *openingError, offer string) {
	f := &finding{class: broken, section: "4.1", rule: "the response of the opening handshake is " + o.text, kind: "sends it", count: 1}
	if h.src.role() == fuzz.Client {
		f.section, f.rule = "4.2.1", "the request of the opening handshake is "+o.text
	}
	if offer != "" {
		f.section, f.rule = "RFC 7692 7.1", "offered "+offer+": "+o.text
		if o.status != 101 && o.status != 0 { // 5.1: it should go on without
			f.class, f.kind = odd, "refuses the connection"
		}
		h.mu.Lock()
		h.refused[offer] = true
		h.mu.Unlock()
	}
	h.keep(f)
}

// alive reports whether the endpoint still serves, and if not makes that a finding.
func (h *hunt) alive(ctx context.Context, after *plan) bool {
	if h.src.role() == fuzz.Client {
		return true // whoever does not come does not have to
	}
	h.busy.Lock()
	defer h.busy.Unlock()
	if h.gone.Load() {
		return false
	}
	kind := ""
	for try := range 5 {
		if try > 0 {
			select {
			case <-time.After(time.Duration(try*try) * 200 * time.Millisecond):
			case <-ctx.Done():
				return false
			}
		}
		l, err := h.src.open(ctx, "", moreTime*h.patience)
		if ctx.Err() != nil {
			return false
		}
		var o *openingError
		switch {
		case errors.As(err, &o) && o.status == 101:
			return true // it is found elsewhere
		case err != nil:
			kind = "takes no connection any more: " + err.Error()
			continue
		}
		p := h.stopped(ctx, l, func() *played { return play(l, probe(l.role), &h.lim, h.echo, moreTime*h.patience) })
		if ctx.Err() != nil {
			return false
		}
		if len(p.got) > 0 || !h.echo {
			return true // whether it is right, sessions find out
		}
		kind = "takes connections, and answers nothing any more"
	}
	if h.done.Load() == 0 {
		return true // it never did
	}
	f := &finding{class: dead, section: "-", rule: "an endpoint survives", kind: kind, plan: after, count: 1}
	h.keep(f)
	h.gone.Store(true)
	return false
}

// probe is a session that every endpoint can answer.
func probe(role fuzz.Role) *plan {
	s := fuzz.Session{Setup: fuzz.Setup{Role: role}}
	s.Frames = []fuzz.Frame{
		{Fin: true, Opcode: fuzz.OpText, Masked: role == fuzz.Server, Key: [4]byte{1, 2, 3, 4}, Length: 5, Payload: []byte("alive")},
		{Fin: true, Opcode: fuzz.OpPing, Masked: role == fuzz.Server, Key: [4]byte{5, 6, 7, 8}, Length: 2, Payload: []byte("ok")},
	}
	return &plan{session: s, stream: s.Bytes()}
}

// again plays a plan once more, alone with the endpoint if the caller sees to that. It returns what is wrong, and nil if it could not be played as it was.
func (h *hunt) again(ctx context.Context, p *plan, patience time.Duration) ([]*finding, *played) {
	wait := moreTime * h.patience
	l, err := h.src.open(ctx, p.offer, wait)
	if err != nil {
		return nil, nil
	}
	if (p.offer != "") != (l.offer != "") { // a client that offers what others did not
		l.nc.Close()
		return nil, nil
	}
	got := h.stopped(ctx, l, func() *played { return play(l, p, &h.lim, h.echo, patience) })
	if ctx.Err() != nil {
		return nil, nil
	}
	return judge(got, &h.lim, h.echo), got
}

// consider decides about a finding: whether it is new, happens again, and what its smallest form is.
func (h *hunt) consider(ctx context.Context, f *finding) {
	if h.known(f) {
		return
	}
	h.busy.Lock()
	defer h.busy.Unlock()
	if h.known(f) || ctx.Err() != nil {
		return
	}
	first, seconds, session := f.key(), time.Since(h.began).Seconds(), h.done.Load()
	if f = h.confirm(ctx, f); f == nil {
		h.mu.Lock()
		h.late++
		h.mu.Unlock()
		return
	}
	if f.again {
		f = h.shrink(ctx, f)
	}
	h.mu.Lock()
	h.shrinks[first]++
	h.mu.Unlock()
	if ambiguous(f) {
		f.rule += " (" + shape(f.plan) + ")"
	}
	f.seconds, f.session = seconds, session
	h.keep(f)
}

// ambiguous reports whether findings like f may be about different things, which only what is left of them tells.
func ambiguous(f *finding) bool {
	return f.section == "7.1.7" || f.section == "echo" || f.rule == "an endpoint goes on reading"
}

// known counts a finding that there is already.
func (h *hunt) known(f *finding) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.found[f.key()]; g != nil {
		g.count++
		return true
	}
	most := 1
	if ambiguous(f) {
		most = maxAlike
		if f.slow {
			most = 2
		}
	}
	return h.shrinks[f.key()] >= most || len(h.order) >= maxFindings
}

// confirm plays what led to a finding again. It returns nil if that was a matter of time.
func (h *hunt) confirm(ctx context.Context, f *finding) *finding {
	patience, tries := h.patience, 2
	if f.slow {
		patience, tries = moreTime*h.patience, 1
	}
	for range tries {
		found, _ := h.again(ctx, f.plan, patience)
		if ctx.Err() != nil {
			break
		}
		for _, g := range found {
			if g.key() == f.key() {
				g.again = true
				return h.earlier(ctx, g)
			}
		}
	}
	if f.slow {
		return nil
	}
	return f
}

// earlier returns what is wrong already without the frame that should have been refused, if something is, and else f.
func (h *hunt) earlier(ctx context.Context, f *finding) *finding {
	if f.before == 0 {
		return f
	}
	p := *f.plan
	p.stream = p.stream[:f.before]
	p.session = listing(f.play.role, f.play.to, p.stream)
	found, _ := h.again(ctx, &p, h.patience)
	if len(found) == 0 || found[0].class != broken || found[0].slow {
		return f
	}
	found[0].again = true
	return found[0]
}

// shrink makes the stream of a finding small.
func (h *hunt) shrink(ctx context.Context, f *finding) *finding {
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	best, tries := f, maxTries
	if f.slow {
		tries = maxSlow
	}
	same := func(p *plan) bool {
		if tries--; tries < 0 || ctx.Err() != nil {
			return false
		}
		found, _ := h.again(ctx, p, h.patience)
		for _, g := range found {
			if g.key() == f.key() {
				g.again, best = true, g
				return true
			}
		}
		return false
	}
	simple := *f.plan
	simple.cuts, simple.pace, simple.afterIt = nil, atOnce, false
	if !same(&simple) {
		simple.cuts, simple.afterIt, simple.pace = f.plan.cuts, f.plan.afterIt, lastAlone
		if !same(&simple) {
			simple.pace = f.plan.pace
		}
	}
	fuzz.Shrink(simple.session, func(stream []byte) bool {
		p := simple
		p.stream, p.session = stream, listing(f.play.role, f.play.to, stream)
		return same(&p)
	}, tries)
	best.slow = f.slow
	return best
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
		name, err := writeFinding(h.dir, n, f, &h.lim)
		if err != nil {
			text = "\n    " + clean(err.Error())
		} else if name != "" {
			text = "\n    " + clean(name)
		}
	}
	h.say("%s", f.text()+text)
	if h.first && f.class > odd {
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
