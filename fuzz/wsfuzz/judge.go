package main

import (
	"slices"

	"github.com/idlewire/idlewire/fuzz"
)

// A judgement holds what an endpoint did against what the reference says of the octets that it was sent.
type judgement struct {
	p              *played
	want           *wants
	tight, tightLt fuzz.Verdict // of an endpoint that accepts as little as it may
	loose, looseLt fuzz.Verdict // and of one that accepts as much
	heard          fuzz.Verdict // what came back, judged in its turn
	found          []*finding
}

// judge returns what is wrong with a session. The worst comes first.
func judge(p *played, want *wants) []*finding {
	tight, loose := want.limits.setups(p.role, p.to)
	j := &judgement{p: p, want: want}
	j.tight, j.tightLt = verdicts(tight, p.sent)
	j.loose, j.looseLt = j.tight, j.tightLt
	if j.tight.State == fuzz.Failed { // else nobody finds a fault
		j.loose, j.looseLt = verdicts(loose, p.sent)
	}
	back := fuzz.Server
	if p.role == fuzz.Server {
		back = fuzz.Client
	}
	j.heard = fuzz.Judge(fuzz.Setup{Role: back, Deflate: p.from}, p.got)
	if f := j.heard.Fault; j.heard.State == fuzz.Failed {
		j.find(broken, f.Section, f.Rule, "sends it")
	} else {
		j.messages()
		j.pongs()
		j.afterClose()
		j.ends()
		j.keys()
		j.strictly()
		j.compression()
	}
	j.promptness()
	slices.SortStableFunc(j.found, func(a, b *finding) int { return int(b.class) - int(a.class) })
	return j.found
}

// verdicts are those of an endpoint that is prompt, and of one that is late. They are the same if there is no fault, and then it is looked for only once.
func verdicts(s fuzz.Setup, stream []byte) (early, late fuzz.Verdict) {
	early = fuzz.Judge(s, stream)
	if late = early; early.State == fuzz.Failed {
		late = fuzz.JudgeLate(s, stream)
	}
	return early, late
}

func (j *judgement) find(c class, section, rule, kind string) *finding {
	if j.loose.Final && (slices.Contains([]string{"echo", "7.1.7", "8.1", noDeflate}, section) || rule == "a Close is answered") { // that is why
		section, rule = "RFC 7692 7.2.1", "data may follow a final block"
	}
	for _, f := range j.found {
		if f.section == section && f.rule == rule && f.kind == kind {
			return f
		}
	}
	f := &finding{class: c, section: section, rule: rule, kind: kind, plan: j.p.plan, play: j.p}
	j.found = append(j.found, f)
	return f
}

// mustFail reports whether no endpoint may go on.
func (j *judgement) mustFail() bool {
	return j.loose.State == fuzz.Failed && j.looseLt.State == fuzz.Failed
}

// mayFail reports whether some endpoint may fail the connection.
func (j *judgement) mayFail() bool {
	return j.loose.State == fuzz.Failed || j.tight.State == fuzz.Failed || j.loose.Lenient
}

// accepts says that the endpoint took what it had to refuse.
func (j *judgement) accepts(how string) {
	f := j.fault()
	c := broken
	switch {
	case f.Rule == beyondWindow:
		c = odd
	case f.Section == noDeflate: // RFC 7692 does not say that the connection has to fail
		c = lesser
	}
	j.blame(c, f, how)
}

// blame says what an endpoint did because of a frame, or perhaps of what stands before it.
func (j *judgement) blame(c class, f fuzz.Fault, what string) {
	begin, _ := faulty(j.p.sent, f.At)
	g := j.find(c, f.Section, f.Rule, what)
	g.before, g.moot = min(begin, len(j.p.stream)), f.Rule == beyondWindow
}

// noDeflate is the section of the faults in what is compressed.
const noDeflate = "RFC 7692 7.2.2"

// beyondWindow is the rule that whoever has a greater window than was agreed on need not look at.
const beyondWindow = "distance beyond the window"

// fault is the first rule that was broken. Of a control frame whose length is in a longer form the reference cannot wait for what the length is: here it is known.
func (j *judgement) fault() fuzz.Fault {
	f := j.loose.Fault
	if j.looseLt.State == fuzz.Failed { // who goes on is to be blamed only for what nobody may put off any longer
		f = j.looseLt.Fault
	}
	if _, bad := faulty(j.p.sent, f.At); bad != nil && bad.Opcode >= 8 && bad.Length <= 125 && bad.Form != fuzz.Form7 && f.Section == "5.5" && bad.Fin {
		f.Section, f.Rule = "5.2", "length not in the minimal number of bytes"
	}
	if f.Section == noDeflate && f.Rule != beyondWindow {
		f.Rule = "what is compressed is no DEFLATE" // in whatever way
	}
	return f
}

// faulty returns the frame that octet number at of a stream belongs to, and where it begins.
func faulty(stream []byte, at int) (begin int, bad *fuzz.Frame) {
	frames, _ := fuzz.Dissect(stream)
	for i := range frames {
		n := frames[i].Size()
		if begin+n >= at {
			return begin, &frames[i]
		}
		begin += n
	}
	return begin, nil
}
