package autobahn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/idlewire/idlewire/handshake"
)

// What a client may send before its blank line.
const (
	maxRequestOctets  = 20 << 10 // request line and header lines, with their CRLFs
	maxRequestHeaders = 100
)

// serverName is the Server header of what the runner answers.
const serverName = "idlewire-wstest/1"

// An openingRequest is the opening handshake of a client. The suite parses it itself: package handshake may be what made it, and takes no version but 13.
type openingRequest struct {
	raw    string              // as it was on the wire, with the blank line
	method string              // not checked
	target string              // path and query
	http11 bool                // of the protocol versions there are
	fields map[string][]string // values, without white space around them, by name in lower case
}

// A refusal is an answer that is no 101.
type refusal struct {
	status  int
	text    string   // for people; holds no control characters
	headers []string // besides those that frame it, each "Name: value"
}

func (r *refusal) Error() string {
	return "opening handshake refused with status " + strconv.Itoa(r.status) + ": " + r.text
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, text: fmt.Sprintf(format, args...)}
}

var errRequestEnds = errors.New("connection ended inside the opening handshake")

// readRequest reads a request up to its blank line, and returns it with the octets behind it. The error is a *refusal if there is somebody to tell.
func readRequest(r io.Reader) (q *openingRequest, rest []byte, err error) {
	b := make([]byte, 0, 2048)
	for seen := 0; ; {
		if end := headEnd(b, seen); end > 0 {
			q, err := parseRequest(string(b[:end]))
			return q, b[end:], err
		}
		if seen = len(b); seen >= maxRequestOctets {
			return nil, nil, refuse(http.StatusRequestHeaderFieldsTooLarge, "more than %d octets before the blank line", maxRequestOctets)
		}
		b = slices.Grow(b, 1)
		n, err := r.Read(b[len(b):min(cap(b), maxRequestOctets)])
		b = b[:len(b)+n]
		switch {
		case n > 0: // an error that comes with octets comes again without
		case err == io.EOF:
			return nil, nil, errRequestEnds
		case err != nil:
			return nil, nil, fmt.Errorf("opening handshake: %w", err)
		}
	}
}

// headEnd returns where the head in b ends, or 0 if it does not yet; octets before seen have been looked at before. A blank line behind a bare LF counts as one,
// so that whoever sends such lines is told.
func headEnd(b []byte, seen int) int {
	for i := max(0, seen-2); ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n + 1
		if bytes.HasPrefix(b[i:], []byte("\n")) {
			return i + 1
		}
		if bytes.HasPrefix(b[i:], []byte("\r\n")) {
			return i + 2
		}
	}
}

// parseRequest parses what is up to a blank line (RFC 9112, sections 3 and 5).
func parseRequest(raw string) (*openingRequest, error) {
	q := &openingRequest{raw: raw, fields: map[string][]string{}}
	first, lines, ok := strings.Cut(raw, "\r\n")
	words := strings.Split(first, " ")
	if !ok || len(words) != 3 || !isHeaderName(words[0]) || !strings.HasPrefix(words[2], "HTTP/") || !visible(words[1]) {
		return nil, refuse(http.StatusBadRequest, "malformed request line")
	}
	q.method, q.target, q.http11 = words[0], words[1], words[2] == "HTTP/1.1"
	for n := 0; ; n++ {
		line, rest, ok := strings.Cut(lines, "\r\n")
		if ok && line == "" && rest == "" {
			return q, nil
		}
		if n == maxRequestHeaders {
			return nil, refuse(http.StatusRequestHeaderFieldsTooLarge, "more than %d headers", maxRequestHeaders)
		}
		name, value, colon := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		// 5.1: no white space before the colon; 5.2: no folded lines. Both would be no name.
		if !ok || !colon || !isHeaderName(name) || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return nil, refuse(http.StatusBadRequest, "malformed header line %d", n+1)
		}
		name = strings.ToLower(name)
		q.fields[name] = append(q.fields[name], value)
		lines = rest
	}
}

// isHeaderName reports whether s is a token (RFC 9110, section 5.6.2).
func isHeaderName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// visible reports whether s is visible ASCII.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}

// only returns the value of the header called name, in lower case, if it came once.
func (q *openingRequest) only(name, as string) (string, *refusal) {
	switch v := q.fields[name]; len(v) {
	case 0:
		return "", refuse(http.StatusBadRequest, "no %s header", as)
	case 1:
		return v[0], nil
	}
	return "", refuse(http.StatusBadRequest, "%s header more than once", as)
}

// has reports whether the list in the headers called name, in lower case, has the token, in either case.
func (q *openingRequest) has(name, token string) bool {
	for _, v := range q.fields[name] {
		for e := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(e, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// path returns the path of the target and what follows its first '?', both as they were sent. A request target may be absolute (RFC 6455, section 4.2.1).
func (q *openingRequest) path() (path, query string, _ *refusal) {
	t := q.target
	for _, scheme := range []string{"http://", "https://"} {
		if len(t) > len(scheme) && strings.EqualFold(t[:len(scheme)], scheme) {
			t = t[len(scheme):]
			t = t[len(t)-len(strings.TrimLeftFunc(t, func(c rune) bool { return c != '/' && c != '?' })):]
			if !strings.HasPrefix(t, "/") {
				t = "/" + t
			}
		}
	}
	switch {
	case !strings.HasPrefix(t, "/"):
		return "", "", refuse(http.StatusBadRequest, "request target is not a path")
	case strings.Contains(t, "#"): // RFC 6455, section 3: "Fragment identifiers [...] MUST NOT be used"
		return "", "", refuse(http.StatusBadRequest, "request target has a fragment identifier")
	}
	path, query, _ = strings.Cut(t, "?")
	return path, query, nil
}

// errPlainGet says that the request is good, and for a page.
var errPlainGet = &refusal{http.StatusUpgradeRequired, "expected an upgrade to websocket", []string{"Upgrade: websocket"}} // RFC 9110, section 15.5.22

// check checks what does not depend on the path (RFC 6455, section 4.2.1). It returns the value of Sec-WebSocket-Key. errPlainGet is for whoever wants no upgrade.
// Port is that of the Host header, secure says whether it may be left out at 443 or at 80.
func (q *openingRequest) check(o *Options, port int, secure bool) (key string, _ *refusal) {
	switch {
	case q.method != "GET":
		r := refuse(http.StatusMethodNotAllowed, "an opening handshake is a GET request")
		r.headers = []string{"Allow: GET"} // RFC 9110, section 15.5.6
		return "", r
	case !q.http11:
		return "", refuse(http.StatusHTTPVersionNotSupported, "expected HTTP/1.1")
	}
	host, bad := q.only("host", "Host")
	if bad != nil {
		return "", bad
	}
	if bad := checkHost(host, port, secure); bad != nil {
		return "", bad
	}
	if q.fields["upgrade"] == nil {
		return "", errPlainGet
	}
	switch {
	case len(q.fields["transfer-encoding"]) > 0 || len(q.fields["content-length"]) > 1 || len(q.fields["content-length"]) == 1 && q.fields["content-length"][0] != "0":
		return "", refuse(http.StatusBadRequest, "an opening handshake has no body")
	case !q.has("upgrade", "websocket"):
		return "", refuse(http.StatusBadRequest, "Upgrade header without websocket")
	case !q.has("connection", "upgrade"):
		return "", refuse(http.StatusBadRequest, "Connection header without Upgrade")
	}
	version, bad := q.version(o.Versions)
	if bad != nil {
		return "", bad
	}
	if bad := q.checkOrigin(version, o.AllowedOrigins); bad != nil {
		return "", bad
	}
	key, bad = q.only("sec-websocket-key", "Sec-WebSocket-Key")
	if bad == nil && !isKey(key) {
		bad = refuse(http.StatusBadRequest, "Sec-WebSocket-Key is not the base64 of 16 octets")
	}
	return key, bad
}

// checkHost checks that a Host header names the port.
func checkHost(host string, port int, secure bool) *refusal {
	named := 80
	if secure {
		named = 443
	}
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') { // [::1] has colons, and no port
		n, err := strconv.ParseUint(host[i+1:], 10, 16)
		if err != nil {
			return refuse(http.StatusBadRequest, "Host header has a port that is none")
		}
		host, named = host[:i], int(n)
	}
	switch {
	case host == "":
		return refuse(http.StatusBadRequest, "Host header names no host")
	case named != port:
		return refuse(http.StatusBadRequest, "Host header names port %d, and this server is at port %d", named, port)
	}
	return nil
}

// version returns the version of the protocol that the client asks for, one of those that are accepted.
func (q *openingRequest) version(accepted []int) (int, *refusal) {
	v, bad := q.only("sec-websocket-version", "Sec-WebSocket-Version")
	if bad != nil {
		return 0, bad
	}
	if i := slices.IndexFunc(accepted, func(n int) bool { return strconv.Itoa(n) == v }); i >= 0 {
		return accepted[i], nil
	}
	list := slices.Sorted(slices.Values(accepted))
	slices.Reverse(list)
	names := strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]")
	r := refuse(http.StatusBadRequest, "expected Sec-WebSocket-Version %s", names)
	r.headers = []string{"Sec-WebSocket-Version: " + names} // 4.4: the versions that the server is willing to use
	return 0, r
}

// checkOrigin checks where the client comes from, if it says so (4.2.2).
func (q *openingRequest) checkOrigin(version int, allowed []string) *refusal {
	name, as := "origin", "Origin"
	if version < 13 { // the drafts up to 10 had a header of their own
		name, as = "sec-websocket-origin", "Sec-WebSocket-Origin"
	}
	if q.fields[name] == nil {
		return nil
	}
	origin, bad := q.only(name, as)
	if bad != nil {
		return bad
	}
	if !slices.ContainsFunc(allowed, func(p string) bool {
		return matchers([]string{strings.ToLower(p)}, true).match(strings.ToLower(origin))
	}) {
		return refuse(http.StatusForbidden, "origin not allowed")
	}
	return nil
}

// isKey reports whether key has the shape of 16 octets in base64.
func isKey(key string) bool {
	if len(key) != 24 || key[22:] != "==" {
		return false
	}
	for _, c := range []byte(key[:22]) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/') {
			return false
		}
	}
	return true
}

// appendSwitch appends the response that accepts key, with the value of Sec-WebSocket-Extensions if it is not "".
func appendSwitch(b []byte, key, extensions string) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nServer: "+serverName+"\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = append(handshake.AppendAccept(b, []byte(key)), "\r\n"...)
	if extensions != "" {
		b = append(append(append(b, "Sec-WebSocket-Extensions: "...), extensions...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendRefusal appends the response that r is.
func appendRefusal(b []byte, r *refusal) []byte {
	return appendPage(b, r.status, "text/plain; charset=utf-8", r.text+"\n", r.headers...)
}

// appendPage appends a response with a body, the last one on its connection.
func appendPage(b []byte, status int, kind, body string, headers ...string) []byte {
	b = fmt.Appendf(b, "HTTP/1.1 %d %s\r\nServer: %s\r\n", status, http.StatusText(status), serverName)
	for _, h := range headers {
		b = append(append(b, h...), "\r\n"...)
	}
	return fmt.Appendf(b, "Content-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", kind, len(body), body)
}
