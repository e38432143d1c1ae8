// Package load is the client of the measurements: one thread, one epoll instance, raw sockets, frames built beforehand. It looks at every octet that
// comes back, and fails at the first wrong one.
package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// Options say what the connections do.
type Options struct {
	Path     string // of the opening handshake
	Payload  int    // octets of each message
	InFlight int    // messages that a connection has under way; default 1
	Floor    bool   // the server is floor.c: its replies are zeros
	Text     bool   // the messages are JSON, of at least 128 octets, and not noise
	Mode     mode.Mode
	AtOnce   int // messages that Once has under way; default 256
}

// A Client is many connections to one server. Its methods must be called by one goroutine.
type Client struct {
	o       Options
	addr    unix.SockaddrInet4
	request []byte
	f       frames
	ep      int
	conns   []conn
	events  []unix.EpollEvent
	buf     []byte

	opened int // connections ever, to spread them over source addresses

	upgrading int // connections in their opening handshake
	alive     int // connections that have not ended
	replies   int // messages that have come back
	underWay  int // messages that have not, unless they are broadcast
	ended     int // connections that have ended as they should
	goOn      bool
	churn     bool

	inflater inflater
	plain    []byte   // what it puts out
	spares   [][]byte // bodies
	traffic  Traffic
}

type phase uint8

const (
	upgrading phase = iota
	open
	closing
	closed
)

type conn struct {
	fd       int
	phase    phase
	got      int       // octets of the next reply that have come
	next     int       // variant of the next reply
	send     int       // variant of the next message
	owed     int       // messages to be sent
	open     int       // messages without a reply, those owed included
	out      []byte    // what the kernel has not taken of the last run of them
	ctl      []byte    // control frames to be sent
	writable bool      // we wait for that, too
	carry    []byte    // octets of a response, a control frame or a header that has come in part
	z        *deflated // the reply under way, if the connection compresses
}

// Patience is how long a server may be silent when it owes something.
const Patience = 20 * time.Second

const (
	opensAtOnce = 256       // opening handshakes under way, less than any listener's backlog
	perSource   = 10_000    // connections from one source address: there are about 28 000 ports
	readSize    = 256 << 10 // octets of one read
	key         = "dGhlIHNhbXBsZSBub25jZQ=="
	accept      = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // RFC 6455 1.3
)

// New returns a client without connections.
func New(addr string, o Options) (*Client, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	if o.InFlight == 0 {
		o.InFlight = 1
	}
	if o.Path == "" {
		o.Path = "/"
	}
	if o.AtOnce == 0 {
		o.AtOnce = opensAtOnce
	}
	offer := ""
	if o.Mode.On {
		o.Text = true // noise does not shrink
		offer = "Sec-WebSocket-Extensions: " + o.Mode.Offer() + "\r\n"
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &Client{
		o:    o,
		addr: unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()},
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n", o.Path, addr, key, offer),
		f:      newFrames(o),
		ep:     ep,
		events: make([]unix.EpollEvent, 512),
		buf:    make([]byte, readSize),
	}, nil
}

// Abandon closes everything on this side, without a word.
func (cl *Client) Abandon() {
	for i := range cl.conns {
		if cl.conns[i].phase != closed {
			unix.Close(cl.conns[i].fd)
		}
	}
	unix.Close(cl.ep)
}

// Open opens n connections.
func (cl *Client) Open(n int) error {
	first := len(cl.conns)
	cl.conns = append(cl.conns, make([]conn, n)...)
	for i := first; i < len(cl.conns); i++ {
		if err := cl.connect(i); err != nil {
			return err
		}
		if err := cl.until(func() bool { return cl.upgrading < opensAtOnce }); err != nil {
			return err
		}
	}
	return cl.until(func() bool { return cl.upgrading == 0 })
}

// connect makes conns[i] a new connection and sends its request.
func (cl *Client) connect(i int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	c := &cl.conns[i]
	*c = conn{fd: fd, carry: c.carry[:0]}
	if cl.o.Mode.On {
		c.z = new(deflated)
		c.send = i % len(cl.f.want) // they do not all say the same at the same time
		c.next = c.send
	}
	source := cl.opened / perSource
	cl.opened++
	// The port is chosen when the whole pair of addresses is known.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 1, byte(source >> 8), byte(1 + source%250)}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	for {
		err = unix.Connect(fd, &cl.addr)
		if err == nil || err == unix.EISCONN {
			break
		}
		if err != unix.EINTR && err != unix.EALREADY {
			return os.NewSyscallError("connect", err)
		}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.EpollCtl(cl.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	cl.upgrading++
	cl.alive++
	c.out = cl.request
	return cl.flush(c, i)
}

// until turns the loop until done says so.
func (cl *Client) until(done func() bool) error {
	end := time.Now().Add(Patience)
	for !done() {
		n, err := cl.turn(100)
		if err != nil {
			return err
		}
		now := time.Now()
		if n > 0 {
			end = now.Add(Patience)
		} else if now.After(end) {
			return fmt.Errorf("the server has been silent for %v: %d connections, %d in their opening handshake", Patience, cl.alive, cl.upgrading)
		}
	}
	return nil
}

// turn waits once, at most so many milliseconds, and serves what is ready.
func (cl *Client) turn(msec int) (int, error) {
	n, err := unix.EpollWait(cl.ep, cl.events, msec)
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, os.NewSyscallError("epoll_wait", err)
	}
	for k := range cl.events[:n] {
		i := int(cl.events[k].Fd)
		c := &cl.conns[i]
		if cl.events[k].Events&unix.EPOLLOUT != 0 {
			if err := cl.flush(c, i); err != nil {
				return n, err
			}
		}
		if cl.events[k].Events&^unix.EPOLLOUT == 0 {
			continue
		}
		r, errno := sysRead(c.fd, cl.buf)
		switch {
		case errno == unix.EAGAIN || errno == unix.EINTR:
			continue
		case errno != 0:
			err = errno
		case r == 0:
			err = cl.eof(c, i)
		default:
			err = cl.take(c, i, cl.buf[:r])
		}
		if err != nil {
			return n, fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return n, nil
}

// eof deals with the end of a server's octets.
func (cl *Client) eof(c *conn, i int) error {
	if c.phase != closing || c.got != len(goodbyeReply) {
		return errors.New("the server has ended it")
	}
	unix.Close(c.fd)
	c.phase = closed
	cl.alive--
	cl.ended++
	if cl.churn {
		return cl.connect(i)
	}
	return nil
}

// take takes octets from the server.
func (cl *Client) take(c *conn, i int, b []byte) error {
	if len(c.carry) > 0 {
		c.carry = append(c.carry, b...)
		b = c.carry
		c.carry = nil
	}
	done := 0
	for len(b) > 0 {
		switch {
		case c.phase == upgrading:
			end := bytes.Index(b, []byte("\r\n\r\n"))
			if end < 0 {
				c.carry = append(c.carry, b...)
				return nil
			}
			if s := string(b[:end]); !strings.HasPrefix(s, "HTTP/1.1 101 ") || !strings.Contains(s, accept) {
				return fmt.Errorf("not upgraded: %q", s)
			} else if err := cl.o.Mode.Agreed(extensions(s)); err != nil {
				return err
			}
			b = b[end+4:]
			c.phase = open
			cl.upgrading--
			if cl.churn {
				if err := cl.bye(c, i); err != nil {
					return err
				}
			}
		case c.got == 0 && !c.z.inFrame() && b[0] == 0x89: // a ping
			if len(b) < 2 || len(b) < 2+int(b[1]) {
				c.carry = append(c.carry, b...)
				b = nil
				continue
			}
			n := 2 + int(b[1])
			if c.phase == open { // after our Close nobody waits for it
				c.ctl = append(c.ctl, masked(0x8a, b[2:n], 0x9abcdef0)...)
			}
			b = b[n:]
			if err := cl.flush(c, i); err != nil {
				return err
			}
		case c.phase == closing:
			want := goodbyeReply
			if cl.o.Floor {
				want = make([]byte, len(goodbyeReply))
			}
			if c.got+len(b) > len(want) || !bytes.Equal(b, want[c.got:c.got+len(b)]) {
				return fmt.Errorf("the reply to Close continues % x", b)
			}
			c.got += len(b)
			b = nil
		case c.z != nil:
			rest, n, more, err := cl.takeDeflated(c, b)
			if err != nil {
				return err
			}
			done += n
			if b = rest; more {
				c.carry = append(c.carry, b...)
				b = nil
			}
		default:
			want := cl.f.want[c.next]
			n := min(len(want)-c.got, len(b))
			if !bytes.Equal(b[:n], want[c.got:c.got+n]) {
				return fmt.Errorf("a wrong reply, from octet %d on: % x", c.got, b[:min(n, 32)])
			}
			b = b[n:]
			if c.got += n; c.got == len(want) {
				c.got = 0
				c.next = (c.next + 1) % len(cl.f.want)
				done++
			}
		}
	}
	if done > 0 {
		cl.replies += done
		c.open -= done
		cl.underWay -= done
		if cl.goOn {
			c.owed += done
			c.open += done
			cl.underWay += done
			return cl.flush(c, i)
		}
	}
	return nil
}

// extensions returns the value of Sec-WebSocket-Extensions in a response, up to its blank line; all of them, if there are more.
func extensions(response string) string {
	var all []string
	for line := range strings.SplitSeq(response, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Sec-WebSocket-Extensions") {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return strings.Join(all, ", ")
}

// flush sends what is to be sent, as far as the kernel takes it.
func (cl *Client) flush(c *conn, i int) error {
	for {
		if len(c.out) == 0 {
			switch {
			case len(c.ctl) > 0:
				c.out, c.ctl = c.ctl, nil
			case c.owed > 0:
				k := min(c.owed, cl.f.most)
				c.out = cl.f.run(c.send, k)
				c.send = (c.send + k) % len(cl.f.want)
				c.owed -= k
			default:
				return cl.watch(c, i, false)
			}
		}
		n, errno := sysWrite(c.fd, c.out)
		switch errno {
		case 0:
			c.out = c.out[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return cl.watch(c, i, true)
		default:
			return fmt.Errorf("connection %d: write: %w", i, errno)
		}
	}
}

// watch waits for the connection to become writable, too, or no longer.
func (cl *Client) watch(c *conn, i int, writable bool) error {
	if c.writable == writable {
		return nil
	}
	c.writable = writable
	events := uint32(unix.EPOLLIN)
	if writable {
		events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(cl.ep, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(i)}))
}

func sysRead(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func sysWrite(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
