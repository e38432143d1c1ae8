package conn

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/idlewire/idlewire/frame"
)

// A connection that is idle costs what a Protocol is, and a million of them a million times that: whoever makes it larger, or makes
// incoming larger, changes these numbers and says why.
func TestSizes(t *testing.T) {
	if raceBuild {
		t.Skip("built with race, a Protocol knows what it has lent")
	}
	word := int(unsafe.Sizeof(uintptr(0)))
	// Role, ended, breach and sent in one word; Options and in in one each; Compressor in two.
	if n := int(unsafe.Sizeof(Protocol{})); n != 5*word {
		t.Errorf("a Protocol is %d bytes, not %d", n, 5*word)
	}
	if n := int(unsafe.Sizeof(incoming{})); n > 224 { // the next size class of the allocator is 240
		t.Errorf("an incoming is %d bytes, more than 224", n)
	}
	// What makes Buffered keep its promise; see slack.
	if n := 2*slack + int(unsafe.Sizeof(incoming{})); n > 4096 {
		t.Errorf("%d bytes beside twice the bytes received, more than 4 KiB", n)
	}
}

// The machine asks for nothing: no clock, lock, log, goroutine or socket. What it imports says so, and that it says go nowhere.
func TestTheMachineImportsNothing(t *testing.T) {
	for _, file := range []string{"protocol.go", "receive.go", "send.go", "message.go", "prepared.go", "deflate.go"} {
		for _, path := range imports(t, file) {
			if path != "github.com/idlewire/idlewire/frame" {
				t.Errorf("%s imports %s", file, path)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if strings.Contains(code, "go func") || strings.Contains(code, "chan ") || strings.Contains(code, "select {") {
				t.Errorf("%s:%d: %s", file, i+1, line)
			}
			// V06: what the peer says of a length is compared, and nothing added to it or multiplied, until check has let it through.
			if strings.Contains(code, "Length") && strings.ContainsAny(code, "+*<") && !strings.Contains(code, "<= int64(len(b))") &&
				strings.TrimSpace(code) != "in.total += h.Length" && !strings.Contains(code, "*incoming") {
				t.Errorf("%s:%d: arithmetic with a length: %s", file, i+1, line)
			}
		}
	}
}

func TestTheMachineDependsOnStdAndTheBytesOnly(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not here")
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		switch strings.TrimPrefix(path, "github.com/idlewire/idlewire/") {
		case "conn", "frame", "handshake":
		default:
			t.Errorf("conn depends on %s", path)
		}
	}
}

// V65: masking keys, and whatever else may be random here, must not be predictable.
func TestV65NoMathRand(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		if path := imports(t, file); slices.Contains(path, "math/rand") || slices.Contains(path, "math/rand/v2") {
			t.Errorf("%s imports math/rand", file)
		}
	}
}

func imports(t *testing.T, file string) (paths []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// One goroutine receives while another sends, on the same Protocols; the race detector looks on.
func TestTheHalvesShareNothing(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		t.Run(role.String(), func(t *testing.T) {
			o := &Options{MaxMessage: 1 << 20}
			p := &Protocol{Role: role, Options: o}
			peer := &Protocol{Role: Client - role, Options: o}
			var b []byte
			var want int
			for i := range 500 {
				var err error
				if b, err = peer.AppendFragment(b, frame.Text, false, []byte("Hello, ")); err == nil {
					b, err = peer.AppendPing(b, []byte(strconv.Itoa(i)))
				}
				if err == nil {
					b, err = peer.AppendFragment(b, frame.Continuation, true, bytes.Repeat([]byte("x"), i*10))
				}
				if err != nil {
					t.Fatal(err)
				}
				want += 2
			}
			b, _ = peer.AppendClose(b, frame.CloseNormal, "")
			want++

			sender := make(chan Message, 16)
			done := make(chan []byte)
			go func() { // the sending half
				var out []byte
				for m := range sender {
					if out = p.AppendReply(out, m); !p.CloseSent() {
						out, _ = p.AppendMessage(out, frame.Text, []byte("meanwhile"))
						out, _ = p.AppendFragment(out, frame.Binary, true, nil)
						out, _ = p.AppendPing(out, nil)
					}
				}
				done <- out
			}()
			got := 0
			for _, chunk := range chop(rand.New(rand.NewPCG(1, 1)), b) { // the receiving half
				for {
					m, rest, err := p.Receive(chunk)
					if err != nil {
						t.Error(err)
					}
					if m.Op == 0 {
						break
					}
					got++
					p.Buffered()
					p.CloseReceived()
					sender <- Message{Op: m.Op, Payload: bytes.Clone(m.Payload)}
					chunk = rest
				}
			}
			close(sender)
			p.Release()
			if out := <-done; got != want || !p.CloseSent() || len(out) == 0 {
				t.Errorf("%d messages, want %d; close sent %v", got, want, p.CloseSent())
			}
		})
	}
}

// Release may come at any byte. After it nothing is held, bytes are discarded, what was lent stays, and errors stay.
func TestRelease(t *testing.T) {
	for _, s := range sessions {
		b := wire(s.wire)
		for cut := range min(len(b), 100) {
			p := Protocol{Role: s.role}
			o := play(t, &p, mixed, b[:cut])
			p.Release()
			p.Release()
			if p.Buffered() != 0 {
				t.Fatalf("%s: %d bytes held", s.name, p.Buffered())
			}
			for _, receive := range []func([]byte) (Message, []byte, error){p.Receive, p.ReceivePart} {
				if m, rest, err := receive(bytes.Clone(b[cut:])); m.Op != 0 || rest != nil || err != o.err {
					t.Fatalf("%s: %v, %d bytes, %v after Release", s.name, m, len(rest), err)
				}
			}
		}
	}
}

// What Receive has lent is the caller's for ever if the machine is released, or told to keep the loan.
func TestTheLoanCanBeKept(t *testing.T) {
	for _, s := range []struct{ name, begin, end, more, want string }{
		{"message in b", "", "82 05 'Hello'", "82 01 'x'", "Hello"},
		{"message in a buffer", "02 03 'Hel'", "80 02 'lo'", "82 01 'x'", "Hello"},
		{"control payload", "89 05 'Hel'", "'lo'", "89 03 'xyz'", "Hello"},
		{"control payload in a message", "02 01 'x' 89 05 'Hel'", "'lo'", "00 05 'xyzuv' 80 01 'w'", "Hello"},
	} {
		for _, release := range []bool{false, true} {
			t.Run(fmt.Sprint(s.name, release), func(t *testing.T) {
				p := Protocol{Role: Client}
				play(t, &p, whole, wire(s.begin))
				m, rest, err := p.Receive(wire(s.end))
				if err != nil || string(m.Payload) != s.want {
					t.Fatal(m, err)
				}
				if release {
					p.Release()
				} else {
					p.keepLoan()
				}
				for range 3 { // others take from the same pools
					var other Protocol
					other.Role = Client
					play(t, &other, whole, wire("02 03 'xyz'"), wire("80 05 'uvwxy'"), wire("89 05 'x'"), wire("'yzuv'"))
				}
				o := outcome{}
				if !release {
					o = play(t, &p, whole, rest, wire(s.more))
				}
				if string(m.Payload) != s.want {
					t.Errorf("the payload has become %q", m.Payload)
				}
				if !release && (len(o.msgs) != 1 || o.err != nil) {
					t.Errorf("then %v", o)
				}
			})
		}
	}
}

func TestRole(t *testing.T) {
	if Server.String() != "server" || Client.String() != "client" {
		t.Error(Server, Client)
	}
}
