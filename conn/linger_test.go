package conn

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
)

// A peer that has answered our Close, and does not close TCP, keeps a server from nothing: it has said goodbye, and Read says so (7.1.1).
func TestServerDoesNotWaitForTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer peer.Close()
	peer.SetDeadline(time.Now().Add(20 * time.Second))
	nc, err := ln.Accept()
	require.NoError(t, err)
	c := New(nc, Server, &Options{CloseTimeout: time.Hour})
	defer c.CloseNow()
	read := make(chan error, 1)
	go func() {
		_, err := c.Read()
		read <- err
	}()
	closed := make(chan error, 1)
	go func() { closed <- c.Close(frame.CloseGoingAway, "") }()
	f, err := frame.Read(peer, frame.FromServer, 0, 125)
	require.NoError(t, err)
	require.Equal(t, frame.Close, f.Opcode)
	_, err = peer.Write(frame.Append(nil, frame.Header{Fin: true, Opcode: frame.Close, Masked: true, Key: 1}, f.Payload))
	require.NoError(t, err)
	for range 2 { // and the peer's side stays open
		select {
		case err = <-closed:
			require.NoError(t, err)
		case err = <-read:
			require.Error(t, err)
		case <-time.After(20 * time.Second):
			t.Fatal("it waits for the peer's FIN")
		}
	}
	_, err = peer.Read(make([]byte, 1))
	require.Error(t, err)
}
