package netpoll

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// systemError returns what the contract of kernel.go promises for an error of package net: the system's own number where there is one,
// io.EOF, and for the errors that net makes up itself the number that a system call would have given. Other errors (those of TLS, or of a
// net.Conn that is no socket) stay as they are: they say more than any number.
func systemError(err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		if same, ok := winsock[errno]; ok {
			return same
		}
		return errno
	case errors.Is(err, net.ErrClosed):
		return syscall.EBADF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return syscall.ETIMEDOUT
	case errors.Is(err, io.ErrClosedPipe):
		return syscall.EPIPE
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return err
}

// winsock gives the numbers that Windows has for sockets the names that all other systems have. No system uses these numbers for anything
// else.
var winsock = map[syscall.Errno]syscall.Errno{
	10004: syscall.EINTR,
	10009: syscall.EBADF,
	10022: syscall.EINVAL,
	10024: syscall.EMFILE,
	10035: syscall.EAGAIN,
	10038: syscall.EBADF, // not a socket
	10050: syscall.ENETDOWN,
	10051: syscall.ENETUNREACH,
	10052: syscall.ECONNRESET, // the network dropped the connection
	10053: syscall.ECONNABORTED,
	10054: syscall.ECONNRESET,
	10055: syscall.ENOBUFS,
	10057: syscall.ENOTCONN,
	10058: syscall.EPIPE, // after shutdown
	10060: syscall.ETIMEDOUT,
	10064: syscall.EHOSTDOWN,
	10065: syscall.EHOSTUNREACH,
}
