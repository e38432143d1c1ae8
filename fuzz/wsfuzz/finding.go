package main

// A class says how bad a finding is.
type class byte

const (
	odd    class = iota // legal, but seldom; counts as a finding if the endpoint is held to be strict
	slow                // an answer came later than the user wants it
	lesser              // the connection fails as it has to, but not quite in the way that the RFC describes
	broken              // the RFC is not kept to
	dead                // the endpoint does not serve any more
)

func (c class) String() string { return [...]string{"odd", "slow", "lesser", "broken", "dead"}[c] }

// A finding is something that an endpoint did, and should not have.
type finding struct {
	class   class
	section string // of RFC 6455, or "RFC 7692 ..."
	rule    string
	kind    string // what it did
	moot    bool   // nobody is held to it, however strictly
	vain    bool   // something did not come in time: it may come when the machine has more of it
	before  int    // octets of the stream before the frame that should have been refused; 0: not known, or none
	plan    *plan
	play    *played
	count   int
	seconds float64 // since the start, when it was first seen
	session int64   // so many sessions had been played
	again   bool    // it happened again when it was tried alone
}

// key is what findings are merged by.
func (f *finding) key() string { return f.section + "\x00" + f.rule + "\x00" + f.kind }

// title is the finding in a line.
func (f *finding) title() string {
	where := f.section
	if where == "" {
		where = "-"
	}
	return f.class.String() + ": " + where + ": " + f.rule + ": " + f.kind
}
