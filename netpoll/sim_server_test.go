package netpoll

import (
	"bytes"
	"errors"
	"net"
	"strconv"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// conduct is what the server's handler for a client does.
type conduct uint8

const (
	doEcho conduct = iota
	doPrepared
	doBurst
	doSink
	doClose
	doCloseNow
	doPanic
	doMeddle
	doGreet
	doNothing // Open returns nil
	conducts
)

// A simHandler is the program's side of one connection.
type simHandler struct{ cl *client }

// open is Server.Open.
func (s *sim) open(c *Conn, r *handshake.Request) Handler {
	cl := s.who(r)
	s.note(opOpen, int64(cl.id), 0, nil)
	if cl.opened++; cl.opened != 1 || cl.done > 0 {
		s.fail("client %d: Open, %d times", cl.id, cl.opened)
	}
	if cl.refusal != 0 || cl.opening == openNever {
		s.fail("client %d: Open for a handshake that is to be refused", cl.id)
	}
	cl.c = c
	switch cl.server {
	case doNothing:
		cl.mute = true
		return nil
	case doGreet:
		for range s.intn(4) {
			s.write(cl)
		}
		if s.chance(128) {
			s.close(cl)
		}
	case doPanic:
		if s.chance(256) {
			cl.codes = append(cl.codes, frame.CloseInternalError)
			cl.panicked = true
			cl.mute = true // there is no handler to hear of the end
			s.panic("Open")
		}
	case doMeddle:
		s.meddle(cl)
	}
	return simHandler{cl}
}

// who finds the client whose request it is.
func (s *sim) who(r *handshake.Request) *client {
	p := r.Path()
	if len(p) < 4 || string(p[:3]) != "/c/" {
		s.fail("a request for %q", p)
	}
	id, err := strconv.Atoi(string(p[3:]))
	if err != nil || id >= len(s.clients) {
		s.fail("a request for %q", p)
	}
	return s.clients[id]
}

// hook is Upgrader.Hook (V41: a refusal at the moment of a reset).
func (s *sim) hook(r *handshake.Request) error {
	cl := s.who(r)
	if s.chance(s.luck.abort * 8) {
		cl.s.abort(s.chance(512))
		cl.blamed = true
		cl.gone, cl.deaf, cl.told = true, true, true
	}
	if cl.opening == openRefused {
		if cl.panicked {
			cl.refusal = -500
			s.panic("the hook")
		}
		return &handshake.Error{Status: 403}
	}
	return nil
}

// panic is what a program may do as well (F22).
func (s *sim) panic(where string) {
	s.panics++
	panic("simulated panic in " + where)
}

// alive checks that a handler may be called.
func (h simHandler) alive(what string) {
	if h.cl.opened != 1 || h.cl.done != 0 || h.cl.mute {
		h.cl.sim.fail("client %d: %s after %d calls of Open and %d of Close", h.cl.id, what, h.cl.opened, h.cl.done)
	}
}

func (h simHandler) Message(c *Conn, m conn.Message) {
	cl, s := h.cl, h.cl.sim
	h.alive("Message")
	s.note(opMessage, int64(cl.id), int64(len(m.Payload)), nil)
	if c != cl.c {
		s.fail("client %d: Message with the wrong connection", cl.id)
	}
	size, op := s.shape('C', cl.id, cl.delivered)
	if int(cl.delivered) >= len(cl.ends) || cl.ends[cl.delivered] > cl.pushed {
		s.fail("client %d: message %d was delivered and never sent: %.40q", cl.id, cl.delivered, m.Payload)
	}
	if want := body(s.scratch[:0], 'C', cl.id, cl.delivered, size); op != m.Op || !bytes.Equal(want, m.Payload) {
		s.fail("client %d: expected message %d %.40q of %d octets, got %.40q of %d", cl.id, cl.delivered, want, size, m.Payload, len(m.Payload))
	}
	if cl.closeAt != 0 || cl.killed {
		s.fail("client %d: a message after the program has closed", cl.id)
	}
	cl.delivered++
	switch cl.server {
	case doEcho:
		s.write(cl)
	case doPrepared:
		s.writePrepared(cl)
	case doBurst:
		for range s.upTo(8) {
			s.write(cl)
		}
	case doClose:
		if s.write(cl); s.chance(300) {
			s.close(cl)
			s.write(cl)
		}
	case doCloseNow:
		if s.write(cl); s.chance(200) {
			s.closeNow(cl)
		}
	case doPanic:
		if s.write(cl); s.chance(200) {
			cl.panicked = true
			cl.codes = append(cl.codes, frame.CloseInternalError)
			s.panic("Message")
		}
	case doMeddle:
		s.write(cl)
		s.meddle(cl)
	case doGreet:
		s.asked(cl, cl.c.Ping(nil))
		s.write(cl)
	}
	for i := range m.Payload { // what is lent may be overwritten
		m.Payload[i] = 0xDB
	}
}

func (h simHandler) Drained(c *Conn) {
	h.alive("Drained")
	h.cl.long = false
	h.cl.sim.note(opCall, int64(h.cl.id), -1, nil)
	if n := c.Buffered(); n > h.cl.sim.srv.WriteQueueSoft && h.cl.sim.strike == nil {
		h.cl.sim.fail("client %d: Drained with %d octets queued", h.cl.id, n)
	}
	switch h.cl.server {
	case doMeddle:
		h.cl.sim.meddle(h.cl)
	case doPanic:
		h.cl.panicked = true
		h.cl.codes = append(h.cl.codes, frame.CloseInternalError)
		h.cl.sim.panic("Drained")
	default:
		h.cl.sim.write(h.cl)
	}
}

func (h simHandler) Close(c *Conn, err error) {
	cl, s := h.cl, h.cl.sim
	s.note(opEnd, int64(cl.id), int64(cl.delivered), err)
	h.alive("Close")
	cl.done++
	cl.err = err
	s.judge(cl)
	if !cl.s.closed {
		s.fail("client %d: Close before its handle was closed", cl.id)
	}
	if n := c.proto.Buffered(); n != 0 || c.busy != nil || c.due != 0 {
		s.fail("client %d: Close, and it still has %d octets of protocol buffers, output %v, a timer at %d", cl.id, n, c.busy != nil, c.due)
	}
	s.write(cl) // must say that it is closed
	switch cl.server {
	case doMeddle:
		s.meddle(cl)
	case doPanic:
		s.panic("Close")
	}
}

// over reports whether the program may know that writing to a client is in vain.
func (cl *client) over() bool { return cl.done > 0 || cl.closeAt != 0 || cl.killed }

// write sends the next message to a client.
func (s *sim) write(cl *client) {
	size, op := s.shape('S', cl.id, cl.accepted)
	s.wrote(cl, cl.c.Write(op, body(s.scratch2[:0], 'S', cl.id, cl.accepted, size)))
}

func (s *sim) writePrepared(cl *client) {
	size, op := s.shape('S', cl.id, cl.accepted)
	m, err := conn.Prepare(op, body(nil, 'S', cl.id, cl.accepted, size))
	if err != nil {
		s.fail("prepare: %v", err)
	}
	s.wrote(cl, cl.c.WritePrepared(m))
}

// wrote checks what a writing method has said.
func (s *sim) wrote(cl *client, err error) {
	s.note(opCall, int64(cl.id), int64(cl.accepted), err)
	switch {
	case err == nil:
		if cl.over() {
			s.fail("client %d: a message was taken after the end", cl.id)
		}
		cl.long = cl.long || s.srv.WriteQueueSoft >= 0 && cl.c.Buffered() > s.srv.WriteQueueSoft
		cl.accepted++
	case errors.Is(err, ErrQueueFull):
		s.drops++
		cl.full = true
		if s.srv.WriteQueuePolicy == CloseWhenFull {
			cl.codes = append(cl.codes, frame.ClosePolicyViolation)
		}
	case errors.Is(err, net.ErrClosed):
	default:
		s.fail("client %d: write: %v", cl.id, err)
	}
}

func (s *sim) close(cl *client) {
	code := frame.CloseCode(4000 + s.intn(100))
	err := cl.c.Close(code, "enough")
	s.note(opCall, int64(cl.id), int64(code), err)
	switch {
	case err == nil:
		if cl.over() {
			s.fail("client %d: closed twice", cl.id)
		}
		cl.codes = append(cl.codes, code)
		cl.closeAt = s.loopTime(s.kernels[cl.c.loop.id])
	case !errors.Is(err, net.ErrClosed):
		s.fail("client %d: close: %v", cl.id, err)
	}
}

func (s *sim) closeNow(cl *client) {
	err := cl.c.CloseNow()
	s.note(opCall, int64(cl.id), -2, err)
	if err == nil {
		cl.killed = true
	} else if !errors.Is(err, net.ErrClosed) {
		s.fail("client %d: close now: %v", cl.id, err)
	}
}

func (s *sim) loopOf(cl *client) *loop { return cl.c.loop }

// anyone is a client that has been opened, or nil.
func (s *sim) anyone() *client {
	for range 4 {
		if cl := s.clients[s.intn(len(s.clients))]; cl.c != nil {
			return cl
		}
	}
	return nil
}

// meddle is what a program may do at any moment, to any connection, its own or another (E28).
func (s *sim) meddle(self *client) {
	if len(s.clients) == 0 {
		return
	}
	cl := s.anyone()
	if cl == nil {
		return
	}
	switch n := s.intn(32); {
	case n < 12:
		s.write(cl)
	case n < 17:
		s.writePrepared(cl)
	case n < 20:
		s.asked(cl, cl.c.Ping([]byte("are you there?")))
	case n < 22:
		s.close(cl)
	case n < 24:
		s.closeNow(cl)
	case n < 26:
		if n := cl.c.Buffered(); n < 0 || n > 0 && cl.done > 0 {
			s.fail("client %d: %d octets buffered", cl.id, n)
		}
	case n < 28:
		if cl.c.RemoteAddr() == nil != cl.c.is(isGone) {
			s.fail("client %d: its address is %v", cl.id, cl.c.RemoteAddr())
		}
	case n < 30:
		if st := s.srv.Stats(); st.Open < 0 || st.Queued < 0 && self == nil {
			s.fail("stats: %+v", st)
		}
	default:
		m, err := conn.Prepare(frame.Ping, nil)
		if m != nil || err == nil {
			s.fail("a ping was prepared")
		}
	}
}

func (s *sim) asked(cl *client, err error) {
	s.note(opCall, int64(cl.id), -3, err)
	switch {
	case err == nil, errors.Is(err, net.ErrClosed):
	case errors.Is(err, ErrQueueFull):
		s.wrote(cl, err)
	default:
		s.fail("client %d: ping: %v", cl.id, err)
	}
}
