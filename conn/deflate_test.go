package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// An endpoint of deflateEnds decompresses what the other compresses.
func deflateEnds(takeover bool) (server, client *Protocol) {
	return &Protocol{Compressor: &naiveDeflate{takeover: takeover, minSize: 16}}, &Protocol{Role: Client, Compressor: &naiveDeflate{takeover: takeover, minSize: 16}}
}

// rsvOf returns RSV1 of each frame in b, as 1 or 0, and the lengths of their payloads.
func rsvOf(t testing.TB, b []byte) (rsv string, lengths []int64) {
	t.Helper()
	for len(b) > 0 {
		h, n, err := frame.ParseHeader(b, frame.Either, frame.Rsv1)
		if err != nil || n == 0 || h.Length > int64(len(b)-n) {
			t.Fatalf("no frame: %x: %v", b[:min(len(b), 20)], err)
		}
		rsv += fmt.Sprint(h.Rsv / frame.Rsv1)
		lengths = append(lengths, h.Length)
		b = b[int64(n)+h.Length:]
	}
	return rsv, lengths
}

func TestAppendDeflated(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		server, client := deflateEnds(takeover)
		for _, p := range []struct{ from, to *Protocol }{{server, client}, {client, server}} {
			// From each size of header to the next smaller, and where none changes.
			for _, n := range []int{0, 1, 15, 16, 100, 125, 126, 127, 1000, 65535, 65536, 200000} {
				text := strings.Repeat("ab", n)[:n]
				dst := append(make([]byte, 0, 3+n+frame.MaxHeaderSize), "dst"...)
				b, err := p.from.AppendMessage(dst, frame.Text, []byte(text))
				if err != nil || string(b[:3]) != "dst" {
					t.Fatal(err)
				}
				if &b[0] != &dst[0] {
					t.Errorf("%d octets compressed take more room than in clear", n)
				}
				rsv, lengths := rsvOf(t, b[3:])
				if want := fmt.Sprint(min(n/16, 1)); rsv != want || lengths[0] > int64(n) {
					t.Errorf("%d octets: RSV1 %s, want %s; %d octets of payload", n, rsv, want, lengths[0])
				}
				same(t, playDeflate(t, p.to, whole, b[3:]), outcome{msgs: []Message{textOf(text)}})
			}
		}
	}
}

// A message that does not shrink goes as it is, and what follows does not refer to it.
func TestAppendWhatDoesNotShrink(t *testing.T) {
	server, client := deflateEnds(true)
	noise := randomBytes(rand.New(rand.NewPCG(1, 1)), 5000)
	said := []string{strings.Repeat("one ", 100), string(noise), strings.Repeat("one ", 100), string(noise[:3000]), string(noise[2000:]), "short"}
	var b []byte
	for _, s := range said {
		var err error
		if b, err = server.AppendMessage(b, frame.Binary, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	rsv, _ := rsvOf(t, b)
	if rsv != "101000" {
		t.Errorf("RSV1 %s", rsv)
	}
	var want outcome
	for _, s := range said {
		want.msgs = append(want.msgs, binaryOf(s))
	}
	same(t, playDeflate(t, client, whole, b), want)
}

func TestAppendUncompressed(t *testing.T) {
	server, client := deflateEnds(true)
	text := strings.Repeat("secret ", 100)
	b, err := server.AppendMessage(nil, frame.Text, []byte(text))
	if err == nil {
		b, err = server.AppendUncompressed(b, frame.Text, []byte(text))
	}
	if err == nil {
		b, err = server.AppendMessage(b, frame.Text, []byte(text))
	}
	if rsv, _ := rsvOf(t, b); err != nil || rsv != "101" {
		t.Fatal(rsv, err)
	}
	same(t, playDeflate(t, client, whole, b), outcome{msgs: []Message{textOf(text), textOf(text), textOf(text)}})
	if _, err := server.AppendUncompressed(nil, frame.Ping, nil); err != ErrOpcode {
		t.Error(err)
	}
}

// RFC 7692, 6.1: all fragments of a message are compressed, or none, and RSV1 is on the first.
func TestAppendFragmentDeflated(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		server, client := deflateEnds(takeover)
		for _, p := range []struct{ from, to *Protocol }{{server, client}, {client, server}} {
			noise := string(randomBytes(rand.New(rand.NewPCG(2, 2)), 3000))
			for _, message := range [][]string{
				{strings.Repeat("x", 100), strings.Repeat("y", 100), ""},
				{strings.Repeat("x", 100), noise, strings.Repeat("z", 70000)},
				{"short", strings.Repeat("y", 100)},
				{"", "", ""},
				{strings.Repeat("w", 1000)},
			} {
				var b []byte
				var err error
				op := frame.Binary
				for i, s := range message {
					if b, err = p.from.AppendFragment(b, op, i == len(message)-1, []byte(s)); err != nil {
						t.Fatal(err)
					}
					op = frame.Continuation
					if i < len(message)-1 {
						if b, err = p.from.AppendPing(b, []byte("p")); err != nil {
							t.Fatal(err)
						}
					}
				}
				rsv, _ := rsvOf(t, b)
				want := strings.Repeat("0", len(rsv))
				if len(message[0]) >= 16 {
					want = "1" + want[1:]
				}
				if rsv != want {
					t.Errorf("RSV1 %s, want %s", rsv, want)
				}
				o := playDeflate(t, p.to, whole, b)
				last := o.msgs[len(o.msgs)-1]
				if o.err != nil || string(last.Payload) != strings.Join(message, "") {
					t.Errorf("%v: %v", takeover, o)
				}
			}
		}
	}
}

// What was appended and not sent is not referred to, if the machine is told.
func TestUnsent(t *testing.T) {
	server, client := deflateEnds(true)
	one, two := strings.Repeat("one ", 100), strings.Repeat("two ", 100)
	b, _ := server.AppendMessage(nil, frame.Text, []byte(one))
	if _, err := server.AppendMessage(nil, frame.Text, []byte(two)); err != nil {
		t.Fatal(err)
	}
	server.Unsent()
	b, _ = server.AppendMessage(b, frame.Text, []byte(two))
	b, _ = server.AppendMessage(b, frame.Text, []byte(two))
	same(t, playDeflate(t, client, whole, b), outcome{msgs: []Message{textOf(one), textOf(two), textOf(two)}})
	(&Protocol{}).Unsent() // without a Compressor there is nothing to forget
}

// A prepared message is compressed once for each set of parameters, and goes between others in any order.
func TestPreparedDeflated(t *testing.T) {
	var calls atomic.Int32
	text := strings.Repeat("for everybody ", 50)
	m, err := Prepare(frame.Text, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	noise, _ := Prepare(frame.Binary, randomBytes(rand.New(rand.NewPCG(3, 3)), 500))
	plain := Protocol{}
	var frames [][]byte
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range 40 {
		server, client := deflateEnds(i%2 == 0)
		server.Compressor.(*naiveDeflate).alone = naiveAlone{&calls}
		wg.Go(func() {
			b, err := server.AppendMessage(nil, frame.Text, []byte("for nobody, for everybody, for everybody"))
			if err != nil {
				t.Error(err)
				return
			}
			f, err := server.PreparedFrame(m)
			b = append(b, f...)
			if err == nil {
				b, err = server.AppendPrepared(b, m)
			}
			if err == nil {
				b, err = server.AppendPrepared(b, noise)
			}
			if err == nil {
				b, err = server.AppendMessage(b, frame.Text, []byte(text))
			}
			if err != nil {
				t.Error(err)
			}
			o := playDeflate(t, client, whole, b)
			if o.err != nil || len(o.msgs) != 5 || string(o.msgs[1].Payload) != text || string(o.msgs[2].Payload) != text || string(o.msgs[4].Payload) != text {
				t.Errorf("%v", o)
			}
			mu.Lock()
			frames = append(frames, f)
			mu.Unlock()
		})
	}
	wg.Wait()
	if n := calls.Load(); n != 2 {
		t.Errorf("two messages were compressed %d times", n)
	}
	for _, f := range frames {
		if &f[0] != &frames[0][0] {
			t.Error("not the same bytes for all")
		}
	}
	f, err := plain.PreparedFrame(m)
	if err != nil || f[0] != 0x81 || len(frames[0]) >= len(f) || m.Size() != len(f) {
		t.Errorf("%x, %v", f[:1], err)
	}
	server, client := deflateEnds(true)
	b, err := client.AppendPrepared(nil, m)
	if rsv, _ := rsvOf(t, b); err != nil || rsv != "1" {
		t.Error(rsv, err)
	}
	same(t, playDeflate(t, server, whole, b), outcome{msgs: []Message{textOf(text)}})
}

func TestAppendAloneHeader(t *testing.T) {
	server, client := deflateEnds(true)
	text := strings.Repeat("alone ", 100)
	body, ok := server.Compressor.Alone().Compress(nil, []byte(text))
	b, err := server.AppendAloneHeader(nil, frame.Text, []byte(text), len(body))
	if err != nil || !ok {
		t.Fatal(err)
	}
	b, err = server.AppendMessage(append(b, body...), frame.Text, []byte(text))
	if err != nil || len(b) > len(body)+30 {
		t.Error("what is sent alone is not referred to")
	}
	same(t, playDeflate(t, client, whole, b), outcome{msgs: []Message{textOf(text), textOf(text)}})
	if _, err := client.AppendAloneHeader(nil, frame.Text, nil, 0); !errors.Is(err, frame.ErrNotSendable) {
		t.Error(err)
	}
	if _, err := server.AppendAloneHeader(nil, frame.Close, nil, 0); err != ErrOpcode {
		t.Error(err)
	}
}

// deflateConns returns both ends of a connection that compresses.
func deflateConns(t *testing.T, o *Options) (server, client *Conn) {
	t.Helper()
	accepted := make(chan *Conn, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, nil, o)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}))
	t.Cleanup(s.Close)
	client, err := Dial(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http"), &Dialer{Options: *o})
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() { client.CloseNow(); server.CloseNow() })
	return server, client
}

func TestConnDeflated(t *testing.T) {
	z := &naiveCompression{takeover: true}
	server, client := deflateConns(t, &Options{Compression: z})
	if len(z.made) != 2 || len(server.Extensions()) != 1 || len(client.Extensions()) != 1 {
		t.Fatal("not agreed on")
	}
	prepared, _ := Prepare(frame.Text, bytes.Repeat([]byte("prepared "), 3000))
	for _, p := range []struct{ from, to *Conn }{{server, client}, {client, server}} {
		wait := goes(func() {
			for range 2 {
				for _, n := range []int{0, 10, 1000, 20000, 300000} {
					if err := p.from.Write(frame.Text, bytes.Repeat([]byte("x"), n)); err != nil {
						t.Error(err)
					}
					if err := p.from.WriteUncompressed(frame.Text, bytes.Repeat([]byte("x"), n)); err != nil {
						t.Error(err)
					}
				}
				if err := p.from.WritePrepared(prepared); err != nil {
					t.Error(err)
				}
				w, err := p.from.Writer(context.Background(), frame.Text)
				if err != nil {
					t.Error(err)
					return
				}
				for range 100 {
					w.Write([]byte("written in pieces "))
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
		for range 2 {
			for _, n := range []int{0, 10, 1000, 20000, 300000} {
				expectText(t, p.to, strings.Repeat("x", n))
				expectText(t, p.to, strings.Repeat("x", n))
			}
			expectText(t, p.to, strings.Repeat("prepared ", 3000))
			expectText(t, p.to, strings.Repeat("written in pieces ", 100))
		}
		wait()
	}
	for _, z := range z.made {
		if z.calls < 10 || z.released.Load() != 0 {
			t.Errorf("%d calls, released %d times", z.calls, z.released.Load())
		}
	}
	server.CloseNow()
	client.CloseNow()
	for _, z := range z.made {
		if z.released.Load() == 0 {
			t.Error("the connection is over, and its compressor is not let go")
		}
	}
}

// A message that was given up before its first byte left is not referred to by those that follow: the peer has never seen it.
func TestConnDeflatedGivenUp(t *testing.T) {
	z := &naiveCompression{takeover: true}
	o := &Options{WriteStallTimeout: -1, PingInterval: -1}
	a, b := pipePair(t)
	server := newConn(b, Server, o, nil, agreed{compressor: z.compressor()})
	client := newConn(a, Client, o, nil, agreed{compressor: z.compressor()})
	t.Cleanup(func() { server.CloseNow(); client.CloseNow() })
	lost := strings.Repeat("never sent ", 100)
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan error, 1)
		go func() { gone <- server.WriteContext(ctx, frame.Text, []byte(lost)) }()
		for { // until it is in the transport's hands
			server.mu.Lock()
			under := server.wr.user
			server.mu.Unlock()
			if under {
				break
			}
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) || server.isGone() {
			t.Fatal(err)
		}
		wait := goes(func() {
			if err := server.Write(frame.Text, []byte(lost)); err != nil {
				t.Error(err)
			}
		})
		expectText(t, client, lost)
		wait()
	}
	if z.made[0].forgets != 3 {
		t.Errorf("told %d times", z.made[0].forgets)
	}
}

// A handshake that comes to nothing lets go of the compressor that it had agreed on.
func TestNegotiationThatComesToNothing(t *testing.T) {
	z := &naiveCompression{}
	u := &handshake.Upgrader{Extensions: func(_ *handshake.Request, offers []handshake.Extension) []handshake.Extension {
		if len(offers) != 1 || offers[0].Name != "x-other" {
			t.Errorf("offered %v", offers)
		}
		return []handshake.Extension{{Name: "x-other"}, {Name: "x-not-offered"}}
	}}
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		if _, err := Accept(w, r, u, &Options{Compression: z}); err == nil {
			t.Error("accepted")
		}
	}))
	defer s.Close()
	offers := &offering{naiveCompression{}, []handshake.Extension{naiveName, {Name: "x-other"}}}
	if _, err := Dial(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http"), &Dialer{Options: Options{Compression: offers}}); err == nil {
		t.Error("dialled")
	}
	<-done
	if len(z.made) != 1 || z.made[0].released.Load() != 1 {
		t.Error("not let go")
	}
}

// A server's own extensions go beside compression.
func TestNegotiationBesideOthers(t *testing.T) {
	u := &handshake.Upgrader{Extensions: func(_ *handshake.Request, offers []handshake.Extension) []handshake.Extension { return offers }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := Accept(w, r, u, &Options{Compression: &naiveCompression{}}); err == nil {
			c.CloseNow()
		}
	}))
	defer s.Close()
	for _, offer := range [][]handshake.Extension{{naiveName, {Name: "x-other"}}, {{Name: "x-other"}, naiveName}, {{Name: "x-other"}}} {
		z := &offering{naiveCompression{}, offer}
		c, err := Dial(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http"), &Dialer{Options: Options{Compression: z}})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Extensions()) != len(offer) {
			t.Errorf("%v of %v", c.Extensions(), offer)
		}
		c.CloseNow()
	}
}

// An answer that is none to the offers fails the connection (RFC 7692, 5.1).
func TestDialRefusesTheAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := handshake.Upgrader{Extensions: func(_ *handshake.Request, offers []handshake.Extension) []handshake.Extension {
			return []handshake.Extension{{Name: "permessage-deflate", Params: []handshake.Param{{Name: "unheard_of"}}}}
		}}
		if c, err := Accept(w, r, &u, nil); err == nil {
			c.Read()
			c.CloseNow()
		}
	}))
	defer s.Close()
	_, err := Dial(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http"), &Dialer{Options: Options{Compression: &naiveCompression{}}})
	if !errors.Is(err, handshake.ErrResponseExtensions) {
		t.Error(err)
	}
}

// An offering offers what it is told to.
type offering struct {
	naiveCompression
	offers []handshake.Extension
}

func (o *offering) Offers() []handshake.Extension { return o.offers }

func (o *offering) Agree(agreed []handshake.Extension) (Compressor, error) {
	return o.naiveCompression.Agree(nil)
}
