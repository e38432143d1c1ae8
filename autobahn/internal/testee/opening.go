package testee

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/handshake"
)

// An opening is a request or a response of the opening handshake, for a Kind to change.
type opening struct {
	line   string
	fields []field
	silent bool // it is not sent
	drop   bool // TCP is closed behind it, or in place of it
}

type field struct{ name, value string }

// set gives a field another value, or adds it.
func (o *opening) set(name, value string) {
	for i := range o.fields {
		if o.fields[i].name == name {
			o.fields[i].value = value
			return
		}
	}
	o.fields = append(o.fields, field{name, value})
}

// get returns the value of a field.
func (o *opening) get(name string) string {
	for _, f := range o.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// remove takes a field away.
func (o *opening) remove(name string) {
	for i := range o.fields {
		if o.fields[i].name == name {
			o.fields = append(o.fields[:i], o.fields[i+1:]...)
			return
		}
	}
}

func (p *Peer) sendOpening(o *opening) {
	if p.kind.opening != nil {
		p.kind.opening(o)
	}
	if !o.silent {
		var b strings.Builder
		b.WriteString(o.line + "\r\n")
		for _, f := range o.fields {
			b.WriteString(f.name + ": " + f.value + "\r\n")
		}
		b.WriteString("\r\n")
		p.out = append(p.out, []byte(b.String()))
	}
	if o.drop {
		p.gone = true
	}
}

func (p *Peer) sendRequest(host, target string) {
	var nonce [16]byte
	for i := range nonce {
		nonce[i] = byte(p.rand.Uint32())
	}
	p.key = base64.StdEncoding.EncodeToString(nonce[:])
	o := &opening{line: "GET " + target + " HTTP/1.1", fields: []field{
		{"Host", host},
		{"Upgrade", "websocket"},
		{"Connection", "Upgrade"},
		{"Sec-WebSocket-Key", p.key},
		{"Sec-WebSocket-Version", "13"},
	}}
	if offers := deflate.Header(p.Offers()); offers != "" {
		o.set("Sec-WebSocket-Extensions", offers)
	}
	p.sendOpening(o)
}

// receiveHead takes octets of a request or a response, and returns those behind it.
func (p *Peer) receiveHead(b []byte) []byte {
	had := len(p.head)
	p.head = append(p.head, b...)
	n := bytes.Index(p.head, []byte("\r\n\r\n"))
	if n < 0 {
		if len(p.head) > MaxHead {
			p.refuse("the head is too long")
		}
		return nil
	}
	line, fields := parseHead(string(p.head[:n]))
	p.head = nil
	b = b[n+4-had:]
	if p.role == Server {
		p.receiveRequest(line, fields)
	} else {
		p.receiveResponse(line, fields)
	}
	return b
}

// parseHead returns the first line and the fields, by names in lower case; of fields with the same name the last.
func parseHead(head string) (line string, fields map[string]string) {
	lines := strings.Split(head, "\r\n")
	fields = map[string]string{}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		fields[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	return lines[0], fields
}

// receiveRequest answers a request. What the suite's client sends is good, so that only what cannot be answered is refused.
func (p *Peer) receiveRequest(line string, fields map[string]string) {
	key := fields["sec-websocket-key"]
	if !strings.HasPrefix(line, "GET ") || key == "" || !strings.EqualFold(fields["upgrade"], "websocket") {
		p.out = append(p.out, []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		p.gone = true
		return
	}
	// An offer that cannot be read is none: 9.1 would have it refused, but the suite's client makes no such.
	offers, _ := extensions(fields)
	answer, agreed := p.Answer(offers)
	o := &opening{line: "HTTP/1.1 101 Switching Protocols", fields: []field{
		{"Server", "testee-" + p.kind.Name},
		{"Upgrade", "websocket"},
		{"Connection", "Upgrade"},
		{"Sec-WebSocket-Accept", accept(key)},
	}}
	if len(answer) > 0 {
		o.set("Sec-WebSocket-Extensions", deflate.Header(answer))
	}
	p.sendOpening(o)
	p.Agreed(agreed)
	p.nowOpen()
}

func (p *Peer) receiveResponse(line string, fields map[string]string) {
	answer, bad := extensions(fields)
	agreed, err := deflate.Agreed(answer)
	switch {
	case !strings.HasPrefix(line, "HTTP/1.1 101"):
		p.refuse(line)
	case !strings.EqualFold(fields["upgrade"], "websocket"), !strings.EqualFold(fields["connection"], "upgrade"):
		p.refuse("the response does not upgrade to websocket")
	case fields["sec-websocket-accept"] != accept(p.key):
		p.refuse("the response has the wrong Sec-WebSocket-Accept")
	case bad != nil, err != nil, agreed != nil && !p.kind.Compresses:
		p.refuse("the response has an extension that was not offered")
	default:
		p.Agreed(agreed)
		p.nowOpen()
	}
}

func extensions(fields map[string]string) ([]handshake.Extension, error) {
	value := fields["sec-websocket-extensions"]
	if value == "" {
		return nil, nil
	}
	return handshake.ParseExtensions(nil, []byte(value))
}

// refuse ends an opening handshake that cannot go on.
func (p *Peer) refuse(why string) {
	p.refusal = why
	p.gone = true
}

// accept is the Sec-WebSocket-Accept for a key.
func accept(key string) string { return string(handshake.AppendAccept(nil, []byte(key))) }
