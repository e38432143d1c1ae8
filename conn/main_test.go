package conn

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain looks for what the tests have left behind: goroutines, and, where the system tells, descriptors.
func TestMain(m *testing.M) {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close() // the runtime has opened its poller now
	}
	fds := descriptors()
	code := m.Run()
	if code == 0 {
		code = leaks(fds)
	}
	os.Exit(code)
}

func leaks(fds int) int {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var left []string
	var open int
	for range 5000 {
		left, open = strays(), descriptors()
		if len(left) == 0 && open <= fds {
			return 0
		}
		<-tick.C
	}
	for _, g := range left {
		fmt.Fprintf(os.Stderr, "left behind: %s\n\n", g)
	}
	fmt.Fprintf(os.Stderr, "descriptors: %d at first, %d at last\n", fds, open)
	return 1
}

// strays returns the goroutines other than this one that run code of this module or of a server of the tests.
func strays() []string {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	var left []string
	for i, g := range bytes.Split(b, []byte("\n\n")) {
		s := string(g)
		if i > 0 && (strings.Contains(s, "idlewire") || strings.Contains(s, "net/http.")) {
			left = append(left, s)
		}
	}
	return left
}

// descriptors returns how many are open, or 0 where the system does not tell.
func descriptors() int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(d)
}
