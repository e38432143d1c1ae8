package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// What is waited for only of those who are held to be strict.
const (
	earlyFailure = "the failure of the connection before the message ends"
	clientsEnd   = "the end of TCP by the client"
)

// atOnceText reports whether a stream breaks off in a text that cannot become UTF-8 any more, which nobody has to notice yet.
func atOnceText(stream []byte, early, late fuzz.Verdict) bool {
	frames, _ := fuzz.Dissect(stream)
	if slices.ContainsFunc(frames, func(f fuzz.Frame) bool { return f.Rsv != 0 }) { // of what is compressed nobody is asked for that
		return false
	}
	return early.State == fuzz.Failed && early.Fault.Section == "8.1" && late.State == fuzz.NeedMore
}

// promptness finds the answer that came later than the user wants.
func (j *judgement) promptness() {
	if j.want.slow > 0 && j.p.latest >= j.want.slow && j.p.late == "" {
		j.find(slow, "-", fmt.Sprintf("answers come within %v", j.want.slow), "takes longer for "+j.p.waited)
	}
}

// keys holds a client to 5.3.
func (j *judgement) keys() {
	if j.p.role != fuzz.Client {
		return
	}
	frames, _ := fuzz.Dissect(j.p.got)
	for i := range frames {
		if !frames[i].Masked || frames[i].Key != frames[0].Key {
			return
		}
	}
	if len(frames) >= 3 { // by chance once in 2^64 times
		j.find(broken, "5.3", "each frame has a fresh masking key", "masks all frames with the same")
	}
}

// strictly finds what the RFC leaves open, and the better ones do not make use of.
func (j *judgement) strictly() {
	if !j.want.strict {
		return
	}
	if len(only(fuzz.OpPing, j.heard.Events)) > 0 {
		j.find(odd, "5.5.2", "a ping may be sent at any time", "sends one")
	}
	switch j.p.late {
	case "":
		j.complete()
	case earlyFailure:
		j.find(odd, "8.1", "text that cannot become UTF-8 is refused at once", "waits for the end of the frame or of the message").vain = true
	case clientsEnd:
		j.find(odd, "7.1.1", "a client does not wait for ever for the server to close TCP", "does").vain = true
	}
}

// complete finds answers that were due before the end of a session, and did not come.
func (j *judgement) complete() {
	if j.p.end == reset || j.flood() || j.tight.Fault.Section == "10.4" || j.tight.Lenient || j.tight.Final || j.heard.State != fuzz.Closed && j.p.end == running || len(j.found) > 0 {
		return // the player did not wait for the rest; what has come before a reset may be lost, and what follows from another finding says nothing more
	}
	rule := "all is answered, and not the last ping alone"
	switch {
	case j.tight.State == fuzz.Failed:
		rule = "what stands before a fault is answered"
	case j.tight.State == fuzz.Closed && !j.p.closing:
		rule = "what stands before a Close is answered"
	}
	if messages := data(j.tight.Events); j.want.echo && len(data(j.heard.Events)) < len(messages) {
		j.find(odd, "-", rule, "loses a message")
	}
	if pings := only(fuzz.OpPing, j.tight.Events); len(only(fuzz.OpPong, j.heard.Events)) < len(pings) {
		j.find(odd, "5.5.3", rule, "leaves out a pong")
	}
}

// How long messages are of which it is said how they are compressed: shorter ones are not worth it to many.
const (
	minSqueezed = 2048
	maxRepeated = 8 << 10
)

// compression holds an endpoint to the use of what it has agreed to.
func (j *judgement) compression() {
	if !j.want.compress || !j.want.echo || j.p.from == nil || j.heard.Final {
		return
	}
	sizes, squeezed := wireSizes(j.p.got)
	events := data(j.heard.Events)
	for i, e := range events {
		switch {
		case i >= len(sizes) || len(e.Payload) < minSqueezed:
		case !squeezed[i] && deflated(e.Payload) < len(e.Payload)/2:
			j.find(odd, "RFC 7692 6", "a message that compression makes shorter is compressed", "sends it as it is")
		case i > 0 && squeezed[i] && squeezed[i-1] && j.p.from.Takeover && j.p.from.Bits >= 14 && len(e.Payload) <= maxRepeated &&
			bytes.Equal(e.Payload, events[i-1].Payload) && deflated(e.Payload) > len(e.Payload)/3 && sizes[i] > deflated(e.Payload)/2:
			j.find(odd, "RFC 7692 7.1.1", "a message refers to those before it, if that was agreed on", "does not")
		}
	}
}

// wireSizes are the octets of the messages of a stream as they are sent, and whether they are compressed.
func wireSizes(stream []byte) (sizes []int, squeezed []bool) {
	frames, _ := fuzz.Dissect(stream)
	n, rsv := 0, false
	for _, f := range frames {
		if f.Opcode >= 8 {
			continue
		}
		if f.Opcode != fuzz.OpContinuation {
			n, rsv = 0, f.Rsv&4 != 0
		}
		if n += len(f.Payload); f.Fin {
			sizes, squeezed = append(sizes, n), append(squeezed, rsv)
		}
	}
	return sizes, squeezed
}

// deflated is how long a message is when it is compressed quickly.
func deflated(b []byte) int {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestSpeed)
	w.Write(b)
	w.Close()
	return out.Len()
}
