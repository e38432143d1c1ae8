package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/handshake"
)

// CheckOpening lets a client and a server of this library, configured as data says, open a connection, and cuts what they send as data says. It panics
// unless both end with the same subprotocol and compression, no octet of what follows is lost, and each side is content with the other. If octets are
// changed on the way, each may refuse; but if the client is content, the server has seen the client's key.
func CheckOpening(data []byte) {
	o := &opening{}
	o.data = data[:min(len(data), 4096)]
	o.configure()
	defer o.release()

	changes := o.below(4) == 3
	wire, err := o.offer.AppendRequest(nil)
	if err != nil {
		panic(fmt.Sprintf("offer %+v: %v", o.offer, err))
	}
	sent := bytes.Clone(wire)
	if changes && o.one(2) {
		o.change(wire)
	}
	changed := !bytes.Equal(sent, wire)
	var request handshake.Request
	rest, done, err := o.receive(request.Receive, append(wire, after...))
	if !changed && (err != nil || !done || rest != after) {
		panic(fmt.Sprintf("request %q: %v, %v, %q is left", wire, done, err, rest))
	}
	if err != nil || !done {
		must(changed, err)
		return
	}
	wire, err = o.upgrader.AppendResponse(nil, &request)
	if err != nil {
		must(changed, err)
		return
	}
	if changes {
		o.change(wire)
		changed = true
	}
	var response handshake.Response
	rest, done, err = o.receive(response.Receive, append(wire, after...))
	if !changed && (err != nil || !done || rest != after) {
		panic(fmt.Sprintf("response %q: %v, %v, %q is left", wire, done, err, rest))
	}
	if err != nil || !done {
		must(changed, err)
		return
	}
	if err := o.offer.Check(&response); err != nil {
		must(changed, err)
		return
	}
	if key := request.Header("Sec-WebSocket-Key"); string(key) != rfcKey {
		panic(fmt.Sprintf("the client is content with an answer to key %q", key))
	}
	o.agree(&request, &response, changed)
}

const (
	after  = "\x81\x05hello"            // what follows an opening handshake
	rfcKey = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455, 1.3
)

// must panics if an end refuses what has not been changed, or with an error of no kind.
func must(changed bool, err error) {
	var e *handshake.Error
	if !changed || err != nil && !errors.As(err, &e) {
		panic(fmt.Sprintf("changed: %v, refused: %v", changed, err))
	}
}

// An opening is two ends and their configurations.
type opening struct {
	dice
	offer          handshake.Offer
	upgrader       handshake.Upgrader
	client, server *deflate.Options // nil: none
	accepted       conn.Compressor
}

var subprotocols = [...]string{"chat", "superchat", "v2.bookings.example.net", "x", "soap"}

func (o *opening) configure() {
	u, err := handshake.ParseURL([...]string{"ws://example.com/", "ws://example.com:8080/chat?x=y", "wss://[::1]/%41"}[o.below(3)])
	if err != nil {
		panic(err)
	}
	o.offer = handshake.Offer{URL: u, Key: rfcKey}
	for _, list := range [2]*[]string{&o.offer.Subprotocols, &o.upgrader.Subprotocols} {
		for range o.below(4) {
			if s := subprotocols[o.below(len(subprotocols))]; !slices.Contains(*list, s) {
				*list = append(*list, s)
			}
		}
	}
	p := &pair{generator: generator{dice: o.dice}}
	if p.one(2) {
		o.client = p.policy()
		o.offer.Extensions = o.client.Offers()
	}
	if p.one(2) {
		o.server = p.policy()
		o.upgrader.Extensions = conn.Accepting(o.server, func(c conn.Compressor) { o.accepted = c }, nil)
	}
	o.dice = p.dice
}

func (o *opening) release() {
	if o.accepted != nil {
		o.accepted.Release()
	}
}

// change changes some octets.
func (o *opening) change(wire []byte) {
	for range 1 + o.below(4) {
		wire[(o.below(65536))%len(wire)] = o.octet()
	}
}

// receive gives b to an end in pieces, and returns what it leaves.
func (o *opening) receive(take func([]byte) ([]byte, bool, error), b []byte) (rest string, done bool, err error) {
	cuts := make([]int, o.below(5))
	for i := range cuts {
		cuts[i] = o.below(256)
	}
	pieces := Cut(bytes.Clone(b), cuts)
	for i, piece := range pieces {
		left, done, err := take(piece)
		if done || err != nil {
			for _, more := range pieces[i+1:] {
				left = append(left[:len(left):len(left)], more...)
			}
			return string(left), done, err
		}
	}
	return "", false, nil
}

// agree compares what the two ends have agreed on.
func (o *opening) agree(request *handshake.Request, response *handshake.Response, changed bool) {
	common := ""
	for _, s := range o.offer.Subprotocols {
		if common == "" && slices.Contains(o.upgrader.Subprotocols, s) {
			common = s
		}
	}
	if s := response.Subprotocol; s != "" && !slices.Contains(o.offer.Subprotocols, s) || !changed && (s != common || request.Subprotocol != common) {
		panic(fmt.Sprintf("client has subprotocol %q, server %q; want %q", s, request.Subprotocol, common))
	}
	if o.client == nil {
		if len(response.Extensions) > 0 {
			panic(fmt.Sprintf("client has not offered %v", response.Extensions))
		}
		return
	}
	c, err := o.client.Agree(response.Extensions)
	if c != nil {
		defer c.Release()
	}
	switch {
	case changed:
	case err != nil || (c != nil) != (o.server != nil) || (c != nil) != (o.accepted != nil):
		panic(fmt.Sprintf("server agrees to %v; client: %v", request.Extensions, err))
	case fmt.Sprint(request.Extensions) != fmt.Sprint(response.Extensions):
		panic(fmt.Sprintf("server agrees to %v, client to %v", request.Extensions, response.Extensions))
	}
}
