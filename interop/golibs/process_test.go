package golibs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is where the programs under test are built, once.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "idlewire-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// buildEcho builds examples/echo as a user would, in the root of the module. INTEROP_RACE=1 builds it with the race detector.
var buildEcho = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(built, "echo")
	args := []string{"build", "-o", bin}
	if os.Getenv("INTEROP_RACE") == "1" {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./examples/echo")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./examples/echo: %w\n%s", err, out)
	}
	return bin, nil
})

// A process is a program that prints one line with its URL and then serves.
type process struct {
	url   string
	lines []string // what it printed before and with the URL

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended
	mu   sync.Mutex    // guards log
	log  bytes.Buffer  // all that it printed
}

var urlInLine = regexp.MustCompile(`wss?://[^\s/]+:\d+`)

// start starts a program and waits until it has printed its URL. The process ends with the test, by its own pid.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	name := filepath.Base(cmd.Path) + " " + strings.Join(cmd.Args[1:], " ")
	p, err := launch(cmd)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill() // if it has not ended already
		<-p.done
		if t.Failed() {
			t.Logf("%s printed:\n%s", name, p.printed())
		}
	})
	return p
}

func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	if _, err := cmd.StdinPipe(); err != nil { // its end tells a program that the tests are gone
		return nil, err
	}
	ready := make(chan string, 1)
	go func() {
		p.err = eachLine(cmd, func(line string) {
			p.mu.Lock()
			fmt.Fprintln(&p.log, line)
			p.mu.Unlock()
			if u := urlInLine.FindString(line); u != "" {
				select {
				case ready <- u:
				default:
				}
			}
		})
		close(p.done)
	}()
	var err error
	select {
	case p.url = <-ready:
		p.lines = strings.Split(strings.TrimSpace(p.printed()), "\n")
		return p, nil
	case <-p.done:
		err = fmt.Errorf("ended before it said where it listens: %w", errors.Join(p.err, errors.New(p.printed())))
	case <-time.After(20 * time.Second):
		err = errors.New("has not said where it listens")
	}
	if cmd.Process != nil {
		cmd.Process.Kill()
	}
	<-p.done
	return nil, err
}

// eachLine runs cmd to its end and calls f with each line that it prints.
func eachLine(cmd *exec.Cmd, f func(string)) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	notOrphaned(cmd)
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		f(in.Text())
	}
	return cmd.Wait()
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// terminate sends SIGTERM.
func (p *process) terminate() { p.cmd.Process.Signal(syscall.SIGTERM) }

// wait waits for the end and returns how it ended.
func (p *process) wait(d time.Duration) error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(d):
		return fmt.Errorf("the process has not ended within %v", d)
	}
}
