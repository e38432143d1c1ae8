package autobahn

import "github.com/idlewire/idlewire/frame"

// logCut is how many octets of a payload the log keeps.
const logCut = 64

func (s *session) log(e LogEntry) {
	if !s.logged || len(s.r.Log) >= MaxLogged {
		return
	}
	if !s.now.IsZero() { // it is, before begin
		e.At = s.now.Sub(s.began)
	}
	s.r.Log = append(s.r.Log, e)
}

// switchLog switches the log: it is off while a case with much data runs.
func (s *session) switchLog(on bool) {
	if s.logged == on {
		return
	}
	s.logged = true
	s.log(LogEntry{Kind: LogSwitch, On: on})
	s.logged = on
}

// cut returns the first octets of b, for the log: all, if they are no more than 60, else 64.
func cut(b []byte) []byte {
	return append([]byte(nil), b[:min(len(b), logCut)]...)
}

func (s *session) logFrameOut(h frame.Header, payload []byte, chop int, alone bool) {
	s.r.TxFrames[h.Opcode]++
	if !s.logged {
		return
	}
	e := LogEntry{Kind: FrameOut, Len: len(payload), Data: cut(payload), Opcode: h.Opcode, Fin: h.Fin, Rsv: h.Rsv, Masked: h.Masked, Chop: chop, Sync: alone}
	if h.Length > int64(len(payload)) {
		e.Len = int(min(h.Length, 1<<31-1)) // a header alone
	}
	if h.Masked {
		e.Mask = [4]byte{byte(h.Key), byte(h.Key >> 8), byte(h.Key >> 16), byte(h.Key >> 24)}
	}
	s.log(e)
}

func (s *session) logFrameIn() {
	in := &s.in
	s.r.RxFrames[in.opcode]++
	e := LogEntry{Kind: FrameIn, Len: int(min(in.length, 1<<31-1)), Data: in.first, Opcode: in.opcode, Fin: in.fin, Rsv: in.rsv, Masked: in.masked}
	if in.masked {
		e.Mask = in.mask
	}
	s.log(e)
}

// countOctetsOut counts writes as the driver will make them.
func (s *session) countOctetsOut(b []byte, chop int, alone bool) {
	if chop == 0 {
		s.r.TxOctets[len(b)]++
		s.log(LogEntry{Kind: OctetsOut, Len: len(b), Data: cut(b), Sync: alone})
		return
	}
	for i := 0; i < len(b); i += chop {
		piece := b[i:min(i+chop, len(b))]
		s.r.TxOctets[len(piece)]++
		if i/chop < maxLogChunks {
			s.log(LogEntry{Kind: OctetsOut, Len: len(piece), Data: cut(piece), Sync: true})
		}
	}
}

func (s *session) countOctetsIn(b []byte) {
	if len(b) == 0 {
		return
	}
	if _, known := s.r.RxOctets[len(b)]; known || len(s.r.RxOctets) < MaxLogged {
		s.r.RxOctets[len(b)]++
	}
	s.log(LogEntry{Kind: OctetsIn, Len: len(b), Data: cut(b)})
}

// opened counts and logs the opening handshake, as one read and one write.
func (s *session) opened() {
	switch {
	case s.c.Opening != nil: // what the runner says is counted when it says it
		s.countOctetsIn([]byte(s.r.HTTPRequest))
	case s.client:
		s.countOctetsOut([]byte(s.r.HTTPRequest), 0, false)
		s.countOctetsIn([]byte(s.r.HTTPResponse))
	default:
		s.countOctetsIn([]byte(s.r.HTTPRequest))
		s.countOctetsOut([]byte(s.r.HTTPResponse), 0, false)
	}
}
