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
	want   wants
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
	slowTries   = 3  // answers that have to be slow, one after the other
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
	for i := range h.parallel {
		workers.Go(func() {
			if i == 0 {
				h.atLimits(ctx) // while others have begun
			}
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
		return play(l, planOf(r, n, l.offer, l.role, l.to, &h.want), &h.want, h.patience)
	})
	h.busy.RUnlock()
	if ctx.Err() != nil {
		return false
	}
	_, loose := h.want.limits.setups(p.role, p.to)
	h.table.add(loose, p.sent)
	for _, f := range l.remarks {
		h.keep(f)
	}
	found := judge(p, &h.want)
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
	text := strings.TrimPrefix(o.text, "handshake: ")
	f := &finding{class: broken, section: "4.1", rule: "the response of the opening handshake: " + text, kind: "is refused", count: 1}
	if h.src.role() == fuzz.Client {
		f.section, f.rule = "4.2.1", "the request of the opening handshake: "+text
		offer = "" // it was not this side's
	}
	if offer != "" {
		f.section, f.rule = "RFC 7692 7.1", "offered "+offer+": "+text
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
		p := h.stopped(ctx, l, func() *played { return play(l, probe(l.role), &h.want, moreTime*h.patience) })
		if ctx.Err() != nil {
			return false
		}
		if len(p.got) > 0 || !h.want.echo {
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
