package main

import (
	"context"
	"slices"
	"time"

	"github.com/idlewire/idlewire/fuzz"
)

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
	got := h.stopped(ctx, l, func() *played { return play(l, p, &h.want, patience) })
	if ctx.Err() != nil {
		return nil, nil
	}
	return judge(got, &h.want), got
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
		if f.vain {
			most = 2
		}
	}
	return h.shrinks[f.key()] >= most || len(h.order) >= maxFindings
}

// confirm plays what led to a finding again. It returns nil if that was a matter of time.
func (h *hunt) confirm(ctx context.Context, f *finding) *finding {
	if f.class == slow {
		return h.alwaysSlow(ctx, f)
	}
	patience, tries := h.patience, 2
	if f.vain {
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
			if f.vain && g.class == slow { // it comes, and not soon
				return h.alwaysSlow(ctx, g)
			}
		}
	}
	if f.vain {
		return nil
	}
	return f
}

// alwaysSlow asks again, more than once: on a busy machine anybody is slow now and then. It returns nil if one answer was soon enough.
func (h *hunt) alwaysSlow(ctx context.Context, f *finding) *finding {
	for range slowTries {
		found, _ := h.again(ctx, f.plan, h.patience)
		if ctx.Err() != nil {
			return nil
		}
		i := slices.IndexFunc(found, func(g *finding) bool { return g.key() == f.key() })
		if i < 0 {
			return nil
		}
		f = found[i]
	}
	f.again = true
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
	if len(found) == 0 || found[0].class != broken || found[0].vain {
		return f
	}
	found[0].again = true
	return found[0]
}

// shrink makes the stream of a finding small.
func (h *hunt) shrink(ctx context.Context, f *finding) *finding {
	if f.plan.limit {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	best, tries := f, maxTries
	if f.vain || f.class == slow {
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
	best.vain = f.vain
	return best
}
