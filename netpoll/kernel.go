package netpoll

import "net"

// The seam to the operating system. A loop speaks to its kernel through the functions of this interface and through nothing else, so that
// the whole server runs unchanged on epoll (kernel_linux.go), on goroutines where there is no poller (portable.go), and, in the tests, on a
// simulated kernel that does what a real one may do at the worst moment.
//
// The contract, for all of them:
//
//   - Readiness is level-triggered: while a condition holds and is wanted, every wait may report it. It may also be reported late, or when it
//     does not hold (the call that follows then fails with EAGAIN), and never after deregister or close of the handle.
//   - The token given to register comes back in every event of the handle, whole. It carries slot and generation, never a pointer.
//   - Calls that would block fail with syscall.EAGAIN. Calls may fail with syscall.EINTR at any time, having done nothing; but a close always
//     closes, whatever it reports. Other errors are the system's own (syscall.Errno). The end of the peer's bytes is (0, io.EOF).
//   - Short reads and short writes are ordinary. A write that took n > 0 octets reports no error.
//   - No call keeps a slice after it returns.
//
// Who may call: wait, register, modify, deregister, accept, now and release belong to the loop's goroutine. read, write, writev, shutdown, close
// and the addresses may be called by whoever holds the connection's lock (the loop holds it when it closes, so a number is never written to
// after its close). wake may be called by anybody until release.
type kernel interface {
	// wait blocks until something is ready, wake is called or timeout nanoseconds have passed (negative: no limit; zero: do not block).
	// It fills events from the start and returns how many. A wake-up is no event; it only makes wait return. A wake that comes
	// before wait is not lost.
	wait(events []event, timeout int64) (int, error)

	// wake makes the current wait, or else the next one, return soon.
	wake() error

	register(h handle, t token, want interest) error
	modify(h handle, t token, want interest) error
	deregister(h handle) error

	// accept takes one connection from the listening handle: non-blocking, not inherited by child processes.
	accept(l handle) (handle, error)

	read(h handle, b []byte) (int, error)
	write(h handle, b []byte) (int, error)
	writev(h handle, bufs [][]byte) (int, error)

	// shutdown ends the sending side (FIN); the peer's bytes can still be read.
	shutdown(h handle) error

	// close gives the handle back and deregisters it; the system may hand out the same number at once.
	close(h handle) error

	local(h handle) net.Addr
	remote(h handle) net.Addr

	// now is the system's monotonic clock, in nanoseconds.
	now() int64

	// release gives back what the kernel itself holds. The loop is over.
	release() error
}

// A handle names a socket to its kernel: a descriptor, or an index where there are none.
type handle int32

// A token is what an event says of its connection: the slot in the loop's table in the low half, the generation in the high half.
type token uint64

func makeToken(slot, gen uint32) token { return token(gen)<<32 | token(slot) }

func (t token) slot() uint32 { return uint32(t) }
func (t token) gen() uint32  { return uint32(t >> 32) }

// An interest is a set of conditions: those wanted of a handle, or those an event reports.
type interest uint8

const (
	readable interest = 1 << iota // a read will not block: octets, the end of them, or an error
	writable                      // a write will not block, or will fail
	hangup                        // reported only, wanted or not: both directions are over, or the socket failed; a read says how
)

// An event is one connection's readiness.
type event struct {
	token token
	ready interest
}
