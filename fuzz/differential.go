package fuzz

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// An Adapter lets an implementation play the part of the endpoint in sessions. Its methods may be called by several goroutines at a time.
type Adapter interface {
	// Name is short, and the same always.
	Name() string

	// Nearest returns what comes nearest to s that the implementation can be set up to. Limits and compression that it cannot have are left out.
	Nearest(s Setup) Setup

	// Play gives a fresh endpoint what its peer sends after the opening handshake, in these pieces, and then the end of the stream. It returns what the endpoint
	// made of it; an error is something that is no endpoint's business to do, such as to make the session impossible. The end of the stream is no failure.
	//
	// The pieces may be written to. Nothing of them is kept but what is in the Outcome.
	Play(s Setup, pieces [][]byte) (Outcome, error)
}

// A Quirk is where an implementation is known to diverge from the RFC.
type Quirk struct {
	Rule string           // of a Fault, or one of Rules
	Code uint16           // with which it fails where another is due; 0: it does not notice, and goes on
	Why  string           // what its source says, or why it does
	When func(Setup) bool // nil: always

	// As, if there is one, is another stream, and the implementation makes of this one what is right for that.
	As func(s Setup, stream []byte) []byte

	// Fits, if there is one, says that a divergence is this one. Rule and Code then are for the reader.
	Fits func(*Divergence) bool
}

// A Divergence is a session of which an implementation makes what the reference does not.
type Divergence struct {
	Adapter string
	Session Session // with what the adapter says is nearest
	Stream  []byte
	Got     Outcome
	Early   Verdict // Judge's
	Late    Verdict // JudgeLate's
	Wrong   string  // as Compare says it
	Quirk   *Quirk  // nil: nobody knows why
}

// String is the divergence for a reader: who, the sentence, the octets and what they are, and both opinions.
func (d *Divergence) String() string {
	var b strings.Builder
	rule := d.Rule()
	fmt.Fprintf(&b, "%s: %s\n", d.Adapter, d.Wrong)
	if d.Quirk != nil {
		fmt.Fprintf(&b, "  known: %s\n", d.Quirk.Why)
	}
	if r, ok := Rules[rule]; ok {
		fmt.Fprintf(&b, "  RFC %s: %q\n", r.Section, r.Sentence)
	}
	fmt.Fprintf(&b, "  octets: %x\n", d.Stream[:min(len(d.Stream), 512)])
	if len(d.Stream) > 512 {
		fmt.Fprintf(&b, "          ... (%d)\n", len(d.Stream))
	}
	s := Session{Setup: d.Session.Setup, Cuts: d.Session.Cuts}
	s.Frames, s.Tail = Dissect(d.Stream)
	lines := strings.Split(strings.TrimRight(s.String(), "\n"), "\n")
	for _, line := range lines[:min(len(lines), 24)] {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "  reference: %d events, %v", len(d.Early.Events), d.Early.State)
	if d.Early.State == Failed {
		fmt.Fprintf(&b, ", %v", d.Early.Fault)
	}
	fmt.Fprintf(&b, "\n  %s: %d events, failed: %v, %d\n", d.Adapter, len(d.Got.Events), d.Got.Failed, d.Got.Code)
	return b.String()
}

// Rule is what the divergence is about: a key of Rules, or "" when the reference has nothing against the session.
func (d *Divergence) Rule() string {
	if d.Quirk != nil {
		return d.Quirk.Rule
	}
	return d.Early.Fault.Rule
}

// A Differential compares an implementation with the reference.
type Differential struct {
	Adapter Adapter
	Quirks  []Quirk
	Seed    uint64 // of the sessions
}

// A Tally is what came of many sessions.
type Tally struct {
	Sessions    int
	Octets      int64
	Known       map[string]int         // explained divergences, by what they are
	Example     map[string]*Divergence // of each of these the first, small
	Unexplained int
	Findings    []*Divergence // small: the first unexplained divergence of each kind

	kinds map[string]bool
}

// A run ends when it has found as much.
const (
	maxFindings    = 12
	maxUnexplained = 1000
)

// Run plays n sessions from number from on.
func (d *Differential) Run(from, n int) *Tally {
	t := &Tally{Known: map[string]int{}, Example: map[string]*Divergence{}, kinds: map[string]bool{}}
	var mu sync.Mutex // guards t
	var next atomic.Int64
	var stop atomic.Bool
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for !stop.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				s := d.Draw(uint64(from + i))
				stream := s.Bytes()
				v := d.Play(&s, stream)
				mu.Lock()
				t.Sessions++
				t.Octets += int64(len(stream))
				first := v != nil && t.count(v)
				mu.Unlock()
				if !first {
					continue
				}
				small := d.shrink(v)
				mu.Lock()
				if v.Quirk != nil {
					t.Example[v.Quirk.label()] = small
				} else {
					t.Findings = append(t.Findings, small)
				}
				stop.Store(len(t.Findings) >= maxFindings || t.Unexplained >= maxUnexplained)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return t
}

// count counts a divergence, and reports whether it is the first of its kind.
func (t *Tally) count(v *Divergence) (first bool) {
	if v.Quirk != nil {
		t.Known[v.Quirk.label()]++
		return t.Known[v.Quirk.label()] == 1
	}
	t.Unexplained++
	kind := fmt.Sprint(v.Rule(), v.Got.Failed, v.Got.Code)
	first = !t.kinds[kind]
	t.kinds[kind] = true
	return first
}

// Draw makes session number i.
func (d *Differential) Draw(i uint64) Session {
	r := rand.New(rand.NewPCG(d.Seed, i))
	n := 4 + r.IntN(48)
	if r.IntN(16) == 0 {
		n += r.IntN(400)
	}
	data := make([]byte, n)
	for at := range data {
		data[at] = byte(r.Uint32())
	}
	s, rest := SetupOf(data)
	s = d.Adapter.Nearest(s)
	at := len(rest)
	if r.IntN(3) == 0 {
		at -= min(at/2, 12)
	}
	return Mutate(Generate(s, rest[:at]), rest[at:])
}

// Play plays a session whose octets are stream. It returns nil if nothing is wrong.
func (d *Differential) Play(s *Session, stream []byte) (v *Divergence) {
	v = &Divergence{Adapter: d.Adapter.Name(), Session: *s, Stream: stream, Early: Judge(s.Setup, stream)}
	v.Late = v.Early
	got, text := d.outcome(s, stream)
	v.Got = got
	if v.Wrong = text; text == "" {
		v.Wrong = Between(v.Early, v.Early, got)
		if v.Wrong != "" && v.Early.State == Failed {
			v.Late = JudgeLate(s.Setup, stream)
			v.Wrong = Between(v.Early, v.Late, got)
		}
		if v.Wrong == "" {
			return nil
		}
	}
	v.Quirk = d.explain(v)
	return v
}

// outcome runs the adapter; a panic is text.
func (d *Differential) outcome(s *Session, stream []byte) (got Outcome, text string) {
	defer func() {
		if e := recover(); e != nil {
			text = fmt.Sprintf("panic: %v", e)
		}
	}()
	got, err := d.Adapter.Play(s.Setup, Cut(slices.Clone(stream), s.Cuts))
	if err != nil {
		text = err.Error()
	}
	return got, text
}

// explain returns the quirk that a divergence comes of: with the rules aside that the implementation does not know, the reference does the same.
func (d *Differential) explain(v *Divergence) *Quirk {
	for i := range d.Quirks {
		if q := &d.Quirks[i]; q.Fits != nil && q.Fits(v) {
			return q
		}
	}
	if strings.HasPrefix(v.Wrong, "panic: ") {
		return nil
	}
	if q := d.setAside(v); q != nil {
		return q
	}
	for i := range d.Quirks {
		if q := &d.Quirks[i]; q.As != nil {
			w := *v
			w.Stream = q.As(v.Session.Setup, v.Stream)
			if early := Judge(w.Session.Setup, w.Stream); Between(early, JudgeLate(w.Session.Setup, w.Stream), w.Got) == "" || d.setAside(&w) != nil {
				return q
			}
		}
	}
	return nil
}

// setAside returns the quirk of which it comes that the rules in question are put aside, or that the code is another.
func (d *Differential) setAside(v *Divergence) *Quirk {
	aside := func(rule string) *Quirk {
		for i := range d.Quirks {
			if q := &d.Quirks[i]; q.Rule == rule && q.setsAside(v.Session.Setup) {
				return q
			}
		}
		return nil
	}
	// Rules are put aside as they come up. Those that a peer cannot break never do, so one or all of them are from the beginning.
	starts := [][]string{nil}
	var all []string
	for _, rule := range endpoints {
		if aside(rule) != nil {
			starts = append(starts, []string{rule})
			all = append(all, rule)
		}
	}
	for _, except := range append(starts, all) {
		for {
			early := judge(v.Session.Setup, v.Stream, lateness{}, except)
			q, ok := d.named(v, early, except)
			switch {
			case ok && q != nil:
				return q
			case ok && len(except) > 0:
				return aside(except[0])
			}
			late := judgeLate(v.Session.Setup, v.Stream, except)
			more := slices.IndexFunc(append([]Fault{early.Fault, late.Fault}, late.Also...), func(f Fault) bool {
				if aside(f.Rule) == nil || slices.Contains(except, f.Rule) {
					return false
				}
				except = append(except[:len(except):len(except)], f.Rule)
				return true
			})
			if more < 0 {
				break
			}
		}
	}
	return nil
}

// named compares anew with rules aside. If now all is well, ok is true, and q the quirk of another code if there is one.
func (d *Differential) named(v *Divergence, early Verdict, except []string) (q *Quirk, ok bool) {
	if got := v.Got; len(got.Events) < len(early.Events) || got.Failed && early.State != Failed {
		return nil, false // and nobody is so early
	}
	late := judgeLate(v.Session.Setup, v.Stream, except)
	if Between(early, late, v.Got) == "" {
		return nil, true
	}
	if !v.Got.Failed || v.Got.Code == 0 {
		return nil, false
	}
	got := v.Got
	got.Code = 0
	if Between(early, late, got) != "" {
		return nil, false
	}
	for i := range d.Quirks {
		q := &d.Quirks[i]
		fits := func(f Fault) bool { return f.Rule == q.Rule }
		if q.Code == v.Got.Code && q.Fits == nil && (fits(early.Fault) || fits(late.Fault) || slices.ContainsFunc(late.Also, fits)) {
			return q, true
		}
	}
	return nil, false
}

// How often a session is played to make it small, and how many octets may be read and heard in doing so.
const (
	maxShrinkings = 4000
	maxShrinkWork = 64 << 20
)

// shrinkings is how often v may be played again.
func (v *Divergence) shrinkings() int {
	cost := 1 + len(v.Stream)
	for _, e := range v.Early.Events {
		cost += len(e.Payload)
	}
	if v.Session.Deflate != nil && v.Early.Fault.Code == CodeTooBig { // a little that becomes much
		cost += int(min(v.Session.Limits.Message, maxRuns))
	}
	return min(maxShrinkings, 8+maxShrinkWork/cost)
}

// shrink makes a divergence small that stays of its kind.
func (d *Differential) shrink(v *Divergence) *Divergence {
	if s := v.Session; len(s.Cuts) > 0 {
		s.Cuts = nil
		if w := d.Play(&s, v.Stream); w != nil && w.Quirk == v.Quirk && w.Rule() == v.Rule() {
			v = w
		}
	}
	small := v
	Shrink(v.Session, func(stream []byte) bool {
		w := d.Play(&v.Session, stream)
		ok := w != nil && w.Quirk == v.Quirk && w.Rule() == v.Rule() && w.Got.Failed == v.Got.Failed
		if ok {
			small = w
		}
		return ok
	}, v.shrinkings())
	return small
}

// Row is the quirk as a row of DIFFERENTIAL.md: rule, what is done instead, section, reason.
func (q *Quirk) Row() string {
	does := "is not kept to"
	if q.Code != 0 {
		does = fmt.Sprintf("fails with %d", q.Code)
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", q.Rule, does, Rules[q.Rule].Section, strings.ReplaceAll(q.Why, "|", "\\|"))
}

// setsAside reports whether the quirk is not to look at a rule.
func (q *Quirk) setsAside(s Setup) bool {
	return q.Code == 0 && q.Fits == nil && q.As == nil && (q.When == nil || q.When(s))
}

// label is what the quirk is, in a line.
func (q *Quirk) label() string {
	if q.Code != 0 {
		return fmt.Sprintf("%s: fails with %d", q.Rule, q.Code)
	}
	return q.Rule
}

// String is the tally, and an example of each divergence.
func (t *Tally) String() string {
	var b strings.Builder
	known := 0
	for _, n := range t.Known {
		known += n
	}
	fmt.Fprintf(&b, "%d sessions, %d octets, %d explained divergences, %d unexplained\n", t.Sessions, t.Octets, known, t.Unexplained)
	for _, label := range slices.Sorted(maps.Keys(t.Known)) {
		fmt.Fprintf(&b, "%9d %s\n", t.Known[label], label)
	}
	for _, label := range slices.Sorted(maps.Keys(t.Example)) {
		b.WriteString("\n" + t.Example[label].String())
	}
	for _, v := range t.Findings {
		b.WriteString("\nUNEXPLAINED " + v.String())
	}
	return b.String()
}
