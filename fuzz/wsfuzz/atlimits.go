package main

import (
	"bytes"
	"context"

	"github.com/idlewire/idlewire/fuzz"
)

// How large sessions about a limit are at most.
const (
	mostMessage   = 16 << 20
	mostFragments = 20000
)

// atLimits plays sessions that are as large as the user says that the endpoint takes, and if it must not take more, a little larger.
func (h *hunt) atLimits(ctx context.Context) {
	role, message, fragments := h.src.role(), h.want.limits.message, h.want.limits.fragments
	var plans []*plan
	if n := min(message.good, mostMessage); h.want.atMessage {
		plans = append(plans, inParts(role, n, 1), inParts(role, n, min(n, 16)))
		if message.bad > 0 && message.bad < mostMessage {
			plans = append(plans, inParts(role, message.bad+1, 2))
		}
	}
	if n := min(fragments.good, mostFragments); h.want.atParts {
		plans = append(plans, inParts(role, min(n, message.good), n))
		if fragments.bad > 0 && fragments.bad < mostFragments {
			plans = append(plans, inParts(role, min(fragments.bad+1, message.good), fragments.bad+1))
		}
	}
	for _, p := range plans {
		h.busy.RLock()
		found, _ := h.again(ctx, p, h.patience)
		h.busy.RUnlock()
		if ctx.Err() != nil {
			return
		}
		for _, f := range found {
			h.consider(ctx, f)
		}
	}
}

// inParts is a message of n octets in so many fragments. All its octets are the same, as are its keys: a file has room for it.
func inParts(role fuzz.Role, n, parts int64) *plan {
	s := fuzz.Session{Setup: fuzz.Setup{Role: role}}
	for i := range parts {
		size := n*(i+1)/parts - n*i/parts
		f := fuzz.Frame{Fin: i == parts-1, Opcode: fuzz.OpContinuation, Masked: role == fuzz.Server, Length: uint64(size), Payload: bytes.Repeat([]byte("x"), int(size))}
		if i == 0 {
			f.Opcode = fuzz.OpBinary
		}
		s.Frames = append(s.Frames, f)
	}
	return &plan{session: s, stream: s.Bytes(), limit: true}
}
