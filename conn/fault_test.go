package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// F04, F05: a session that is cut by a reset, a FIN, or a half-close after every byte of it, in both roles, with a program that echoes. The program
// sees whole messages, in order, and then one clear end; the peer never gets what was not whole; nothing is left behind (TestMain).
func TestF04F05EveryByte(t *testing.T) {
	for name, cut := range map[string]func(*net.TCPConn){
		"reset":      func(nc *net.TCPConn) { nc.SetLinger(0); nc.Close() },
		"FIN":        func(nc *net.TCPConn) { nc.Close() },
		"half-close": func(nc *net.TCPConn) { nc.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			eachRole(t, func(t *testing.T, role Role) {
				script := &peer{TB: t, role: role ^ 1}
				stream := bytes.Join([][]byte{
					script.text("Hello"),
					script.encode(frame.Binary, false, []byte("frag")), script.ping("p"), script.encode(frame.Continuation, true, []byte("ments")),
					script.encode(frame.Binary, true, bytes.Repeat([]byte("x"), 130)),
					script.text(""),
					script.bye(4000, "bye"),
				}, nil)
				want := []string{"Hello", "fragments", string(bytes.Repeat([]byte("x"), 130)), ""}
				for n := range len(stream) + 1 {
					c, p := newPair(t, carriers[1], role, &Options{CloseTimeout: 200 * time.Millisecond})
					if _, err := p.nc.Write(stream[:n]); err != nil {
						t.Fatal(err)
					}
					cut(p.nc.(*net.TCPConn))
					var got []string
					var err error
					for err == nil {
						var m Message
						if m, err = c.Read(); err == nil {
							got = append(got, string(m.Payload))
							c.Write(m.Op, m.Payload)
						}
					}
					if !isPrefix(got, want) {
						t.Fatalf("after %d octets: %q", n, got)
					}
					ce := (*CloseError)(nil)
					switch {
					case errors.As(err, &ce): // then it was there
						if n < len(stream) || *ce != (CloseError{4000, "bye"}) || len(got) != len(want) {
							t.Fatalf("after %d octets: %v", n, err)
						}
					case CodeOf(err) != frame.CloseAbnormal:
						t.Fatalf("after %d octets: %v", n, err)
					case name != "reset" && n == len(stream):
						t.Fatalf("after the whole session: %v", err) // what came before a FIN is read
					}
					if err := c.Write(frame.Text, nil); !errors.Is(err, net.ErrClosed) {
						t.Fatal(err)
					}
					if name == "half-close" {
						echoes := 0
						for {
							f, err := p.read()
							if err != nil {
								if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
									t.Fatal(err)
								}
								break
							}
							if f.Opcode.IsData() {
								if string(f.Payload) != want[echoes] {
									t.Fatalf("echo %d: %q", echoes, f.Payload)
								}
								echoes++
							}
						}
					}
					p.nc.Close()
				}
			})
		})
	}
}
