package autobahn

import (
	"slices"
	"strings"
	"time"
)

func section20() Section {
	return extraParts("20", "Opening handshake",
		requestLines(), requestTargets(), hostHeaders(), upgradeHeaders(), keyHeaders(), versionHeaders(), requestBodies(), pipelines(), headerSyntax(), requestLimits(),
		requestPieces(), offersOfClients(), statusLines(), responseHeaders(), responseSyntax(), responsePieces())
}

// The words of requests.

// asks is the request of RFC 6455, section 1.3, with some edits.
func asks(edits ...func(lines []string) []string) string {
	lines := []string{"GET {target} HTTP/1.1", "Host: {host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"}
	for _, e := range edits {
		lines = e(lines)
	}
	return strings.Join(lines, "\r\n") + "\r\n{more}\r\n"
}

// line puts another request line, or status line, in place of the first line.
func line(s string) func([]string) []string {
	return func(lines []string) []string { return slices.Concat([]string{s}, lines[1:]) }
}

// with adds lines at the end.
func with(more ...string) func([]string) []string {
	return func(lines []string) []string { return append(lines, more...) }
}

// first adds lines before the headers.
func first(more ...string) func([]string) []string {
	return func(lines []string) []string { return slices.Insert(lines, 1, more...) }
}

// instead puts lines in place of a header; none: it is left out.
func instead(name string, lines ...string) func([]string) []string {
	return func(all []string) []string {
		i := slices.IndexFunc(all, func(l string) bool { return strings.HasPrefix(l, name+":") })
		return slices.Replace(all, i, i+1, lines...)
	}
}

// The words of answers.

func accepts() Answer { return Answer{Verdict: OK, Kind: Accepts} }
func refuses(lowest, highest int) Answer {
	return Answer{Verdict: OK, Kind: Refuses, Lowest: lowest, Highest: highest}
}

func answers(v Verdict, why string, a Answer) Answer {
	a.Verdict, a.Why = v, why
	return a
}

// What servers may do about a request, in sets. The first is for good ones; the rest from the strictest on.

// openIt: the connection opens, and a text is echoed.
func openIt() []Answer { return []Answer{accepts()} }

// refuseIt: HTTP is in order, but the handshake is not. 4.2.1: "the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code".
func refuseIt() []Answer {
	return []Answer{refuses(400, 599), answers(NonStrict, "it refuses with a status that is no error (4.2.1)", refuses(200, 399))}
}

// rejectIt: HTTP is not in order either.
func rejectIt() []Answer {
	return append(refuseIt(), answers(NonStrict, "it closes TCP without a response (4.2.1)", Answer{Kind: Drops}))
}

// rejectOr: likewise, but why says that it may be accepted.
func rejectOr(why string) []Answer { return append(rejectIt(), answers(NonStrict, why, accepts())) }

// serveOr: it is to be accepted, but why says that it may be refused.
func serveOr(why string) []Answer {
	return []Answer{accepts(), answers(NonStrict, why, refuses(200, 599)), answers(NonStrict, why, Answer{Kind: Drops})}
}

// eitherWay: both are good.
func eitherWay() []Answer {
	return []Answer{accepts(), refuses(400, 599), answers(NonStrict, "it closes TCP without a response (4.2.1)", Answer{Kind: Drops})}
}

// neverMind: anything but an open connection. It may as well wait for more.
func neverMind() []Answer {
	return []Answer{refuses(200, 599), {Verdict: OK, Kind: Drops}, answers(NonStrict, "it waits for more (10.4: there is no limit for that)", Answer{Kind: Waits})}
}

// What servers are to do, in words.
const (
	serveIt    = "Open the connection, and echo a text on it"
	refusal400 = "Refuse with an HTTP error, such as 400"
	refuseOr   = "Refuse with an HTTP error"
	serveMay   = "Open the connection, or refuse with an HTTP error"
)

// sayHello is what follows an open connection.
var sayHello = []Step{text("Hello")}

// opens is a case for servers that sends a request.
func opens(rfc, title, expects, say string, answers []Answer) *Case {
	c := extra(rfc, title, expects, sayHello, closesAfter(sayHello...))
	c.For = Servers
	c.Opening = &Opening{Say: say, Answers: answers}
	return c
}

// withFrames is c with frames in the write of the request; the steps of c are not taken.
func withFrames(c *Case, frames []Step, outcomes ...Outcome) *Case {
	c.Steps, c.Opening.Frames, c.Outcomes = nil, frames, outcomes
	return c
}

// withFill is c with a fill.
func withFill(c *Case, unit string, n int) *Case {
	c.Opening.Fill = Payload{[]byte(unit), n}
	return c
}

// soon is c for requests behind which a server may wait for more.
func soon(c *Case) *Case {
	c.Opening.Patience = 500 * time.Millisecond
	return c
}

// The words of responses.

// responds is the response of RFC 6455, section 1.3, with some edits.
func responds(edits ...func(lines []string) []string) string {
	lines := []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: {accept}"}
	for _, e := range edits {
		lines = e(lines)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// answersWith is a case for clients that sends a response, and a text behind it.
func answersWith(rfc, title, expects, say string, outcomes ...Outcome) *Case {
	c := extra(rfc, title, expects, sayHello, outcomes...)
	c.For = Clients
	c.Opening = &Opening{Say: say}
	return c
}

// clientFails: the client takes no frame, and closes TCP, perhaps with a Close before that (7.1.7).
func clientFails() Outcome { return fails(anyFailure...) }

// slowToFail is c for a client that may take longer to close TCP than others.
func slowToFail(c *Case) *Case {
	c.Steps = append(slices.Clone(c.Steps), pauseIfOpen(extraTime, stillOpen))
	late := clientFails()
	late.Events = timeouts(stillOpen)
	c.Outcomes = append(c.Outcomes, gives(NonStrict, "it takes more than 2 s for that (4.1 sets no time)", late))
	return c
}

// clientServes: the client echoes the text.
func clientServes() Outcome { return closesAfter(sayHello...) }

const (
	clientFailIt  = "Fail the connection: no frame is answered, and TCP is closed"
	clientServeIt = "Echo the text that follows"
	clientMay     = "Echo the text that follows, or fail the connection"
)

// clientMust is for responses that a client must not take.
func clientMust(rfc, title, say string) *Case {
	return slowToFail(answersWith(rfc, title, clientFailIt, say, clientFails()))
}

// clientShould: why says that it may take them.
func clientShould(rfc, title, say, why string) *Case {
	return slowToFail(answersWith(rfc, title, clientFailIt, say, clientFails(), gives(NonStrict, why, clientServes())))
}

// clientTakes is for responses that a client has to take.
func clientTakes(rfc, title, say string) *Case {
	return answersWith(rfc, title, clientServeIt, say, clientServes())
}

// clientTakesOr: why says that it need not.
func clientTakesOr(rfc, title, say, why string) *Case {
	return answersWith(rfc, title, clientServeIt, say, clientServes(), gives(NonStrict, why, clientFails()))
}
