package handshake

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain looks for goroutines that the tests have left behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = strays()
	}
	os.Exit(code)
}

// strays waits until no goroutine but this one runs code of this module or of an HTTP server.
func strays() int {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var left []string
	for range 5000 {
		left = left[:0]
		b := make([]byte, 1<<20)
		b = b[:runtime.Stack(b, true)]
		for _, g := range bytes.Split(b, []byte("\n\n"))[1:] {
			if s := string(g); strings.Contains(s, "idlewire") || strings.Contains(s, "net/http.") {
				left = append(left, s)
			}
		}
		if len(left) == 0 {
			return 0
		}
		<-tick.C
	}
	fmt.Fprintf(os.Stderr, "left behind:\n%s\n", strings.Join(left, "\n\n"))
	return 1
}
