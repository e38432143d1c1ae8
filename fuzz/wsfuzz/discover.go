package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// sizes are of the messages by which it is found out how long one may be.
var sizes = [...]int{125, 126, 16 << 10, 32 << 10, 65535, 65536, 65537, 1 << 18, 1 << 20, 1<<20 + 1}

// discover looks whether there is an endpoint, what compression it agrees to, and which messages it takes.
func (h *hunt) discover(ctx context.Context) error {
	h.want = h.wanted()
	if h.src.role() == fuzz.Client {
		return nil
	}
	tries := offers[:1]
	if h.deflate {
		tries = offers[:]
	}
	for _, offer := range tries {
		l, err := h.src.open(ctx, offer, moreTime*h.patience)
		var o *openingError
		switch {
		case err == nil:
			if l.to != nil {
				h.squeeze = true
			} else if h.compress && (offer == offers[1] || offer == offers[2]) { // others may be more than it can do
				h.keep(&finding{class: odd, section: "RFC 7692 5", rule: "an offer of permessage-deflate is agreed to", kind: "does not agree to " + offer, count: 1})
			}
			l.nc.Close()
		case ctx.Err() != nil:
			return nil
		case !errors.As(err, &o):
			return fmt.Errorf("%w: %w", errNobody, err)
		case offer == "" && o.status != 0 && o.status != 101:
			return fmt.Errorf("%w: status %d: %w", errNobody, o.status, o)
		default:
			h.opening(o, offer)
			if offer == "" {
				h.over() // nothing more can be said to it
				return nil
			}
		}
	}
	if h.echo && !h.want.atMessage {
		h.measure(ctx)
	}
	return nil
}

// measure sends messages that are longer and longer.
func (h *hunt) measure(ctx context.Context) {
	common := h.want.limits.message
	for _, n := range sizes {
		s := fuzz.Session{Frames: []fuzz.Frame{{Fin: true, Masked: true, Opcode: fuzz.OpBinary, Key: [4]byte{1, 2, 3, 4}, Length: uint64(n)}}}
		payload := make([]byte, n)
		for i := range payload {
			payload[i] = byte(i * 7)
		}
		s.Frames[0].Payload = payload
		h.want.limits.message.good = int64(max(n, int(common.good)))
		found, p := h.again(ctx, &plan{session: s, stream: s.Bytes()}, h.patience)
		if ctx.Err() != nil || p == nil {
			break
		}
		if !slices.ContainsFunc(found, func(f *finding) bool { return f.class > slow }) {
			common.good = max(common.good, int64(n))
			continue
		}
		h.want.limits.message = common
		if code, closed := closeOf(p); n > commonMessage && (closed && (code == fuzz.CodeTooBig || code == fuzz.CodePolicy)) {
			h.say("it takes no message of %d octets, and says so with %d", n, code)
			break
		}
		h.want.limits.message.good = int64(max(n, int(common.good)))
		for _, f := range found {
			h.consider(ctx, f)
		}
		break
	}
	h.want.limits.message = common
}

// closeOf returns the code of the Close that came.
func closeOf(p *played) (code uint16, closed bool) {
	v := fuzz.Judge(fuzz.Setup{Role: fuzz.Client, Deflate: p.from}, p.got)
	if v.State != fuzz.Closed {
		return 0, false
	}
	code, _ = v.Events[len(v.Events)-1].Close()
	return code, true
}
