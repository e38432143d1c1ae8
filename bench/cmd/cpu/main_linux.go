// Cpu measures the CPU time that servers spend per operation, over a floor: a bare epoll program in C that makes the same reads and writes without
// WebSocket.
//
//	go run ./cmd/cpu -quick
//
// For each row of the table and each round it starts every server in turn, pinned to one core, with the client on another, lets it warm up, and
// reads the CPU time that the system accounts to the process for a span of work. Ratios are taken within a round, and the table gives their medians.
// See bench/README.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/idlewire/idlewire/bench"
	"github.com/idlewire/idlewire/bench/internal/child"
	"github.com/idlewire/idlewire/bench/internal/load"
	"github.com/idlewire/idlewire/bench/internal/server"
)

func init() { runtime.LockOSThread() } // the servers die with the main thread

var (
	rowKeys = flag.String("rows", "all", "rows, separated by commas; all is those without compression, compress those with")
	names   = flag.String("servers", "idlewire,gobwas,gorilla", "servers, separated by commas, or all, or compressing")
	rounds  = flag.Int("rounds", 5, "rounds")
	span    = flag.Duration("span", 2*time.Second, "length of one measurement")
	quick   = flag.Bool("quick", false, "3 rounds of 0.6 s")
	cores   = flag.String("cores", "0,1", "core of the server, core of the client")
	serve   = flag.String("server", "", "be the server of that name (the command starts itself with this)")
	how     = flag.String("mode", "off", "how to compress, as the server")
)

// floorName is the floor's column.
const floorName = "floor"

func main() {
	flag.Usage = usage
	flag.Parse()
	if *serve != "" {
		fail(server.Main(*serve, *how))
		return
	}
	if *quick {
		*rounds, *span = 3, 600*time.Millisecond
	}
	// A result of many minutes is bounded by what was asked for, and each wait within it by load.Patience.
	*rounds, *span = min(max(*rounds, 1), 100), min(max(*span, 10*time.Millisecond), time.Minute)
	rs, err := chooseRows(*rowKeys)
	fail(err)
	kinds, err := server.Choose(*names)
	fail(err)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	dir, err := os.MkdirTemp("", "floor")
	fail(err)
	cleanUp = func() { os.RemoveAll(dir) }
	defer cleanUp()
	go func() {
		<-signals
		cleanUp()
		os.Exit(130) // the server dies with us
	}()
	b, err := newRig(dir)
	fail(err)
	floors := func(r row) bool { return b.floor != "" && !r.deflate.On }

	fmt.Fprint(os.Stderr, child.Busy())
	t := newTable(kinds)
	for _, r := range rs {
		var columns []string
		if floors(r) {
			columns = append(columns, floorName)
		}
		for _, k := range kinds {
			if k.Cannot(r.deflate) == "" {
				columns = append(columns, k.Name)
			}
		}
		for round := range *rounds {
			for i := range columns { // another one goes first in each round
				name := columns[(i+round)%len(columns)]
				progress(fmt.Sprintf("%-16s round %d/%d  %s", r.key, round+1, *rounds, name))
				t.add(r, round, name, b.measure(r, name))
			}
		}
	}
	progress("")
	var plain, compressed []row
	for _, r := range rs {
		if r.deflate.On {
			compressed = append(compressed, r)
		} else {
			plain = append(plain, r)
		}
	}
	if len(plain) > 0 {
		t.print(plain, b.floor != "")
	}
	if len(compressed) > 0 {
		t.printCompressed(compressed)
	}
	if t.failed {
		cleanUp()
		os.Exit(1)
	}
}

// progress says on a terminal what is going on.
func progress(what string) {
	if fi, err := os.Stderr.Stat(); err == nil && fi.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r%-60s\r", what)
	}
}

// A rig is what all measurements share.
type rig struct {
	self   string
	floor  string // the program; empty: there is no C compiler
	server int    // core
}

func newRig(dir string) (*rig, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &rig{self: self}
	if b.floor, err = bench.BuildFloor(dir); err != nil {
		fmt.Fprintf(os.Stderr, "no floor, and so no ratios to it: %v\n", err)
	}
	s, c, _ := strings.Cut(*cores, ",")
	client := 0
	if b.server, err = strconv.Atoi(s); err == nil {
		client, err = strconv.Atoi(c)
	}
	if err != nil {
		return nil, fmt.Errorf("-cores: two numbers, as in 0,1: %w", err)
	}
	if runtime.NumCPU() < 2 {
		b.server, client = 0, 0
		fmt.Fprintln(os.Stderr, "only one core: server and client share it")
	}
	return b, child.Pin(client)
}

// A cost is what one operation costs the server.
type cost struct {
	total, user, system float64 // microseconds
	octets              float64 // sent for each octet of the messages, if they were compressed
	err                 error
}

func (b *rig) measure(r row, name string) cost {
	c, err := b.try(r, name)
	if err != nil {
		return cost{err: err}
	}
	return c
}

func (b *rig) try(r row, name string) (cost, error) {
	var program string
	var args []string
	if name == floorName {
		in, out := r.sizes()
		program, args = b.floor, []string{strconv.Itoa(in), strconv.Itoa(out), r.mode()}
	} else {
		k, err := server.Find(name)
		if err != nil {
			return cost{}, err
		}
		if program, args, err = k.Command(b.self, r.deflate); err != nil {
			return cost{}, err
		}
		r.conns = min(r.conns, k.Room())
	}
	p, err := child.Start(b.server, nil, program, args...)
	if err != nil {
		return cost{}, err
	}
	defer p.Kill()
	cl, err := load.New(p.Addr, r.options(name == floorName))
	if err != nil {
		return cost{}, err
	}
	defer cl.Abandon()
	var members func() (int64, error)
	if name != floorName {
		members = func() (int64, error) {
			var rep server.Report
			err := p.Ask("report", &rep)
			return rep.Members, err
		}
	}
	if err := r.begin(cl, *span/3, members); err != nil {
		return cost{}, err
	}
	warm := cl.Traffic()
	before, err := p.CPU()
	if err != nil {
		return cost{}, err
	}
	n, err := r.run(cl, *span)
	if err != nil {
		return cost{}, err
	}
	after, err := p.CPU()
	if err != nil {
		return cost{}, err
	}
	d := after.Sub(before)
	c := cost{total: d.Total.Seconds() * 1e6 / float64(n), octets: cl.Traffic().Sub(warm).Ratio()}
	// The ticks say how the time divides.
	if ticks := d.User + d.System; ticks > 0 {
		c.user = c.total * float64(d.User) / float64(ticks)
		c.system = c.total - c.user
	}
	return c, nil
}

var cleanUp = func() {}

func fail(err error) {
	if err != nil {
		cleanUp()
		fmt.Fprintln(os.Stderr, "cpu:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintf(os.Stderr, "Cpu measures the CPU time that servers spend per operation. Flags:\n\n")
	flag.PrintDefaults()
	fmt.Fprintf(os.Stderr, "\nServers:\n\n%s\nRows:\n\n", server.List())
	for _, r := range rows {
		fmt.Fprintf(os.Stderr, "  %-16s %s\n", r.key, r.text)
	}
	fmt.Fprint(os.Stderr, `
The floor is a C program, compiled with $CC, cc or gcc when there is one, that makes the reads and writes of the row without WebSocket. Ratios are the
median, over the rounds, of a server's CPU time per operation divided by the floor's in the same round. A server that needs two descriptors for a
connection gets as many connections as it can hold. The exit status is 1 if a server failed.

Rows with compression have no floor. Their messages are JSON, compressed beforehand; every reply is inflated, on the client's core, and compared. Ratios
are to uWebSockets, which has to be installed (cd node/uws && npm ci --ignore-scripts), or to gws. "all" is every server on this machine, "compressing"
every one that can compress. Those on Node need node and npm.
`)
}
