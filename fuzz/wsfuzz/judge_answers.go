package main

import (
	"bytes"
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// messages compares echoes with what may have been heard.
func (j *judgement) messages() {
	if !j.want.echo {
		return
	}
	sent := data(j.looseLt.Events)
	for i, e := range data(j.heard.Events) {
		switch {
		case i < len(sent) && sent[i].Op == e.Op && bytes.Equal(sent[i].Payload, e.Payload):
		case i >= len(sent) && j.loose.State == fuzz.Failed && slices.ContainsFunc(j.refused(e.Op), func(r fuzz.Event) bool { return alike(r, e) }):
			j.accepts("accepts it, and sends a message")
			return
		case i > 0 && i-1 < len(sent) && sent[i-1].Op == e.Op && bytes.Equal(sent[i-1].Payload, e.Payload) && len(e.Payload) > 0:
			j.find(broken, "echo", "a message comes back once", "sends it twice")
			return
		case i >= len(sent) && j.loose.State == fuzz.Failed:
			j.accepts("accepts it, and sends a message")
			return
		case i >= len(sent):
			j.find(broken, "echo", "a message comes back once", "sends a message that is no echo")
			return
		case bytes.Equal(sent[i].Payload, e.Payload):
			j.find(broken, "echo", "a message comes back as it is", "changes its type")
			return
		default:
			j.find(broken, "echo", "a message comes back as it is", "changes its payload")
			return
		}
	}
}

// data are the messages among events.
func data(events []fuzz.Event) (all []fuzz.Event) {
	for _, e := range events {
		if e.Op == fuzz.OpText || e.Op == fuzz.OpBinary {
			all = append(all, e)
		}
	}
	return all
}

func only(op byte, events []fuzz.Event) (all []fuzz.Event) {
	for _, e := range events {
		if e.Op == op {
			all = append(all, e)
		}
	}
	return all
}

// pongs holds them against the pings: 5.5.2, and 5.5.3, by which some of them may be left out, and others come unasked.
func (j *judgement) pongs() {
	pings := only(fuzz.OpPing, j.looseLt.Events)
	next := 0
	refused := j.refused(fuzz.OpPing)
	behind := slices.Clone(refused) // a pong may be for one of these, and then says nothing about the order
	was := func(e fuzz.Event, in []fuzz.Event) bool {
		return slices.ContainsFunc(in, func(p fuzz.Event) bool { return bytes.Equal(p.Payload, e.Payload) })
	}
	for _, c := range only(fuzz.OpClose, j.heard.Events) { // it has failed as it had to: an empty pong is one that nobody asked for
		if code, _ := c.Close(); j.mayName(code) {
			refused = slices.DeleteFunc(refused, func(p fuzz.Event) bool { return len(p.Payload) == 0 })
		}
	}
	heard := only(fuzz.OpPong, j.heard.Events)
	unasked := false
	for _, e := range heard {
		i := slices.IndexFunc(pings[next:], func(p fuzz.Event) bool { return bytes.Equal(p.Payload, e.Payload) })
		switch {
		case i >= 0:
			next += i + 1
		case j.loose.State == fuzz.Failed && (j.p.barrier != "" && string(e.Payload) == j.p.barrier || was(e, refused)):
			j.accepts("accepts it, and sends a pong")
		case next > 0 && bytes.Equal(pings[next-1].Payload, e.Payload), was(e, pings) && inOrder(slices.CompactFunc(slices.Clone(heard), alike), pings):
			j.find(odd, "5.5.3", "a pong may be sent unasked", "sends a pong twice")
		case was(e, pings) && !was(e, behind):
			j.find(lesser, "5.5.3", "the order of pongs is that of the pings", "sends pongs in another order")
		default:
			unasked = true
		}
	}
	switch answered := next == len(pings) || j.loose.State != fuzz.Open && !j.p.closing; {
	case unasked && (!answered || j.p.late == "a pong"):
		j.find(broken, "5.5.3", "a pong has the payload of its ping", "sends another")
	case unasked:
		j.find(odd, "5.5.3", "a pong may be sent unasked", "sends one")
	}
}

// refused are the payloads of frames of a kind from the first fault on: they should not have been heard.
func (j *judgement) refused(op byte) []fuzz.Event {
	if j.loose.State != fuzz.Failed {
		return nil
	}
	begin, _ := faulty(j.p.sent, j.loose.Fault.At)
	return frames(op, j.p.sent[begin:])
}

func alike(a, b fuzz.Event) bool { return bytes.Equal(a.Payload, b.Payload) }

// inOrder reports whether events are some of others, in their order.
func inOrder(events, others []fuzz.Event) bool {
	for _, o := range others {
		if len(events) > 0 && alike(events[0], o) {
			events = events[1:]
		}
	}
	return len(events) == 0
}

// frames are the payloads of frames of a kind, whatever is wrong with them.
func frames(op byte, stream []byte) (all []fuzz.Event) {
	found, _ := fuzz.Dissect(stream)
	for _, f := range found {
		if f.Opcode == op {
			all = append(all, fuzz.Event{Op: op, Payload: f.Payload})
		}
	}
	return all
}

// afterClose finds what comes behind the endpoint's Close.
func (j *judgement) afterClose() {
	n := len(j.heard.Events)
	if j.heard.State != fuzz.Closed || len(j.p.got) == j.heard.Events[n-1].End {
		return
	}
	const rule = "nothing may be sent after a Close"
	rest, _ := fuzz.Dissect(j.p.got[j.heard.Events[n-1].End:])
	c := lesser
	if slices.ContainsFunc(rest, func(f fuzz.Frame) bool { return f.Opcode < 8 }) {
		c = broken
	}
	j.find(c, "5.5.1", rule, "goes on talking")
}
