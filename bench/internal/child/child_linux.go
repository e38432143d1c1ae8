// Package child starts the server under test as a process of its own, on a core of its own, and reads what the system has accounted to it.
package child

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Process is a running server.
type Process struct {
	Addr string // where it listens
	PID  int

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Start runs the command on one core, or on all of them if cpu is negative, and waits for the line that tells its address. The process dies with this one: the
// calling goroutine must be locked to the main thread, for it is the thread's death that the system watches for.
func Start(cpu int, env []string, name string, args ...string) (*Process, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(cpu, cmd); err != nil {
		return nil, err
	}
	p := &Process{PID: cmd.Process.Pid, cmd: cmd, in: in, out: bufio.NewReader(out)}
	line, err := p.line(10 * time.Second)
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s: no address: %w", name, err)
	}
	p.Addr = strings.TrimSpace(line)
	return p, nil
}

// startOn starts cmd with the affinity of one core. A child inherits it from the thread that forks, and the Go runtime, which looks at it when
// it starts, sets GOMAXPROCS to 1.
func startOn(cpu int, cmd *exec.Cmd) error {
	if cpu < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return os.NewSyscallError("sched_setaffinity", err)
	}
	defer unix.SchedSetaffinity(0, &old)
	return cmd.Start()
}

// Pin puts all threads of this process on one core.
func Pin(cpu int) error {
	var only unix.CPUSet
	only.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		tid, _ := strconv.Atoi(t.Name())
		if err := unix.SchedSetaffinity(tid, &only); err != nil && err != unix.ESRCH {
			return os.NewSyscallError("sched_setaffinity", err)
		}
	}
	return nil
}

// Busy returns a warning if others are at work on the machine, whose caches and cores the figures would share; else nothing.
func Busy() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	one, _, _ := strings.Cut(string(b), " ")
	if load, _ := strconv.ParseFloat(one, 64); load < 0.5 {
		return ""
	}
	return "the machine is not quiet (load " + one + "): compare within this run only, and distrust small differences\n"
}

// Ask sends one line and decodes the line of JSON that comes back into v.
func (p *Process) Ask(question string, v any) error {
	if _, err := io.WriteString(p.in, question+"\n"); err != nil {
		return err
	}
	line, err := p.line(30 * time.Second)
	if err != nil {
		return fmt.Errorf("asking the server for %q: %w", question, err)
	}
	return json.Unmarshal([]byte(line), v)
}

func (p *Process) line(limit time.Duration) (string, error) {
	type answer struct {
		line string
		err  error
	}
	ch := make(chan answer, 1)
	go func() {
		line, err := p.out.ReadString('\n')
		ch <- answer{line, err}
	}()
	select {
	case a := <-ch:
		return a.line, a.err
	case <-time.After(limit):
		p.Kill() // which ends the goroutine too
		return "", os.ErrDeadlineExceeded
	}
}

// Kill ends the process and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// CPU is time that the system has accounted to a process.
type CPU struct {
	Total        time.Duration // exact
	User, System time.Duration // in clock ticks of 10 ms, as /proc tells them
}

// Sub returns c - d.
func (c CPU) Sub(d CPU) CPU { return CPU{c.Total - d.Total, c.User - d.User, c.System - d.System} }

// CPU returns the time that all threads of the process, those that have ended included, have spent so far.
func (p *Process) CPU() (CPU, error) {
	// The clock of another process: clock_getcpuclockid(3) makes its number like this.
	clock := int32(^p.PID<<3 | 2)
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return CPU{}, os.NewSyscallError("clock_gettime", err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return CPU{}, err
	}
	// The second field is the name, in parentheses; utime and stime are the 14th and 15th, in ticks.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 13 {
		return CPU{}, fmt.Errorf("/proc/%d/stat: %d fields", p.PID, len(f))
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all systems that Go runs on
	return CPU{time.Duration(ts.Nano()), time.Duration(user) * tick, time.Duration(system) * tick}, nil
}

// Anonymous returns the process's resident memory that is no file's, in octets: heap, stacks and what the runtime keeps.
func (p *Process) Anonymous() (int, error) {
	n, err := p.field("smaps_rollup", "Anonymous:")
	return n << 10, err
}

// Threads returns the number of threads.
func (p *Process) Threads() (int, error) { return p.field("status", "Threads:") }

// Descriptors returns the number of open descriptors.
func (p *Process) Descriptors() (int, error) {
	d, err := os.Open(fmt.Sprintf("/proc/%d/fd", p.PID))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	return len(names), err
}

func (p *Process) field(file, name string) (int, error) {
	path := fmt.Sprintf("/proc/%d/%s", p.PID, file)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("%s: no field %s", path, name)
}
