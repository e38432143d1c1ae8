//go:build !linux

package netpoll

import "net"

// DefaultDriver is what [Auto] stands for on this system.
const DefaultDriver = Portable

// newKernels returns the kernels of n loops on which ln can be served, and the handle by which the first of them knows it.
func newKernels(ln net.Listener, d Driver, n int) ([]kernel, handle, error) {
	if d == Loop {
		return nil, 0, ErrNoPoller
	}
	return newPortableKernels(ln, n)
}

// fileLimit returns how many descriptors the process may have open; 0: no limit is known.
func fileLimit() int { return 0 }
