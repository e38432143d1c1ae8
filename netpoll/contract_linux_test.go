package netpoll

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func init() {
	kernels["epoll"] = func(t *testing.T, ln net.Listener) (kernel, handle) {
		k, err := newEpoll()
		require.NoError(t, err)
		rc, err := ln.(syscall.Conn).SyscallConn()
		require.NoError(t, err)
		h, err := k.listen(rc)
		require.NoError(t, err)
		return k, h
	}
}
