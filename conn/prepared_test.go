package conn

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

func TestPrepared(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte("x"), n)
		m, err := Prepare(frame.Text, payload)
		if err != nil {
			t.Fatal(err)
		}
		clear(payload) // it has its own copy
		want := outcome{msgs: []Message{{Op: frame.Text, Payload: bytes.Repeat([]byte("x"), n)}}}

		var server, server2, client Protocol
		client.Role = Client
		b, err := server.PreparedFrame(m)
		if err != nil {
			t.Fatal(err)
		}
		b2, err := server2.PreparedFrame(m)
		if err != nil || &b[0] != &b2[0] || cap(b) != len(b) {
			t.Fatal("not the same bytes for all")
		}
		same(t, play(t, &Protocol{Role: Client}, whole, b), want)

		b, err = server.AppendPrepared([]byte("before"), m)
		if err != nil || string(b[:6]) != "before" {
			t.Fatal(err)
		}
		same(t, play(t, &Protocol{Role: Client}, whole, b[6:]), want)

		b, err = client.AppendPrepared(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		same(t, play(t, &Protocol{}, whole, b), want)
		if _, err = client.PreparedFrame(m); !errors.Is(err, frame.ErrNotSendable) {
			t.Errorf("a client shares a frame: %v", err)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	for op := range frame.Opcode(255) {
		m, err := Prepare(op, nil)
		if (err == nil) != op.IsData() || (m != nil) != op.IsData() || err != nil && err != ErrOpcode {
			t.Errorf("%v: %v, %v", op, m, err)
		}
	}
	m, err := Prepare(frame.Binary, nil)
	if err != nil {
		t.Fatal(err)
	}
	var p Protocol
	if _, err := p.AppendFragment(nil, frame.Text, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PreparedFrame(m); !errors.Is(err, frame.ErrNotSendable) {
		t.Errorf("between fragments: %v", err)
	}
	if _, err := p.AppendClose(nil, frame.CloseNormal, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PreparedFrame(m); err != ErrCloseSent {
		t.Errorf("after Close: %v", err)
	}
	if _, err := new(Protocol).PreparedFrame(new(Prepared)); err != ErrOpcode {
		t.Errorf("what nobody prepared: %v", err)
	}
}

// Many send it at the same time, clients too, and it stays what it is.
func TestPreparedIsShared(t *testing.T) {
	m, err := Prepare(frame.Text, []byte("Hello"))
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(m.wire)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := Protocol{Role: Role(i % 2)}
			var b []byte
			for range 100 {
				b, _ = p.AppendPrepared(b, m)
				if p.Role == Server {
					f, _ := p.PreparedFrame(m)
					b = append(b, f...)
				}
			}
			peer := Protocol{Role: Client - p.Role}
			for _, m := range play(t, &peer, whole, b).msgs {
				if string(m.Payload) != "Hello" {
					t.Errorf("%q", m.Payload)
				}
			}
		}()
	}
	wg.Wait()
	if !bytes.Equal(m.wire, before) {
		t.Error("it has changed")
	}
}

// A message has a form of its own for each set of parameters: what refers back as far as one peer's window goes may be too far for another.
func TestPreparedFormOfEach(t *testing.T) {
	m, err := Prepare(frame.Text, bytes.Repeat([]byte("a"), 1000))
	if err != nil {
		t.Fatal(err)
	}
	var calls [2]atomic.Int32
	for range 2 {
		for i := range calls {
			server, _ := deflateEnds(false)
			server.Compressor.(*naiveDeflate).alone = naiveAlone{&calls[i]}
			if _, err := server.PreparedFrame(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a, b := calls[0].Load(), calls[1].Load(); a != 1 || b != 1 {
		t.Errorf("compressed %d and %d times for two sets of parameters", a, b)
	}
}
