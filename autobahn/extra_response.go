package autobahn

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A response is the head of a server's answer. The suite parses it itself, strictly.
type response struct {
	status     int
	fields     map[string][]string // values, without white space around them, by name in lower case
	http10     bool                // it is of HTTP/1.0
	close      bool                // the server says that it will close TCP behind it
	untilClose bool                // its body ends when TCP does
}

var errNoResponse = errors.New("what came is no HTTP response")

// parseResponse parses a head, without its blank line.
func parseResponse(head string) (r response, err error) {
	first, lines, more := strings.Cut(head, "\r\n")
	version, rest, _ := strings.Cut(first, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if version != "HTTP/1.1" && version != "HTTP/1.0" || len(code) != 3 || err != nil || status < 100 {
		return response{}, errNoResponse
	}
	r = response{status: status, fields: map[string][]string{}, http10: version == "HTTP/1.0"}
	for more {
		var line string
		line, lines, more = strings.Cut(lines, "\r\n")
		name, value, colon := strings.Cut(line, ":")
		if !colon || !isHeaderName(name) || strings.ContainsAny(value, "\r\n\x00") {
			return response{}, fmt.Errorf("%w: malformed header line %.60q", errNoResponse, line)
		}
		name = strings.ToLower(name)
		r.fields[name] = append(r.fields[name], strings.Trim(value, " \t"))
	}
	r.close = r.http10 || r.has("connection", "close")
	return r, nil
}

// has reports whether the list in the headers of that name, in lower case, has the element, in either case.
func (r *response) has(name, element string) bool {
	for _, v := range r.fields[name] {
		for e := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(e, " \t"), element) {
				return true
			}
		}
	}
	return false
}

// end returns where in b, which begins with its head, the response ends, body and all; 0 if that is not known yet.
func (r *response) end(b []byte, size int, method string) int {
	in := bufio.NewReader(bytes.NewReader(b))
	h, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		r.untilClose, r.close = true, true // nobody knows
		return 0
	}
	defer h.Body.Close()
	r.close = r.close || h.Close
	switch {
	case h.Body == http.NoBody:
		return size
	case h.ContentLength >= 0:
		return size + int(min(h.ContentLength, 2*maxAnswer))
	case len(h.TransferEncoding) == 0:
		r.untilClose, r.close = true, true
		return 0
	}
	unread := bytes.NewReader(b)
	in = bufio.NewReader(unread)
	if h, err = http.ReadResponse(in, nil); err != nil {
		return 0
	}
	if _, err := io.Copy(io.Discard, h.Body); err != nil {
		return 0 // the last chunk is not there
	}
	return len(b) - unread.Len() - in.Buffered()
}

// wrongSwitch says what is wrong with a 101, and "" if nothing is (RFC 6455, 4.1 and 4.2.2).
func (g *opener) wrongSwitch() string {
	r := &g.first
	accept, subprotocols := r.fields["sec-websocket-accept"], r.fields["sec-websocket-protocol"]
	switch {
	case !r.has("upgrade", "websocket"):
		return "101 without Upgrade: websocket"
	case !r.has("connection", "upgrade"):
		return "101 without Connection: Upgrade"
	case len(accept) != 1 || accept[0] != acceptOf(g.key):
		return "101 without the one Sec-WebSocket-Accept that answers the key"
	case len(subprotocols) > 1 || len(subprotocols) == 1 && !slices.Contains(slices.Concat(g.Subprotocols, g.offered), subprotocols[0]):
		return "101 with a subprotocol that was not offered"
	case g.Deflate == nil && len(r.fields["sec-websocket-extensions"]) > 0:
		return "101 with an extension that was not offered, or that no server can agree to as it was"
	}
	return ""
}

// acceptOf is the Sec-WebSocket-Accept for a key, which may be any (1.3). Package handshake, which makes it too, may be what is tested.
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// newKey is a fresh Sec-WebSocket-Key (4.1).
func newKey() string {
	var nonce [16]byte
	rand.Read(nonce[:])
	return base64.StdEncoding.EncodeToString(nonce[:])
}
