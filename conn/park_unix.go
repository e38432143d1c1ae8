//go:build unix

package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// A parking reads from a socket with a buffer that nobody has while it waits: the system says that octets are there before a buffer is
// taken for them. So a connection that is idle has none.
type parking struct {
	raw  syscall.RawConn // nil: nc is no socket of the net package's own
	turn func(fd uintptr) bool
	n    int
	err  error
}

// parks prepares c to read that way, if its transport allows it. A type that only has a socket in it may do something of its own in Read.
func (c *Conn) parks() {
	var s syscall.Conn
	switch nc := c.nc.(type) {
	case *net.TCPConn:
		s = nc
	case *net.UnixConn:
		s = nc
	default:
		return
	}
	if raw, err := s.SyscallConn(); err == nil {
		c.park.raw, c.park.turn = raw, c.tryRead
	}
}

// readParked is nc.Read into readBuffer.
func (c *Conn) readParked() (int, error) {
	p := &c.park
	if p.raw == nil {
		return c.nc.Read(c.readBuffer())
	}
	p.n, p.err = 0, nil
	err := p.raw.Read(p.turn)
	if err == nil {
		return p.n, p.err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "raw-read" {
		op.Op = "read"
	}
	return 0, err
}

// tryRead reads what is there, and reports false, having let go of the buffer, if nothing is.
func (c *Conn) tryRead(fd uintptr) bool {
	b := c.readBuffer()
	for {
		n, err := syscall.Read(int(fd), b)
		switch {
		case n > 0:
			c.park.n = n
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			c.freeBuffer()
			return false
		case err == nil:
			c.park.err = io.EOF
		default:
			local := c.nc.LocalAddr()
			c.park.err = &net.OpError{Op: "read", Net: local.Network(), Source: local, Addr: c.nc.RemoteAddr(), Err: os.NewSyscallError("read", err)}
		}
		return true
	}
}
