package autobahn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// An ask is what a client wants of a server, with all that its URL says checked.
type ask struct {
	path     string
	c        *Case
	number   int // of c in Cases, from 1
	agent    string
	shutdown bool // Serve is to return when the client has been served

	play       bool // c is to be played on this connection
	skip       bool // c is not judged with agent
	offers     []handshake.Extension
	deflate    *deflate.Params // agreed for c
	extensions string          // the header that says so

	finish func(*Result) // to be called, once, with the result of c, if it is to be judged
	done   func()        // to be called when the client has been served
}

// ask finds out what a request is for.
func (v *service) ask(q *openingRequest) (*ask, *refusal) {
	path, query, no := q.path()
	if no != nil {
		return nil, no
	}
	p, no := parameters(query)
	if no != nil {
		return nil, no
	}
	a := &ask{path: path, done: func() {}}
	switch path {
	case "/getCaseCount":
	case "/stopServer":
		a.shutdown = true
	case "/getCaseInfo":
		no = v.askCase(a, p)
	case "/updateReports":
		if no = v.askAgent(a, p); no == nil {
			a.shutdown, no = p.flag("shutdownOnComplete")
		}
	case "/getCaseStatus":
		if no = v.askCaseOfAgent(a, p); no == nil {
			no = v.askStatus(a)
		}
	case "/runCase":
		if no = v.askCaseOfAgent(a, p); no == nil {
			no = v.askRun(a, q)
		}
	default:
		no = refuse(http.StatusNotFound, "expected /getCaseCount, /runCase, /getCaseInfo, /getCaseStatus, /updateReports or /stopServer; "+
			"this server takes no commands at other URLs")
	}
	return a, no
}

// badAsk is what a client gets whose URL asks for something that there is not: the status is the original's.
func badAsk(format string, args ...any) *refusal {
	return refuse(http.StatusInternalServerError, format, args...)
}

func (v *service) askCaseOfAgent(a *ask, p params) *refusal {
	if no := v.askCase(a, p); no != nil {
		return no
	}
	if no := v.askAgent(a, p); no != nil {
		return no
	}
	a.skip = v.Skip != nil && v.Skip(a.agent, a.c)
	return nil
}

// askCase finds the case that the parameters name: by case, or by casetuple if there is no case.
func (v *service) askCase(a *ask, p params) *refusal {
	number, no := p.one("case")
	if no != nil {
		return no
	}
	id, no := p.one("casetuple")
	switch {
	case no != nil:
		return no
	case number != "":
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(v.Cases) {
			return badAsk("case is not a number from 1 to %d", len(v.Cases))
		}
		a.number = n
	case id == "":
		return badAsk("no case: expected case=NUMBER or casetuple=ID")
	default:
		if a.number = v.numbers[id]; a.number == 0 {
			return badAsk("casetuple is none of the %d cases selected", len(v.Cases))
		}
	}
	a.c = v.Cases[a.number-1]
	return nil
}

func (v *service) askAgent(a *ask, p params) (no *refusal) {
	a.agent, no = p.one("agent")
	switch {
	case no != nil:
		return no
	case strings.TrimSpace(a.agent) == "":
		return badAsk("no agent: expected agent=NAME")
	case len(a.agent) > maxAgentName:
		return badAsk("agent has more than %d octets", maxAgentName)
	case !utf8.ValidString(a.agent) || strings.ContainsFunc(a.agent, unicode.IsControl): // it is shown on terminals
		return badAsk("agent is not UTF-8, or has control characters")
	}
	return nil
}

// askStatus takes a place among those who wait.
func (v *service) askStatus(a *ask) *refusal {
	if a.skip {
		return badAsk("this case is not judged with this agent: there will be no result")
	}
	release, ok := v.board.hold(caseOf{a.agent, a.c.ID})
	if !ok {
		return refuse(http.StatusServiceUnavailable, "more than %d clients wait for results", maxStatusWaits)
	}
	a.done = release
	return nil
}

// askRun negotiates the extension, and notes that the case runs.
func (v *service) askRun(a *ask, q *openingRequest) *refusal {
	a.play = true
	if no := a.negotiate(q); no != nil || a.skip {
		return no
	}
	var ok bool
	if a.finish, ok = v.board.start(caseOf{a.agent, a.c.ID}); !ok {
		return badAsk("more than %d agents", maxAgents)
	}
	a.done = func() { a.finish(nil) } // if it did not come to a result
	return nil
}

// negotiate agrees to permessage-deflate where the case is about it. Everywhere else offers are declined, silently.
func (a *ask) negotiate(q *openingRequest) *refusal {
	var offers []handshake.Extension
	for _, v := range q.fields["sec-websocket-extensions"] {
		var err error
		if offers, err = handshake.ParseExtensions(offers, []byte(v)); err != nil && v != "" {
			return refuse(http.StatusBadRequest, "malformed Sec-WebSocket-Extensions") // 9.1
		}
	}
	a.offers = offers
	if a.c.Compression == nil {
		return nil
	}
	answer, agreed, err := deflate.Accept(a.c.Compression.Profile, offers)
	if err != nil {
		return refuse(http.StatusBadRequest, "Sec-WebSocket-Extensions: %q", err)
	}
	a.extensions, a.deflate = deflate.Header(answer), agreed
	return nil
}

// params are the parameters of a query.
type params map[string][]string

// parameters parses a query. Unlike net/url it takes a semicolon for itself: names of browsers have them.
func parameters(query string) (params, *refusal) {
	p := params{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, refuse(http.StatusBadRequest, "query has a %% that begins no octet in hexadecimal")
		}
		p[n] = append(p[n], v)
	}
	return p, nil
}

// one returns the value of a parameter that must not come twice; "" if it does not come.
func (p params) one(name string) (string, *refusal) {
	switch v := p[name]; len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	}
	return "", badAsk("%s more than once", name)
}

// flag returns whether a parameter says yes.
func (p params) flag(name string) (bool, *refusal) {
	v, no := p.one(name)
	return v == "true" || v == "yes", no
}

// run plays the case that a client asks for.
func (v *service) run(ctx context.Context, a *ask, o opening) {
	if a.skip {
		play(ctx, skipped, o, false, v.Options, v.Seed)
		return
	}
	if v.Started != nil {
		v.tell.Lock()
		v.Started(a.agent, a.c)
		v.tell.Unlock()
	}
	r := play(ctx, a.c, o, false, v.Options, v.Seed)
	if r != nil {
		r.Agent, r.Number = a.agent, a.number
	}
	a.finish(r)
	if r != nil && v.Finished != nil {
		v.tell.Lock()
		v.Finished(r)
		v.tell.Unlock()
	}
}

// answer serves every other URL.
func (v *service) answer(a *ask, t *chat) {
	defer t.wait()
	code := frame.CloseNoStatus
	switch a.path {
	case "/getCaseCount":
		t.send(strconv.Itoa(len(v.Cases)))
	case "/getCaseInfo":
		t.send(fmt.Sprintf(`{"id": %s, "description": %s}`, quote(a.c.ID), quote(strings.Join(strings.Fields(a.c.Title), " "))))
	case "/getCaseStatus":
		verdict, ok := v.board.verdict(t.gone, caseOf{a.agent, a.c.ID})
		if !ok {
			return
		}
		t.send(fmt.Sprintf(`{"behavior": %s}`, quote(string(verdict))))
	case "/updateReports":
		v.board.settle(t.gone, a.agent)
		if v.report() != nil {
			code = frame.CloseInternalError
		}
	}
	t.close(code)
	if a.shutdown {
		t.wait()
		v.stop()
	}
}

// report lets the reports be written.
func (v *service) report() error {
	v.reporting.Lock()
	defer v.reporting.Unlock()
	if v.Reports != nil {
		v.reportErr = v.Reports(v.board.report)
	}
	return v.reportErr
}

// quote returns s as a JSON string.
func quote(s string) string {
	b, _ := json.Marshal(s) // never fails for a string
	return string(b)
}
