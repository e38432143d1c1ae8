package conn

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// naive is what somebody writes who has read nothing: ten lines, no options.
func naive(ln net.Listener) error {
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, nil, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			m, err := c.Read()
			if err != nil || c.Write(m.Op, m.Payload) != nil {
				return
			}
		}
	}))
}

// V84: that program, as a process of its own, lives through hostile input of every kind with 64 MiB of memory, and serves honest clients after as before.
func TestV84NaiveProgram(t *testing.T) {
	if os.Getenv("IDLEWIRE_TEST_NAIVE") != "" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("listening %s\n", ln.Addr())
		t.Fatal(naive(ln))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestV84NaiveProgram$")
	cmd.Env = append(os.Environ(), "IDLEWIRE_TEST_NAIVE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	said := func() string {
		b, _ := os.ReadFile(stderr.Name())
		return string(b)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, _ := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		t.Fatal(line)
	}

	honest := func() {
		t.Helper()
		c, err := Dial(context.Background(), "ws://"+addr, nil)
		if err != nil {
			t.Fatal(err, said())
		}
		defer c.CloseNow()
		for _, n := range []int{0, 125, 70_000} {
			want := strings.Repeat("h", n)
			if err := c.Write(frame.Text, []byte(want)); err != nil {
				t.Fatal(err)
			}
			expectText(t, c, want)
		}
		if err := c.Close(1000, ""); err != nil {
			t.Fatal(err)
		}
	}
	honest()
	p := &peer{TB: t, role: Client}
	for name, attack := range hostile(p) {
		for range 5 {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(name, err, said())
			}
			nc.SetDeadline(time.Now().Add(patience))
			nc.Write(attack)
			nc.(*net.TCPConn).CloseWrite()
			n, _ := io.Copy(io.Discard, nc) // until the server is done with it
			if n > 1<<20 {
				t.Error(name, "was answered with", n, "octets")
			}
			nc.Close()
		}
		honest()
	}
	// Those that never read, never finish, or never begin stay until the end, all at once.
	for _, stream := range [][]byte{
		nil,
		[]byte("GET / HTTP/1.1\r\nHost"),
		[]byte(request()),
		append([]byte(request()), 0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0, 0, 0, 0),
		append([]byte(request()), bytes.Repeat(p.encode(frame.Binary, true, make([]byte, 60_000)), 10)...),
		append([]byte(request()), bytes.Repeat(p.ping("x"), 190)...),
	} {
		for range 20 {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(patience))
			nc.Write(stream)
		}
	}
	honest()
	if peak := peakMemory(cmd.Process.Pid); peak > 64<<20 && !raceBuild {
		t.Errorf("the process took %d MiB", peak>>20)
	} else {
		t.Logf("the process took %d MiB at most", peak>>20)
	}
	if s := said(); s != "" {
		t.Error("it complained:", s)
	}
}

// hostile returns what a peer may send to do harm, the opening handshake included.
func hostile(p *peer) map[string][]byte {
	after := func(frames ...[]byte) []byte { return append([]byte(request()), bytes.Join(frames, nil)...) }
	zero := make([]byte, 4)
	all := map[string][]byte{
		"V01 negative length":   after([]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1}, zero),
		"V10 huge length":       after([]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zero),
		"V10 4 GiB and silence": after([]byte{0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0}, zero),
		"V08 short close":       after([]byte{0x88, 0x81}, zero, []byte{3}),
		"V13 long form":         after([]byte{0x82, 0xfe, 0, 5}, zero, []byte("hello")),
		"V14 endless message":   after(p.encode(frame.Text, false, []byte("a")), bytes.Repeat(p.encode(frame.Continuation, false, []byte("a")), 200_000)),
		"V15 empty fragments":   after(p.encode(frame.Text, false, nil), bytes.Repeat(p.encode(frame.Continuation, false, nil), 200_000)),
		"V17 half a message":    after(p.encode(frame.Binary, true, make([]byte, 1<<20))[:1<<19]),
		"V20 huge ping":         after([]byte{0x89, 0xfe, 0, 0xc8}, zero, make([]byte, 200)),
		"V28 reserved bits":     after([]byte{0xc1, 0x80}, zero),
		"V53 no mask":           after([]byte("\x81\x05hello")),
		"V54 continuation":      after([]byte{0x80, 0x82}, zero, []byte{0xff, 0xfe}),
		"V55 text":              after(p.text("\xff\xfe\xfd")),
		"V56 opcode":            after([]byte{0x83, 0x80}, zero),
		"V61 pings":             after(bytes.Repeat(p.ping(strings.Repeat("x", 125)), 100_000)),
		"V63 close code":        after([]byte{0x88, 0x82}, zero, []byte{0x03, 0xed}),
		"too large":             after(p.encode(frame.Binary, true, make([]byte, 2<<20))),
		"noise":                 after(bytes.Repeat([]byte("\x00\xff\x81\x7f noise"), 10_000)),
		"V32 headers":           []byte(request(strings.Repeat("X-Header: value\r\n", 5000))),
		"V34 one line":          []byte(request("X: ", strings.Repeat("x", 2<<20))),
		"V35 spaces":            []byte(request("Sec-WebSocket-Protocol: b", strings.Repeat(" ", 3000), "x\r\n")),
		"V39 octets":            []byte(request("Sec-WebSocket-Protocol: \xff\xfe\x01\r\n")),
		"V47 two requests":      []byte(strings.Replace(request(), "13", "8", 1) + "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"),
		"V45 origin":            []byte(request("Origin: https://evil.test\r\n")),
		"not HTTP":              bytes.Repeat([]byte{0x16, 3, 1, 2, 0}, 10_000),
		"V12 draft 76":          []byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key1: 1 2\r\n\r\n\x00text\xff"),
	}
	return all
}

// peakMemory returns the most memory that a process has had resident, or 0 where the system does not tell.
func peakMemory(pid int) int64 {
	if runtime.GOOS != "linux" {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if s, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(s)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
