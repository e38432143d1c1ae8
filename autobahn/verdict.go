package autobahn

// A Verdict is the outcome of a case, in the words of the original suite.
type Verdict string

const (
	OK            Verdict = "OK"
	NonStrict     Verdict = "NON-STRICT"    // what a peer may do, but a strict one would not
	Informational Verdict = "INFORMATIONAL" // the case shows what the peer does, and judges nothing
	Unimplemented Verdict = "UNIMPLEMENTED" // the peer did not agree to permessage-deflate
	Failed        Verdict = "FAILED"

	// Of the end of the connection only.
	Unclean        Verdict = "UNCLEAN"          // a closing handshake was due, and there was none
	WrongCode      Verdict = "WRONG CODE"       // the peer's Close has a code that does not fit
	FailedByClient Verdict = "FAILED BY CLIENT" // the server left it to the client to close TCP
)

// Good reports whether v is no failure: OK, NON-STRICT, INFORMATIONAL or UNIMPLEMENTED.
func (v Verdict) Good() bool {
	switch v {
	case OK, NonStrict, Informational, Unimplemented:
		return true
	}
	return false
}
