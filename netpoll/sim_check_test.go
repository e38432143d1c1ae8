package netpoll

import "github.com/idlewire/idlewire/frame"

// check looks at a loop that is about to wait: everything must be in order (E10, E15).
func (s *sim) check(k *simKernel) {
	l := s.srv.loops[k.id]
	live, timed := 0, 0
	var queued int64
	for slot, c := range l.conns {
		if c == nil {
			continue
		}
		live++
		if c.due != 0 {
			timed++
		}
		s.checkConn(l, c, uint32(slot))
		if c.busy != nil {
			queued += int64(c.busy.accounted)
		}
	}
	if live != l.live || live+len(l.free)+len(l.resting) != len(l.conns) {
		s.fail("loop %d: %d connections, counted %d, of %d slots %d free and %d resting", l.id, live, l.live, len(l.conns), len(l.free), len(l.resting))
	}
	if timed != l.wheel.count {
		s.fail("loop %d: %d connections have a timer, and the wheel has %d", l.id, timed, l.wheel.count)
	}
	if n := l.counts.queued.Load(); n != queued {
		s.fail("loop %d: %d octets queued, counted %d", l.id, queued, n)
	}
	if n := int(l.load.Load()); n != live+len(l.newcomers) {
		s.fail("loop %d: load %d, with %d connections and %d to come", l.id, n, live, len(l.newcomers))
	}
	total := int64(0)
	for _, l := range s.srv.loops {
		total += int64(l.load.Load())
	}
	if n := s.srv.conns.Load(); n != total {
		s.fail("%d connections, counted %d", total, n)
	}
}

// passing looks at loops that sleep, when nobody can do anything but wait: none of them sleeps on work (E12).
func (s *sim) passing() {
	for i, l := range s.srv.loops {
		if s.kernels[i].over {
			continue
		}
		if len(l.posts) > 0 || len(l.newcomers) > 0 || l.stopping != l.handled.stopping || l.killed != l.handled.killed {
			s.fail("loop %d sleeps on %d posts, %d newcomers, stop %v: a wake-up was lost", l.id, len(l.posts), len(l.newcomers), l.stopping)
		}
	}
}

// late is how far behind its deadline, in the loop's time, something may be found: the tick that had begun, and the one in which it is noticed.
const late = 2 * tickLength

func (s *sim) checkConn(l *loop, c *Conn, slot uint32) {
	if c.slot != slot || c.is(isGone) || c.loop != l {
		s.fail("slot %d holds a connection of slot %d, gone: %v", slot, c.slot, c.is(isGone))
	}
	var k *sock
	if int(c.handle) < len(s.socks) {
		k = s.socks[c.handle]
	}
	cl := (*client)(nil)
	if k != nil {
		cl = k.client
	}
	switch {
	case k == nil:
		s.fail("slot %d holds handle %d, which is closed", slot, c.handle)
	case !k.registered || k.tok != makeToken(c.slot, c.gen):
		s.fail("client %d: not registered, or with token %x", cl.id, k.tok)
	case k.want != c.want:
		s.fail("client %d: the kernel watches for %b, and the loop believes %b", cl.id, k.want, c.want)
	}
	queued := 0
	if o := c.busy; o != nil {
		queued = o.size
		n := 0
		for _, seg := range o.segs {
			n += len(seg.b)
		}
		if n != queued {
			s.fail("client %d: %d octets in the queue, counted %d", cl.id, n, queued)
		}
		if o.idle() && !c.posted {
			s.fail("client %d: an idle connection keeps its output", cl.id)
		}
		if most := max(s.srv.WriteQueueHard, s.srv.WriteQueueSoft+s.big) + (maxPongs+3)*(2+frame.MaxControlPayload) + frame.MaxHeaderSize; queued > most && s.srv.WriteQueueHard >= 0 {
			s.fail("client %d: %d octets queued, and at most %d should be", cl.id, queued, most)
		}
		if o.pongs > maxPongs {
			s.fail("client %d: %d pongs wait", cl.id, o.pongs)
		}
	}
	if !c.posted {
		if want := c.want&writable != 0; want != (queued > 0) {
			s.fail("client %d: %d octets queued, watched for writing: %v", cl.id, queued, want)
		}
		if c.is(atEnd) && (c.want&readable != 0 || c.state != ending || queued == 0) {
			s.fail("client %d: its octets have ended, and it is watched for %b, in state %d, with %d octets queued", cl.id, c.want, c.state, queued)
		}
		if c.want&readable == 0 && !c.is(atEnd) && (c.state != open || l.server.limits.soft < 0 || queued <= l.server.limits.soft/2) {
			s.fail("client %d: not watched for reading, with %d octets queued, in state %d", cl.id, queued, c.state)
		}
		if c.want&readable != 0 && c.state == open && l.server.limits.soft >= 0 && queued > l.server.limits.soft {
			s.fail("client %d: %d octets queued and still read from", cl.id, queued)
		}
	}
	if cl.long && queued <= s.srv.WriteQueueSoft/2 && c.state == open && !c.posted && !c.is(isClosing) && !cl.mute {
		s.fail("client %d: its queue is down to %d octets, and Drained was not called", cl.id, queued)
	}
	// Memory grows with what is received (V17), also if that is compressed (V22).
	most := 2*k.taken + 4096
	if c.proto.Compressor != nil {
		most = 66*k.taken + 8192
	}
	if c.state > open {
		most = 0
	}
	if n := int64(c.proto.Buffered()); n > most {
		s.fail("client %d: %d octets of buffers for %d received", cl.id, n, k.taken)
	}
	s.checkTimes(l, c, k, queued)
}

// checkTimes looks for timeouts that are forgotten or overdue, from what the sockets have seen.
func (s *sim) checkTimes(l *loop, c *Conn, k *sock, queued int) {
	o := &s.srv.Options
	if c.due == 0 && !c.posted && !s.off {
		s.fail("client %d: in no bucket of the wheel, in state %d", k.client.id, c.state)
	}
	if c.due != 0 && int32(c.due-l.wheel.tick) < 1 && !c.posted {
		s.fail("client %d: its timer is %d ticks late", k.client.id, l.wheel.tick-c.due)
	}
	over := func(since int64, after int64, what string) {
		if after < 0 { // off
			return
		}
		if s.jumps {
			after += 3 * maxStep // as much is a loop's clock allowed to move at once
		}
		if d := l.clock - since - after; d > late+tickLength {
			s.fail("client %d: %s is %d ms late", k.client.id, what, d/1e6)
		}
	}
	switch c.state {
	case opening:
		over(k.born, int64(o.HandshakeTimeout), "the handshake's timeout")
	case open:
		if c.want&readable == 0 || o.PingInterval < 0 || o.PongTimeout < 0 { // a peer that is not read cannot be heard
			break
		}
		heard := max(k.heard, k.born, k.resumed)
		over(heard, int64(o.PingInterval)*6/5+int64(o.PongTimeout)+3*tickLength+int64(o.CloseTimeout), "the end of a silent peer")
	}
	if cl := k.client; cl.closeAt != 0 && c.state == open {
		over(cl.closeAt, int64(o.CloseTimeout), "the end of a peer that does not answer a Close")
	}
	if queued > 0 && k.blocked != 0 {
		over(k.blocked, int64(o.WriteStallTimeout), "the end of a peer that does not read")
	}
}

// checkClosing is called when the server closes the handle of a client. Before the handshake is done nobody is told why, so it is asked here.
func (s *sim) checkClosing(k *simKernel, c *client) {
	if c.opened > 0 || c.s.fin || c.s.reset || c.blamed || s.stopped || c.refusal != 0 {
		return
	}
	if s.crowded && c.s.taken == 0 { // refused for lack of room
		return
	}
	if d := k.time() - c.s.born; d < int64(s.srv.Options.HandshakeTimeout) || s.srv.Options.HandshakeTimeout < 0 {
		s.fail("client %d: its handshake was given up after %d ms", c.id, d/1e6)
	}
}

// honest reports whether a client has done nothing, and had nothing done to it, that may cost it a proper end.
func (c *client) honest() bool {
	switch c.fate {
	case fateHangUp, fateReset, fateVanish:
		return false
	}
	return (c.opening == openWhole || c.opening == openPipelined || c.opening == openDribbled) && c.cutAt < 0 &&
		c.reads == readAll && !c.slow && !c.rude && !c.silent && !c.blamed && !c.killed && !c.full && !c.panicked &&
		c.s != nil && !c.s.reset && !c.sim.killed && !c.sim.jumps
}

// counted compares the server's statistics with what the world has seen.
func (s *sim) counted() {
	var opened, accepted, delivered, written, taken uint64
	for _, c := range s.clients {
		opened += uint64(min(c.opened, 1))
		accepted += uint64(c.accepted)
		delivered += uint64(c.delivered)
		if c.s != nil {
			written += uint64(c.s.written)
			taken += uint64(c.s.taken)
		}
	}
	st := s.srv.Stats()
	if st.Opened != opened || st.MessagesOut != accepted || st.MessagesIn < delivered || st.BytesIn != taken || st.Drops != s.drops || st.Panics != s.panics {
		s.fail("%d opened, %d messages out, %d in, %d octets in, %d drops, %d panics: the statistics say %+v", opened, accepted, delivered, taken, s.drops, s.panics, st)
	}
	if st.BytesOut > written || st.BytesOut < written && !s.crowded { // the word to those for whom there is no room is not counted
		s.fail("%d octets written, and the statistics say %d", written, st.BytesOut)
	}
}

// reckon looks at the world when all loops are over: nothing is left.
func (s *sim) reckon() {
	s.strike = nil
	for n := 0; n < 10000 && s.busy() && s.step(); n++ { // the peers read what is under way
	}
	s.counted()
	for _, l := range s.srv.loops {
		if l.live != 0 || l.wheel.count != 0 || l.load.Load() != 0 || len(l.newcomers) != 0 {
			s.fail("loop %d is over with %d connections, %d timers, load %d, %d newcomers", l.id, l.live, l.wheel.count, l.load.Load(), len(l.newcomers))
		}
	}
	if st := s.srv.Stats(); st.Open != 0 || st.Queued != 0 {
		s.fail("all is over, and %d connections are open, %d octets queued", st.Open, st.Queued)
	}
	if s.world.open != 0 {
		s.fail("all is over, and %d handles are open", s.world.open)
	}
	for _, c := range s.clients {
		if c.fate != fateFin && c.honest() && c.opened > 0 && (c.farewell == 0 || !c.ended || c.s.wasReset && !c.broken) {
			s.fail("client %d: honest, and its end was not proper: Close %d, ended %v, reset %v", c.id, c.farewell, c.ended, c.s.wasReset)
		}
		if c.fate == fateFin && c.honest() && c.opened > 0 && (c.received != c.accepted || !c.ended || c.s.wasReset) {
			s.fail("client %d: ended its side, and got %d of %d messages, ended %v, reset %v", c.id, c.received, c.accepted, c.ended, c.s.wasReset)
		}
		if c.fate != fateFin && c.honest() && c.opened == 0 && s.finished && !s.crowded {
			s.fail("client %d: honest, and never opened", c.id)
		}
		if heard := c.opened > 0 && !c.mute; heard && c.done != 1 || !heard && c.done != 0 {
			s.fail("client %d: %d calls of Open, %d of Close", c.id, c.opened, c.done)
		}
	}
}
