package autobahn

import "github.com/idlewire/idlewire/frame"

// fits reports whether events are what o says.
func (o *Outcome) fits(events []Event) bool {
	switch {
	case o.AnyEvents:
		return len(events) >= len(o.Events) && equalEvents(o.Events, events[len(events)-len(o.Events):])
	case o.Loose:
		return fitsLoosely(o.Events, events)
	}
	return equalEvents(o.Events, events)
}

// mayFit is a quick look before fits: with many pongs, most of what comes does not change anything.
func (o *Outcome) mayFit(events []Event) bool {
	if o.AnyEvents {
		return true
	}
	if !o.Loose {
		return len(events) == len(o.Events)
	}
	others := func(events []Event) (n int, lastPong *Event) {
		for i := range events {
			if e := &events[i]; e.Kind == Pong {
				lastPong = e
			} else {
				n++
			}
		}
		return n, lastPong
	}
	n, _ := others(events)
	want, lastPong := others(o.Events)
	last := events[len(events)-1]
	return n == want && (last.Kind != Pong || lastPong != nil && last.Equal(*lastPong))
}

// fitsLoosely compares pongs with pongs, and what is no pong with what is none.
func fitsLoosely(want, got []Event) bool {
	wantPongs, want := apart(want)
	gotPongs, got := apart(got)
	if !equalEvents(want, got) {
		return false
	}
	if len(wantPongs) == 0 || len(gotPongs) == 0 {
		return len(wantPongs) == len(gotPongs)
	}
	// 5.5.3: the pong of a ping may be missing if there is one of a later ping; so that of the last may not.
	last := len(gotPongs) - 1
	if !gotPongs[last].Equal(wantPongs[len(wantPongs)-1]) {
		return false
	}
	gotPongs = gotPongs[:last]
	for _, p := range wantPongs[:len(wantPongs)-1] {
		if len(gotPongs) > 0 && p.Equal(gotPongs[0]) {
			gotPongs = gotPongs[1:]
		}
	}
	return len(gotPongs) == 0
}

func apart(events []Event) (pongs, others []Event) {
	for _, e := range events {
		if e.Kind == Pong {
			pongs = append(pongs, e)
		} else {
			others = append(others, e)
		}
	}
	return pongs, others
}

// matched closes the connection if what has come is an outcome that wants that.
func (s *session) matched() {
	if s.state != stateOpen {
		return
	}
	for i := range s.c.Outcomes {
		o := &s.c.Outcomes[i]
		if o.Close.OnMatch && o.mayFit(s.r.Received) && o.fits(s.r.Received) {
			s.sendCloseCode(frame.CloseNormal, "")
			return
		}
	}
}

// judgeOutcomes gives both verdicts on a case with Outcomes.
func judgeOutcomes(r *Result) {
	if r.Case.Opening != nil && !r.Opened {
		return // the opener has judged
	}
	if r.unimplemented != "" {
		r.Behavior, r.Reason = Unimplemented, r.unimplemented
		judgeClose(r, CloseExpectation{Any: true})
		return
	}
	r.Behavior, r.Reason = Failed, "what came is not what the case expects: "+describe(r.Received)
	judgeClose(r, r.Case.Outcomes[0].Close)
	for i, found := 0, false; i < len(r.Case.Outcomes); i++ {
		o := &r.Case.Outcomes[i]
		if !o.fits(r.Received) {
			continue
		}
		before, why := r.BehaviorClose, r.ReasonClose
		if judgeClose(r, o.Close); found && r.BehaviorClose != OK {
			r.BehaviorClose, r.ReasonClose = before, why // the first that fits so far is as good
			continue
		}
		found = true
		r.Behavior, r.Reason = o.Verdict, "what came is what the case expects: "+describe(r.Received)
		if o.Why != "" {
			r.Reason += "; " + o.Why
		}
		if r.BehaviorClose == Failed {
			r.Behavior, r.Reason = Failed, r.ReasonClose
		}
		if r.BehaviorClose == OK {
			break
		}
	}
	if r.Behavior == Failed && r.failedFor != "" && r.ClosedByMe {
		r.Reason = "the runner failed the connection: " + r.failedFor + "; " + r.Reason
	}
	if r.dataAfterClose { // 5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
		r.Behavior, r.Reason = Failed, "the peer sent a data frame behind its Close"
	}
	if a := r.accepted; a != nil && r.Behavior == OK && a.Verdict != OK {
		r.Behavior, r.Reason = a.Verdict, r.Reason+"; "+a.Why
	}
}
