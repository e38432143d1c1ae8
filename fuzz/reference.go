package fuzz

import "slices"

// Judge is what RFC 6455, and RFC 7692 where there is compression, make of the octets that an endpoint has received so far. It is written to be read beside
// the text: one octet after the other, no matter how slow. It shares no code with the packages it judges.
//
// A fault is found with the first octet that makes it certain.
func Judge(s Setup, stream []byte) Verdict { return judge(s, stream, lateness{}, nil) }

// JudgeLate is Judge by an endpoint that is as late as the text allows: it looks at a header when all of it is there, at a Close likewise, and at the text of a
// message and at what is compressed when the message is complete. So of two faults it may name the other, and it may hear control
// frames that Judge does not. Also is what endpoints name that are late with some of that.
func JudgeLate(s Setup, stream []byte) Verdict { return judgeLate(s, stream, nil) }

// JudgeExcept is Judge by an endpoint that does not know some rules of Rules, as a Quirk says of others.
func JudgeExcept(s Setup, stream []byte, rules ...string) Verdict {
	return judge(s, stream, lateness{}, rules)
}

func judgeLate(s Setup, stream []byte, except []string) Verdict {
	if v := judge(s, stream, lateness{}, except); v.State != Failed {
		return v // and nobody finds a fault
	}
	v := judge(s, stream, lateness{true, true, true}, except)
	for i := 1; i < 7; i++ {
		w := judge(s, stream, lateness{i&1 != 0, i&2 != 0, i&4 != 0}, except)
		if w.State == Failed && !slices.Contains(v.Also, w.Fault) {
			v.Also = append(v.Also, w.Fault)
		}
	}
	return v
}

// A lateness is what an endpoint looks at no sooner than it has to.
type lateness struct {
	frame bool // headers and Closes
	text  bool // UTF-8
	wire  bool // what is compressed
}

// A reference is an endpoint that reads. Its methods stand in the order in which the RFC comes to what they do.
type reference struct {
	Setup
	stream []byte
	at     int // octets read
	late   lateness
	except []string // rules that are not looked at, as others do not; see Quirk
	v      Verdict
	broken *Fault // late.frame: the first rule that the present header or control frame breaks

	// The message that is being received.
	op      byte   // OpText or OpBinary; 0: none is
	frame   header // its present frame
	got     uint64 // octets read of it; got <= frame.length
	frames  int
	total   uint64 // the lengths of its frames
	squeeze bool   // it is compressed

	history []byte // RFC 7692, 7.1.1: what the window may refer to
}

// over is the value of a panic that ends the reading: the verdict is there.
type over struct{}

func judge(s Setup, stream []byte, late lateness, except []string) (v Verdict) {
	r := &reference{Setup: s, stream: stream, late: late, except: except}
	defer func() {
		if e := recover(); e != nil && e != (over{}) {
			panic(e)
		}
		v = r.v
	}()
	for {
		r.message()
	}
}

// octet returns the next octet, and says "need more" if there is none.
func (r *reference) octet() byte {
	if r.at == len(r.stream) {
		r.v.State = NeedMore
		panic(over{})
	}
	r.at++
	return r.stream[r.at-1]
}

// A header is all of a frame but its payload.
type header struct {
	fin    bool
	rsv    byte // RSV1 is 4
	op     byte
	length uint64
	key    [4]byte // 0 if there is none
}

// header reads 5.2.
func (r *reference) header() (h header) {
	if r.at == len(r.stream) && r.op == 0 {
		r.v.State = Open
		panic(over{})
	}
	b := r.octet()
	h.fin, h.rsv, h.op = b >= 0x80, b>>4&7, b&15
	control := h.op >= 8
	other := h.rsv
	if r.Deflate != nil {
		other &= 3
		r.must(h.rsv&4 == 0 || !control && h.op != OpContinuation, CodeProtocol, "RFC 7692 6.1", "RSV1 on a control frame or on a fragment that is not the first")
	}
	r.must(other == 0, CodeProtocol, "5.2", "RSV without an extension that gives it a meaning")
	r.must(h.op <= OpBinary || h.op >= OpClose && h.op <= OpPong, CodeProtocol, "5.2", "reserved opcode")
	r.must(!control || h.fin, CodeProtocol, "5.5", "control frame in fragments")
	r.must(h.op != OpContinuation || r.op != 0, CodeProtocol, "5.4", "continuation, and nothing to continue")
	r.must(control || h.op == OpContinuation || r.op == 0, CodeProtocol, "5.4", "fragments of two messages are interleaved")

	b = r.octet()
	masked, length := b >= 0x80, b&0x7f
	r.must(masked || r.Role == Client, CodeProtocol, "5.1", "frame from a client is not masked")
	r.must(!masked || r.Role == Server, CodeProtocol, "5.1", "frame from a server is masked")
	r.must(!control || length <= 125 || r.ignores(LongControls), CodeProtocol, "5.5", "control frame longer than 125")
	if !r.late.frame { // else it is found when the body is there
		r.closeLength(h.op, uint64(length))
	}
	switch length {
	default:
		h.length = uint64(length)
	case 126: // "the following 2 bytes interpreted as a 16-bit unsigned integer"
		for range 2 {
			h.length = h.length<<8 | uint64(r.octet())
		}
		r.must(h.length > 125, CodeProtocol, "5.2", "length not in the minimal number of bytes")
	case 127: // "the following 8 bytes interpreted as a 64-bit unsigned integer"
		for i := range 8 {
			h.length = h.length<<8 | uint64(r.octet())
			r.must(i != 0 || h.length < 0x80, CodeProtocol, "5.2", "most significant bit of a length is not 0")
			r.must(i != 5 || h.length > 0, CodeProtocol, "5.2", "length not in the minimal number of bytes")
		}
	}
	r.must(!control || h.length <= 125, CodeProtocol, "5.5", "control frame longer than 125") // only where the form does not matter
	if masked {
		for i := range h.key {
			h.key[i] = r.octet()
		}
	}
	r.settle()
	return h
}

// must notes that a rule is broken if ok is false.
func (r *reference) must(ok bool, code uint16, section, rule string) {
	if ok || r.ignores(rule) {
		return
	}
	if !r.late.frame {
		r.fail(code, section, rule)
	}
	if r.broken == nil {
		r.broken = &Fault{code, section, rule, r.at}
	}
}

// ignores reports whether a rule is put aside.
func (r *reference) ignores(rule string) bool { return slices.Contains(r.except, rule) }

// settle fails the connection for a rule that has been broken.
func (r *reference) settle() {
	if f := r.broken; f != nil {
		r.fail(f.Code, f.Section, f.Rule)
	}
}

// fail ends the reading: 7.1.7.
func (r *reference) fail(code uint16, section, rule string) {
	if r.ignores(rule) {
		return
	}
	r.v.State = Failed
	r.v.Fault = Fault{code, section, rule, r.at}
	panic(over{})
}

// unmasked reads octet i of a payload: 5.3, "transformed-octet-i = original-octet-i XOR masking-key-octet-j", "j = i MOD 4".
func (r *reference) unmasked(h header, i uint64) byte { return r.octet() ^ h.key[i%4] }

// data reads headers up to that of a data frame; 5.4: "Control frames MAY be injected in the middle of a fragmented message".
func (r *reference) data() header {
	for {
		h := r.header()
		if h.op < 8 {
			return h
		}
		r.control(h)
	}
}

// begin begins a frame of the message. 5.4 has been seen to by header; limits are 10.4, which leaves them to the endpoint.
func (r *reference) begin(h header) {
	if h.op != OpContinuation {
		r.op, r.frames, r.total, r.squeeze = h.op, 0, 0, r.Deflate != nil && h.rsv&4 != 0
	}
	most := r.Limits.Message
	if r.squeeze {
		most = r.Limits.Wire
	}
	if most > 0 && h.length > uint64(most)-r.total {
		r.fail(CodeTooBig, "10.4", "message longer than the limit")
	}
	if r.Limits.Fragments > 0 && r.frames == r.Limits.Fragments {
		r.fail(CodePolicy, "10.4", "message in more fragments than the limit")
	}
	r.frame, r.got = h, 0
	r.frames++
	r.total += h.length
}

// next returns the next octet of the message, in whatever frame, or false if that was the last: 5.4.
func (r *reference) next() (byte, bool) {
	for r.got == r.frame.length {
		if r.frame.fin {
			return 0, false
		}
		r.begin(r.data())
	}
	r.got++
	return r.unmasked(r.frame, r.got-1), true
}

// message receives one message: 6.2.
func (r *reference) message() {
	r.begin(r.data())
	next := r.next
	if r.squeeze && r.late.wire && !r.ignores(FinalAtOnce) {
		all := collect(r.next)
		next = func() (byte, bool) {
			if len(all) == 0 {
				return 0, false
			}
			b := all[0]
			all = all[1:]
			return b, true
		}
	}
	payload := []byte{}
	var text utf8Reader
	check := func(b byte) { // 8.1, and 5.6: "the whole message MUST contain valid UTF-8"
		if r.op == OpText && !text.read(b) {
			r.fail(CodeInvalid, "8.1", "text is not UTF-8")
		}
	}
	hear := func(b byte) {
		if r.Limits.Message > 0 && int64(len(payload)) == r.Limits.Message {
			r.fail(CodeTooBig, "10.4", "message longer than the limit")
		}
		payload = append(payload, b)
		if !r.late.text {
			check(b)
		}
	}
	if r.squeeze {
		r.inflate(next, hear)
	} else {
		for b, ok := next(); ok; b, ok = next() {
			hear(b)
		}
	}
	if r.late.text {
		for _, b := range payload {
			check(b)
		}
	}
	if r.op == OpText && !text.bad && !text.complete() {
		r.fail(CodeInvalid, "8.1", "text ends inside a character")
	}
	if len(payload) > 0 || r.squeeze || !r.ignores(EmptyMessages) {
		r.hear(r.op, payload)
	}
	if r.ignores(FinalAtOnce) {
		collect(r.next)
	}
	r.op = 0
}

func collect(next func() (byte, bool)) (all []byte) {
	for b, ok := next(); ok; b, ok = next() {
		all = append(all, b)
	}
	return all
}

// inflate decompresses the message: RFC 7692, 6.2 and 7.2.2.
func (r *reference) inflate(next func() (byte, bool), hear func(byte)) {
	z := inflater{
		next:     next,
		window:   r.Deflate.window(),
		out:      r.history,
		hear:     hear,
		bad:      func(rule string) { r.fail(CodeInvalid, "RFC 7692 7.2.2", rule) },
		stops:    r.ignores(AfterFinal) || r.ignores(FinalAtOnce),
		inside:   r.ignores(EndsInBlock),
		longTail: r.ignores(LongTail),
	}
	defer func() { r.v.Final = r.v.Final || z.final }()
	z.message()
	r.v.Lenient = r.v.Lenient || z.lenient
	if z.stops && !r.ignores(FinalAtOnce) {
		collect(next)
	}
	if r.Deflate.Takeover {
		r.history = z.out[max(0, len(z.out)-z.window):]
	}
}

// control receives a control frame: 5.5.
func (r *reference) control(h header) {
	payload := []byte{}
	var text utf8Reader
	for i := range h.length {
		b := r.unmasked(h, i)
		payload = append(payload, b)
		if h.op == OpClose && i == 1 {
			code := int(payload[0])<<8 | int(b)
			r.must(code <= 4999, CodeProtocol, "7.4", "code above 4999")
			r.must((mayClose(code) || code > 4999) && !r.ignores(Registered(code)), CodeProtocol, "7.4", "code that no endpoint may send")
		}
		if h.op == OpClose && i > 1 {
			r.must(text.read(b), CodeInvalid, "5.5.1", "reason of a close is not UTF-8")
		}
	}
	r.closeLength(h.op, h.length)
	if h.op == OpClose && len(payload) == 1 {
		payload = payload[:0] // whoever does not mind takes it for none
	}
	r.must(text.bad || text.complete(), CodeInvalid, "5.5.1", "reason of a close ends inside a character")
	r.settle()
	r.hear(h.op, payload)
	if h.op == OpClose { // 5.5.1: "MUST NOT send any more data frames after"
		r.v.State = Closed
		panic(over{})
	}
}

// closeLength reads 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
func (r *reference) closeLength(op byte, length uint64) {
	r.must(op != OpClose || length != 1, CodeProtocol, "5.5.1", "body of a close of one octet")
}

// mayClose reports whether a Close may have the code: 7.4.1 and 7.4.2.
func mayClose(code int) bool {
	switch {
	case code < 1000: // "not used"
		return false
	case code <= 1003:
		return true
	case code <= 1006: // 1004 "reserved"; 1005 and 1006 "MUST NOT be set as a status code in a Close control frame by an endpoint"
		return false
	case code <= 1014: // 1012 to 1014 by the registry that 11.7 founds
		return true
	case code <= 2999: // 1015 as 1005; the rest "reserved for definition by this protocol"
		return false
	}
	return code <= 4999
}

// hear notes an event.
func (r *reference) hear(op byte, payload []byte) {
	r.v.Events = append(r.v.Events, Event{Op: op, Payload: payload, End: r.at})
}
