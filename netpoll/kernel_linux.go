package netpoll

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DefaultDriver is what [Auto] stands for on this system.
const DefaultDriver = Loop

// An epoll is the kernel of one loop on Linux: an epoll instance, and an eventfd for wake-ups. A handle is a descriptor.
//
// The calls that cannot block (the sockets are non-blocking) are raw: they do not tell the scheduler, which would cost more than some of them.
type epoll struct {
	fd     int
	wakefd int
	start  time.Time
	raw    []unix.EpollEvent
	lns    map[handle]*listener
}

// A listener is a listening socket that stays in the hands of package net, which guards its descriptor: nothing is duplicated (E04), nothing is
// switched to blocking (E05), and a listener closed elsewhere cannot make us use a number that is somebody else's.
type listener struct {
	rc    syscall.RawConn
	try   func(fd uintptr) // accept4, made once so that accepting allocates nothing
	fd    int
	errno syscall.Errno
	spare int // a descriptor kept in reserve, to be able to refuse when there are no others; -1: none
}

const wakeSlot = ^uint32(0) // slot in the token of the eventfd; no connection has it

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wakefd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("eventfd", err)
	}
	k := &epoll{fd: fd, wakefd: wakefd, start: time.Now(), lns: map[handle]*listener{}}
	// Edge-triggered: each write to the eventfd is one event, and it never needs to be read.
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: -1}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, wakefd, &ev); err != nil {
		k.release()
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return k, nil
}

// newKernels returns the kernels of n loops on which ln can be served, and the handle by which the first of them knows it.
func newKernels(ln net.Listener, d Driver, n int) ([]kernel, handle, error) {
	sc, ok := ln.(syscall.Conn)
	if d == Portable || !ok {
		return newPortableKernels(ln, n)
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	ks := make([]kernel, 0, n)
	for range n {
		k, err := newEpoll()
		if err != nil {
			for _, k := range ks {
				k.release()
			}
			return nil, 0, err
		}
		ks = append(ks, k)
	}
	h, err := ks[0].(*epoll).listen(rc)
	if err != nil {
		for _, k := range ks {
			k.release()
		}
		return nil, 0, err
	}
	return ks, h, nil
}

// listen prepares a listening socket for accept.
func (k *epoll) listen(rc syscall.RawConn) (handle, error) {
	l := &listener{rc: rc, spare: -1}
	l.try = func(fd uintptr) {
		nfd, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, fd, 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		l.fd, l.errno = int(nfd), errno
	}
	var h handle
	err := rc.Control(func(fd uintptr) {
		h = handle(fd)
		// What is accepted inherits it. It fails on a socket that is not TCP, and is not needed there.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	})
	if err != nil {
		return 0, err
	}
	l.spare, _ = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	k.lns[h] = l
	return h, nil
}

func (k *epoll) wait(events []event, timeout int64) (int, error) {
	if len(k.raw) < len(events) {
		k.raw = make([]unix.EpollEvent, len(events))
	}
	msec := -1
	if timeout >= 0 {
		msec = int(min((timeout+1e6-1)/1e6, 1<<30)) // round up: never early
	}
	n, err := epollWait(k.fd, k.raw[:len(events)], msec)
	if err != 0 {
		return 0, err
	}
	out := 0
	for i := range k.raw[:n] {
		ev := &k.raw[i]
		if uint32(ev.Fd) == wakeSlot {
			continue
		}
		var ready interest
		if ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0 {
			ready |= readable
		}
		if ev.Events&unix.EPOLLOUT != 0 {
			ready |= writable
		}
		if ev.Events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			ready |= hangup
		}
		events[out] = event{makeToken(uint32(ev.Fd), uint32(ev.Pad)), ready}
		out++
	}
	return out, nil
}

func epollWait(fd int, events []unix.EpollEvent, msec int) (int, syscall.Errno) {
	if msec == 0 {
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		return int(n), errno
	}
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(msec), 0, 0)
	return int(n), errno
}

func (k *epoll) wake() error {
	one := [8]byte{1} // any value but zero adds up, in either byte order
	_, err := unix.Write(k.wakefd, one[:])
	if err == unix.EAGAIN { // the counter is full: a wake-up is pending
		return nil
	}
	return err
}

func (k *epoll) ctl(op int, h handle, t token, want interest) error {
	ev := unix.EpollEvent{Fd: int32(t.slot()), Pad: int32(t.gen())}
	if want&readable != 0 {
		ev.Events |= unix.EPOLLIN
	}
	if want&writable != 0 {
		ev.Events |= unix.EPOLLOUT
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(k.fd), uintptr(op), uintptr(h), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return failure(errno)
}

// failure is errno as an error: nil for none.
func failure(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

func (k *epoll) register(h handle, t token, want interest) error {
	return k.ctl(unix.EPOLL_CTL_ADD, h, t, want)
}

func (k *epoll) modify(h handle, t token, want interest) error {
	return k.ctl(unix.EPOLL_CTL_MOD, h, t, want)
}

func (k *epoll) deregister(h handle) error {
	return k.ctl(unix.EPOLL_CTL_DEL, h, 0, 0)
}

func (k *epoll) accept(h handle) (handle, error) {
	l := k.lns[h]
	if err := l.rc.Control(l.try); err != nil {
		return 0, err
	}
	if l.errno == unix.EMFILE && l.spare >= 0 {
		l.refuse()
		return 0, unix.EMFILE
	}
	if l.errno != 0 {
		return 0, l.errno
	}
	return handle(l.fd), nil
}

// refuse uses the spare descriptor to tell one waiting client that there is no room.
func (l *listener) refuse() {
	unix.Close(l.spare)
	l.spare = -1
	if err := l.rc.Control(l.try); err == nil && l.errno == 0 {
		_, _ = unix.Write(l.fd, overloaded)
		unix.Close(l.fd)
	}
	l.spare, _ = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

func (k *epoll) read(h handle, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(h), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

func (k *epoll) write(h handle, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(h), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (k *epoll) writev(h handle, bufs [][]byte) (int, error) {
	var iov [maxVector]unix.Iovec
	n := 0
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		if n == len(iov) {
			break
		}
		iov[n].Base = unsafe.SliceData(b)
		iov[n].SetLen(len(b))
		n++
	}
	msg := unix.Msghdr{Iov: &iov[0]}
	msg.SetIovlen(n)
	sent, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(h), uintptr(unsafe.Pointer(&msg)), unix.MSG_NOSIGNAL)
	if errno != 0 {
		return 0, errno
	}
	return int(sent), nil
}

func (k *epoll) shutdown(h handle) error {
	_, _, errno := syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(h), unix.SHUT_WR, 0)
	return failure(errno)
}

func (k *epoll) close(h handle) error {
	if l := k.lns[h]; l != nil { // the descriptor is package net's; the server closes its listener
		delete(k.lns, h)
		if l.spare >= 0 {
			unix.Close(l.spare)
		}
		return nil
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_CLOSE, uintptr(h), 0, 0) // never lingers: SO_LINGER is not set
	return failure(errno)
}

func (k *epoll) local(h handle) net.Addr {
	sa, err := unix.Getsockname(int(h))
	if err != nil {
		return nil
	}
	return address(sa)
}

func (k *epoll) remote(h handle) net.Addr {
	sa, err := unix.Getpeername(int(h))
	if err != nil {
		return nil
	}
	return address(sa)
}

func address(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: append(net.IP(nil), sa.Addr[:]...), Port: sa.Port}
	case *unix.SockaddrInet6:
		a := &net.TCPAddr{IP: append(net.IP(nil), sa.Addr[:]...), Port: sa.Port}
		if sa.ZoneId != 0 {
			if i, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				a.Zone = i.Name
			}
		}
		return a
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}

func (k *epoll) now() int64 { return int64(time.Since(k.start)) }

func (k *epoll) release() error {
	for h := range k.lns {
		k.close(h)
	}
	unix.Close(k.wakefd)
	return os.NewSyscallError("close", unix.Close(k.fd))
}

// fileLimit returns how many descriptors the process may have open; 0: no limit is known.
func fileLimit() int {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil || lim.Cur > 1<<30 {
		return 0
	}
	return int(lim.Cur)
}
