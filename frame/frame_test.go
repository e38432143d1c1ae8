package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/gobwas/ws"
)

// The frames of section 5.7, written and read.
var frames = []struct {
	name, octets string
	from         Direction
	want         Frame
}{
	{"5.7 a single-frame unmasked text message", "81 05 48656c6c6f", FromServer,
		Frame{Header{Opcode: Text, Fin: true, Length: 5}, []byte("Hello")}},
	{"5.7 a single-frame masked text message", "81 85 37fa213d 7f9f4d5158", FromClient,
		Frame{Header{Opcode: Text, Fin: true, Length: 5, Masked: true, Key: 0x3d21fa37}, []byte("Hello")}},
	{"5.7 a fragment", "01 03 48656c", FromServer, Frame{Header{Opcode: Text, Length: 3}, []byte("Hel")}},
	{"5.7 the last fragment", "80 02 6c6f", FromServer, Frame{Header{Opcode: Continuation, Fin: true, Length: 2}, []byte("lo")}},
	{"5.7 unmasked ping", "89 05 48656c6c6f", FromServer, Frame{Header{Opcode: Ping, Fin: true, Length: 5}, []byte("Hello")}},
	{"5.7 masked pong", "8a 85 37fa213d 7f9f4d5158", FromClient,
		Frame{Header{Opcode: Pong, Fin: true, Length: 5, Masked: true, Key: 0x3d21fa37}, []byte("Hello")}},
	{"5.5.1 an empty close", "88 80 01020304", FromClient, Frame{Header{Opcode: Close, Fin: true, Masked: true, Key: 0x04030201}, nil}},
}

func TestRead(t *testing.T) {
	for _, row := range frames {
		t.Run(row.name, func(t *testing.T) {
			in := append(octets(t, row.octets), "next"...)
			for name, r := range map[string]func(io.Reader) io.Reader{
				"whole":     func(r io.Reader) io.Reader { return r },
				"by octets": iotest.OneByteReader,
				"by halves": iotest.HalfReader,
				"with EOF":  iotest.DataErrReader,
			} {
				rest := bytes.NewReader(in)
				f, err := Read(r(rest), row.from, 0, 5)
				if f.Header != row.want.Header || !bytes.Equal(f.Payload, row.want.Payload) || err != nil {
					t.Errorf("%s: %+v, %v", name, f, err)
				}
				if name != "with EOF" && rest.Len() != len("next") { // DataErrReader reads ahead
					t.Errorf("%s: %d octets are left", name, rest.Len())
				}
			}
			var out bytes.Buffer
			if err := Write(&out, row.want); err != nil || !bytes.Equal(out.Bytes(), octets(t, row.octets)) {
				t.Errorf("Write: % x, %v", out.Bytes(), err)
			}
		})
	}
}

// A reader that ends, at every octet: before the frame it is the end, inside it is not expected. And a reader
// that fails says so.
func TestReadEnds(t *testing.T) {
	broken := errors.New("broken")
	for _, row := range frames {
		in := octets(t, row.octets)
		for i := range in {
			want := io.ErrUnexpectedEOF
			if i == 0 {
				want = io.EOF
			}
			if f, err := Read(bytes.NewReader(in[:i]), row.from, 0, 5); err != want || f.Payload != nil || f.Header != (Header{}) {
				t.Errorf("% x: %+v, %v", in[:i], f, err)
			}
			if _, err := Read(io.MultiReader(bytes.NewReader(in[:i]), iotest.ErrReader(broken)), row.from, 0, 5); err != broken {
				t.Errorf("% x: %v", in[:i], err)
			}
		}
	}
}

// A breach is known with the octet that shows it, though the peer sends no other.
func TestReadHeaderEarly(t *testing.T) {
	silent := iotest.ErrReader(errors.New("nothing more comes"))
	for _, row := range headers {
		if row.err == nil {
			continue
		}
		in := octets(t, row.bytes)
		for _, r := range []io.Reader{bytes.NewReader(in), iotest.OneByteReader(bytes.NewReader(in))} {
			if h, err := ReadHeader(io.MultiReader(r, silent), row.from, row.rsv); err != row.err || h != (Header{}) {
				t.Errorf("%s: %+v, %v", row.name, h, err)
			}
		}
	}
}

// Payloads of many sizes, through Write and Read, and through gobwas/ws.
func TestReadWriteSizes(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, size := range []int{0, 1, 125, 126, 127, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 100_000, 1 << 20} {
		for _, masked := range []bool{false, true} {
			f := Frame{Header{Opcode: Binary, Fin: true, Length: int64(size), Masked: masked}, make([]byte, size)}
			for i := range f.Payload {
				f.Payload[i] = byte(r.Uint32())
			}
			if masked {
				f.Key = r.Uint32()
			}
			was := bytes.Clone(f.Payload)
			var out bytes.Buffer
			if err := Write(&out, f); err != nil || out.Len() != f.Size()+size {
				t.Fatal(size, err, out.Len())
			}
			if !bytes.Equal(f.Payload, was) {
				t.Fatalf("%d: Write modified the payload", size)
			}
			wire := bytes.Clone(out.Bytes())
			theirs, err := ws.ReadFrame(&out)
			if err != nil {
				t.Fatal(size, err)
			}
			if masked {
				theirs = ws.UnmaskFrame(theirs)
			}
			if !bytes.Equal(theirs.Payload, was) {
				t.Fatalf("%d: gobwas reads something else", size)
			}
			got, err := Read(iotest.HalfReader(bytes.NewReader(wire)), Either, 0, int64(size))
			if err != nil || got.Header != f.Header || !bytes.Equal(got.Payload, was) {
				t.Fatal(size, err, got.Header)
			}
			if size > 0 {
				if _, err := Read(bytes.NewReader(wire), Either, 0, int64(size)-1); err != ErrMessageTooBig {
					t.Fatal(size, err)
				}
			}
			if got, err = Read(bytes.NewReader(wire), Either, 0, -1); err != nil || len(got.Payload) != size {
				t.Fatal(size, err)
			}
		}
	}
}

// The header says what the payload is, not what Length was.
func TestAppendLength(t *testing.T) {
	got := Append([]byte("dst"), Header{Opcode: Text, Fin: true, Length: 1 << 40}, []byte("Hello"))
	if want := append([]byte("dst"), octets(t, "81 05 48656c6c6f")...); !bytes.Equal(got, want) {
		t.Errorf("% x", got)
	}
}

// Append stays in the room that there is, and leaves alone what lies before and behind.
func TestAppendInPlace(t *testing.T) {
	payload := []byte("Hello")
	room := bytes.Repeat([]byte("-"), 20)
	got := Append(room[:2], Header{Opcode: Text, Fin: true, Masked: true, Key: 0x3d21fa37}, payload)
	if want := "--" + string(octets(t, "81 85 37fa213d 7f9f4d5158")); string(got) != want || string(room) != want+"-------" {
		t.Errorf("%q", room)
	}
	if string(payload) != "Hello" {
		t.Errorf("the payload is %q", payload)
	}
	if n := testing.AllocsPerRun(100, func() { Append(room[:2], Header{Opcode: Text, Fin: true, Masked: true, Key: 1}, payload) }); n != 0 {
		t.Errorf("%v allocations into a slice with room", n)
	}
	if n := testing.AllocsPerRun(100, func() { Append(nil, Header{Opcode: Text, Fin: true, Masked: true, Key: 1}, payload) }); n != 1 {
		t.Errorf("%v allocations into no slice", n)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		f    Frame
		err  error
	}{
		{"5.2 a reserved opcode", Frame{Header: Header{Opcode: 3, Fin: true}}, errSendOpcode},
		{"5.2 an opcode of five bits", Frame{Header: Header{Opcode: 17, Fin: true}}, errSendOpcode},
		{"5.2 a fourth reserved bit", Frame{Header: Header{Opcode: Text, Fin: true, Rsv: 8}}, errSendRsv},
		{"5.5 a control frame in fragments", Frame{Header: Header{Opcode: Ping}}, errSendFragmented},
		{"5.5 a control frame of 126", Frame{Header{Opcode: Ping, Fin: true}, make([]byte, 126)}, errSendLong},
	} {
		var out bytes.Buffer
		if err := Write(&out, row.f); err != row.err || !errors.Is(err, ErrNotSendable) || out.Len() > 0 {
			t.Errorf("%s: %v, % x", row.name, err, out.Bytes())
		}
	}
	if err := Write(iotest.TruncateWriter(nil, 0), Frame{Header: Header{Opcode: Text}}); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	if err := Write(writerFunc(func([]byte) (int, error) { return 0, broken }), Frame{Header: Header{Opcode: Text}}); err != broken {
		t.Error(err)
	}
}

// One frame is one Write, so that frames of several goroutines may be serialised by a lock around it.
func TestWriteOnce(t *testing.T) {
	calls := 0
	w := writerFunc(func(b []byte) (int, error) {
		calls++
		return len(b), nil
	})
	if err := Write(w, Frame{Header{Opcode: Binary, Fin: true}, make([]byte, 1<<20)}); err != nil || calls != 1 {
		t.Error(err, calls)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{0, 125, 126, 1 << 10, 64 << 10, 1 << 20} {
		for _, masked := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/masked=%v", size, masked), func(b *testing.B) {
				payload := make([]byte, size)
				dst := make([]byte, 0, MaxHeaderSize+size)
				h := Header{Opcode: Binary, Fin: true, Masked: masked, Key: 0x04030201}
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					dst = Append(dst[:0], h, payload)
				}
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{0, 125, 126, 1 << 10, 64 << 10, 1 << 20} {
		in := Append(nil, Header{Opcode: Binary, Fin: true, Masked: true, Key: 0x04030201}, make([]byte, size))
		run := func(name string, read func(io.Reader) error) {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				var r bytes.Reader
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					r.Reset(in)
					if err := read(&r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("idlewire", func(r io.Reader) error {
			_, err := Read(r, FromClient, 0, 1<<20)
			return err
		})
		run("gobwas", func(r io.Reader) error { // which allocates what is announced: V10
			f, err := ws.ReadFrame(r)
			ws.UnmaskFrameInPlace(f)
			return err
		})
	}
}
