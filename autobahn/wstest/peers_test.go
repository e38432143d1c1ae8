package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/idlewire/idlewire/conn"
)

// curtServer returns the URL of a server that opens connections and drops them.
func curtServer(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := conn.Accept(w, r, nil, nil); err == nil {
			c.CloseNow()
		}
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1)
}

// countingServer returns the URL of an echo server that counts its connections.
func countingServer(t *testing.T, n *atomic.Int32) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		if c, err := conn.Accept(w, r, nil, nil); err == nil {
			defer c.CloseNow()
			echoAll(c)
		}
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1)
}
