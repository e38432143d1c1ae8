package autobahn

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// The server of wss is the same behind a TLS listener.
func TestServerTLS(t *testing.T) {
	backing := httptest.NewUnstartedServer(nil)
	backing.StartTLS()
	defer backing.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{URL: "wss://" + ln.Addr().String(), Cases: echoCases(), Options: DefaultOptions()}
	ended := make(chan error)
	go func() {
		_, err := s.Serve(t.Context(), tls.NewListener(ln, backing.TLS))
		ended <- err
	}()
	for _, path := range []string{"/getCaseCount", "/runCase?case=1&agent=a", "/stopServer"} {
		nc, err := tls.Dial("tcp", ln.Addr().String(), backing.Client().Transport.(*http.Transport).TLSClientConfig)
		require.NoError(t, err)
		u, err := handshake.ParseURL("wss://" + ln.Addr().String() + path)
		require.NoError(t, err)
		b, err := (&handshake.Offer{URL: u}).AppendRequest(nil)
		require.NoError(t, err)
		_, err = nc.Write(b)
		require.NoError(t, err)
		br := bufio.NewReader(nc)
		resp, err := http.ReadResponse(br, nil)
		require.NoError(t, err)
		require.Equal(t, 101, resp.StatusCode)
		require.NoError(t, echoFrames(nc, br, frame.FromServer, nil))
		nc.Close()
	}
	require.NoError(t, <-ended)
	noStrays(t)
}
