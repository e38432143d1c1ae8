package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func TestReader(t *testing.T) {
	for name, readAll := range map[string]func(io.Reader) ([]byte, error){
		"ReadAll":  io.ReadAll,
		"one byte": func(r io.Reader) ([]byte, error) { return io.ReadAll(iotest.OneByteReader(r)) },
		"WriteTo": func(r io.Reader) ([]byte, error) {
			var b bytes.Buffer
			_, err := io.Copy(&b, r)
			return b.Bytes(), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
				frames, texts := session(p)
				wait := goes(func() {
					p.send(frames...)
					p.expect(frame.Pong, "between")
				})
				for _, want := range texts {
					op, r, err := c.Reader(background)
					if err != nil || op != frame.Text {
						t.Fatal(op, err)
					}
					for range 2 { // the second time it is at its end
						got, err := readAll(r)
						if err != nil || string(got) != want {
							t.Fatalf("%.40q, %v, expected %.40q", got, err, want)
						}
						want = ""
					}
				}
				wait()
			})
		})
	}
}

// What is left of a message that was not read to its end is thrown away by the next Read or Reader, and the old reader knows.
func TestReaderLeft(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			for range 3 {
				p.send(p.encode(frame.Binary, false, make([]byte, 10_000)), p.ping("?"), p.encode(frame.Continuation, true, make([]byte, 10_000)), p.text("next"))
				p.expect(frame.Pong, "?")
			}
		})
		for i := range 3 {
			_, old, err := c.Reader(background)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.ReadFull(old, make([]byte, i*5000)); err != nil {
				t.Fatal(n, err)
			}
			if i == 1 {
				_, r, err := c.Reader(background)
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(r); string(b) != "next" {
					t.Fatalf("%q %v", b, err)
				}
			} else {
				expectText(t, c, "next")
			}
			if _, err := old.Read(make([]byte, 1)); err != errLeft {
				t.Fatal(err)
			}
		}
		wait()
	})
}

// Read and Reader take turns, also where a Read has been given up in the middle of a message.
func TestReaderAfterReadGivenUp(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		begun := goes(func() { p.send(p.encode(frame.Text, false, []byte("begun in Read, "))) })
		for {
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := c.Read(); !isDeadline(err) {
				t.Fatal(err)
			}
			if c.proto.Buffered() > 0 {
				break
			}
		}
		begun()
		c.SetReadDeadline(time.Time{})
		wait := goes(func() { p.send(p.encode(frame.Continuation, true, []byte("ended in Reader")), p.text("next")) })
		_, r, err := c.Reader(background)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != "begun in Read, ended in Reader" {
			t.Fatalf("%q %v", b, err)
		}
		expectText(t, c, "next")
		wait()
	})
}

// A reader that was given up may go on, and one whose connection ends does not end as a message does.
func TestReaderInterrupted(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() { p.send(p.encode(frame.Text, false, []byte("one"))) })
		_, r, err := c.Reader(background)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		wait()
		c.SetReadDeadline(longAgo)
		if _, err := r.Read(make([]byte, 1)); !isDeadline(err) {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Time{})
		wait = goes(func() {
			p.send(p.encode(frame.Continuation, false, []byte("two")))
			p.nc.Close()
		})
		b, err := io.ReadAll(r)
		if string(b) != "two" || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			t.Fatalf("%q %v", b, err)
		}
		wait()
	})
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		ctx, cancel := context.WithCancel(context.Background())
		wait := goes(func() { p.send(p.encode(frame.Text, false, []byte("one"))) })
		_, r, err := c.Reader(ctx)
		if err != nil {
			t.Fatal(err)
		}
		wait()
		cancel()
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		wait = goes(func() { p.send(p.encode(frame.Continuation, true, nil), p.text("next")) })
		expectText(t, c, "next")
		wait()
	})
}

// The limits hold for pieces, too, and text is checked before its end.
func TestReaderBreach(t *testing.T) {
	for name, row := range map[string]struct {
		frames func(p *peer) [][]byte
		err    *frame.Error
	}{
		"size": {func(p *peer) [][]byte {
			return [][]byte{p.encode(frame.Text, false, make([]byte, 600)), p.encode(frame.Continuation, true, make([]byte, 600))}
		}, frame.ErrMessageTooBig},
		"text": {func(p *peer) [][]byte {
			return [][]byte{p.encode(frame.Text, false, []byte("fine")), p.encode(frame.Continuation, false, []byte("\xff"))}
		}, frame.ErrInvalidUTF8},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, &Options{MaxMessage: 1000}, func(t *testing.T, c *Conn, p *peer) {
				wait := goes(func() {
					p.nc.Write(bytes.Join(row.frames(p), nil))
					p.expectBye(row.err.Code)
					p.nc.Close()
				})
				_, r, err := c.Reader(background)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(r); err != row.err {
					t.Fatal(err)
				}
				wait()
			})
		})
	}
}

// Close reads on while a piece is with the program, and does not touch it.
func TestReaderPieceOutlivesClose(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		wait := goes(func() {
			p.send(p.encode(frame.Binary, false, bytes.Repeat([]byte("k"), 500)))
			p.expectBye(1000)
			p.send(p.encode(frame.Continuation, true, bytes.Repeat([]byte("o"), 20_000)), p.bye(1000, ""))
			p.nc.Close()
		})
		_, r, err := c.Reader(background)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(writerFunc(func(b []byte) (int, error) {
			if err := c.Close(1000, ""); err != nil {
				t.Error(err)
			}
			if string(b) != strings.Repeat("k", 500) {
				t.Errorf("%.20q", b)
			}
			return len(b), nil
		}), r)
		if !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		wait()
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestReaderCopyFails(t *testing.T) {
	c, p := newPair(t, carriers[1], Server, nil)
	p.send(p.text("for nobody"), p.text("next"))
	_, r, err := c.Reader(background)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(writerFunc(func(b []byte) (int, error) { return len(b) - 1, nil }), r); err == nil {
		t.Fatal("a short write")
	}
	expectText(t, c, "next")
}

// A message that is written in pieces of any size arrives whole, in fragments of which only the one that is all there is may be empty.
func TestWriter(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		small := slices.Repeat([]int{100}, 3000)
		sizes := [][]int{small, {}, {0}, {1}, {fragmentSize - 1, 1}, {fragmentSize}, {fragmentSize, 1}, {fragmentSize + 1}, {10, fragmentSize}, {1, 2, 3, 100_000, 1}, {maxFragment}, {maxFragment + 1}, {500_000}}
		wait := goes(func() {
			for _, s := range sizes {
				var got []byte
				for n := 0; ; n++ {
					f, err := p.read()
					if err != nil {
						t.Error(s, err)
						return
					}
					if (f.Opcode == frame.Binary) != (n == 0) || f.Opcode != frame.Binary && f.Opcode != frame.Continuation || n > 0 && len(f.Payload) == 0 || len(f.Payload) > maxFragment {
						t.Error(s, n, f.Opcode, len(f.Payload))
					}
					got = append(got, f.Payload...)
					if f.Fin {
						if len(s) == len(small) && n > 9 { // 4, 8, 16, 32, and then 64 KiB
							t.Error(n, "fragments of", len(got))
						}
						break
					}
				}
				if want := pattern(s); !bytes.Equal(got, want) {
					t.Error(s, len(got))
				}
			}
		})
		for _, s := range sizes {
			w, err := c.Writer(background, frame.Binary)
			if err != nil {
				t.Fatal(err)
			}
			b := pattern(s)
			for _, n := range s {
				if k, err := w.Write(b[:n]); k != n || err != nil {
					t.Fatal(k, err)
				}
				b = b[n:]
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != errEnded {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("x")); err != errEnded {
				t.Fatal(err)
			}
		}
		wait()
	})
}

// pattern returns as many bytes as the sizes sum up to, none equal to its neighbour.
func pattern(sizes []int) []byte {
	n := 0
	for _, s := range sizes {
		n += s
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// While a Writer is open, control frames go between its fragments, and other data waits.
func TestWriterLetsControlPass(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, c *Conn, p *peer) {
		fragment := func(op frame.Opcode, fin bool, n int) {
			t.Helper()
			if f, err := p.read(); err != nil || f.Opcode != op || f.Fin != fin || len(f.Payload) != n {
				t.Fatal(f.Opcode, f.Fin, len(f.Payload), err)
			}
		}
		read := goes(func() { c.Read() })
		w, err := c.Writer(background, frame.Binary)
		if err != nil {
			t.Fatal(err)
		}
		other := goes(func() {
			if err := c.Write(frame.Text, []byte("other")); err != nil {
				t.Error(err)
			}
		})
		write := goes(func() { w.Write(make([]byte, fragmentSize+1)) })
		fragment(frame.Binary, false, fragmentSize)
		write()
		p.send(p.ping("in between"))
		p.expect(frame.Pong, "in between")
		ping := goes(func() { c.Ping([]byte("ours")) })
		p.expect(frame.Ping, "ours")
		ping()
		end := goes(func() { w.Close() })
		fragment(frame.Continuation, true, 1)
		end()
		p.expect(frame.Text, "other")
		other()
		c.CloseNow()
		read()
	})
}

// A Writer whose context ends before a byte of its message has left has done nothing. One that has sent a fragment
// cannot take it back, so the connection is over.
func TestWriterGivenUp(t *testing.T) {
	for _, sent := range []bool{false, true} {
		t.Run(fmt.Sprint("sent=", sent), func(t *testing.T) {
			inBubble(t, &Options{WriteStallTimeout: -1, PingInterval: -1}, func(t *testing.T, c *Conn, p *peer) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				w, err := c.Writer(ctx, frame.Text)
				if err != nil {
					t.Error(err)
					return
				}
				if sent {
					wait := goes(func() { p.read() })
					if _, err := w.Write(make([]byte, fragmentSize+1)); err != nil {
						t.Error(err)
					}
					wait()
				}
				other := goes(func() { c.Ping([]byte("holds the output")) })
				synctest.Wait()
				err = w.Close()
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) != sent {
					t.Error(err)
				}
				if _, err := w.Write(nil); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if sent {
					if err := c.Write(frame.Text, nil); !errors.Is(err, errGiven) {
						t.Error(err)
					}
				} else {
					p.expect(frame.Ping, "holds the output")
					wait := goes(func() { p.expect(frame.Text, "free again") })
					if err := c.Write(frame.Text, []byte("free again")); err != nil {
						t.Error(err)
					}
					wait()
				}
				other()
			})
		})
	}
}
