package main

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
)

// A server behind TLS is like any other.
func TestTLS(t *testing.T) {
	var conns sync.WaitGroup
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conns.Add(1)
		defer conns.Done()
		if c, err := conn.Accept(w, r, nil, takeover()); err == nil {
			echoAll(c)
		}
	}))
	t.Cleanup(func() {
		s.Close()
		conns.Wait()
	})
	u := "wss" + strings.TrimPrefix(s.URL, "https")
	status, out, errs := command(t, "-url", u, "-sessions", "150", "-seed", "9", "-timeout", "20s")
	require.Equal(t, nothingFound, status, "%s%s", out, errs)
	require.Contains(t, out, "0 odd things")
	require.Contains(t, out, " 150 sessions")
	require.NotContains(t, out, "broken")
}

// So is a client, which has to be told not to verify the certificate.
func TestTLSListen(t *testing.T) {
	huntsOurClient(t, "wss://127.0.0.1:0", 100, &tls.Config{InsecureSkipVerify: true})
}
