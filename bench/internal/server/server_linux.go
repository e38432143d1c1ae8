// Package server holds the servers that are compared. All do the same, each in the way its library is meant to be used and with the care that
// its users would take (pooled buffers, one system call per message where the library can): any path echoes, and on /broadcast every message
// goes to every connection on that path, encoded once where the library can.
package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/idlewire/idlewire/bench/internal/mode"
)

// A Kind is a way to serve.
type Kind struct {
	Name string
	Text string

	// Descriptors is how many a connection costs.
	Descriptors int

	// Deflate says how the kind compresses: by what, and how hard. Empty: it does not.
	Deflate string

	// serve serves ln, compressing as m says, until the process ends. It may set counts to a function that tells what the server counts; what that
	// returns must have come back to zero when all connections have ended.
	serve func(ln net.Listener, m mode.Mode, counts *func() any) error

	// cannot returns why the kind cannot compress as m says; nil: it can.
	cannot func(m mode.Mode) string

	// level is that of compression, if it is not the default. Such a kind is there for the tables of compression only.
	level int

	// node is the folder of a server that is no Go program; see node_linux.go.
	node string
}

// Kinds are all servers, in the order of the tables.
var Kinds = []Kind{
	{Name: "idlewire", Text: "netpoll.Server, event loop", serve: serveLoop, Deflate: "deflate, level 1"},
	{Name: "idlewire-level6", Text: "idlewire, and what it compresses with level 6", serve: serveHarder, Deflate: "deflate, level 6", level: harder},
	{Name: "idlewire-portable", Text: "netpoll.Server, portable driver: a goroutine per connection", serve: servePortable, Deflate: "deflate, level 1"},
	{Name: "idlewire-blocking", Text: "conn.Accept on net/http: a goroutine per connection", serve: serveBlocking, Deflate: "deflate, level 1"},
	{Name: "gobwas", Text: "gobwas/ws v1.4.0, a goroutine per connection", serve: serveGobwas},
	{Name: "gorilla", Text: "gorilla/websocket v1.5.3 on net/http", serve: serveGorilla, Deflate: "compress/flate, level 1", cannot: noTakeover},
	{Name: "easygo", Text: "gobwas/ws v1.4.0 on mailru/easygo netpoll and a pool of goroutines: the published million-connection design", Descriptors: 2,
		serve: serveEasygo},
	{Name: "coder", Text: "coder/websocket v1.8.15 on net/http", serve: serveCoder, Deflate: "compress/flate, level 1", cannot: noBits},
	{Name: "nbio", Text: "lesismal/nbio v1.5.12, event loop", serve: serveNbio, Deflate: "compress/flate, level 1", cannot: noTakeover},
	{Name: "gws", Text: "lxzan/gws v1.8.9 on net/http", serve: serveGws, Deflate: "klauspost/compress/flate, level 1"},
	{Name: "ws", Text: "Node's ws 8.23.0", node: "ws", Deflate: "Node's zlib, level 6"},
	{Name: "uws", Text: "uWebSockets.js, of npm's uwebsockets 3.0.6; only where it has been installed (cd node/uws && npm ci)", node: "uws",
		Deflate: "Node's zlib, level 6", cannot: uwsBits},
}

func init() {
	for i := range Kinds {
		if Kinds[i].Descriptors == 0 {
			Kinds[i].Descriptors = 1
		}
	}
}

// Cannot returns why the kind cannot compress as m says; empty: it can.
func (k Kind) Cannot(m mode.Mode) string {
	switch {
	case !m.On:
		return ""
	case k.Deflate == "":
		return "does not compress"
	case k.cannot == nil:
		return ""
	}
	return k.cannot(m)
}

func noTakeover(m mode.Mode) string {
	if m.Takeover {
		return "no context takeover"
	}
	return ""
}

func noBits(m mode.Mode) string {
	if m.Bits != mode.MaxBits {
		return "no window but of 15 bits"
	}
	return ""
}

func uwsBits(m mode.Mode) string {
	if m.Bits != 9 && m.Bits != 12 && m.Bits != mode.MaxBits {
		return "not every window has a compressor and a decompressor"
	}
	return ""
}

// Command returns the command line of the server process; self is the program that calls Main when it finds the flags -server and -mode.
func (k Kind) Command(self string, m mode.Mode) (name string, args []string, err error) {
	if why := k.Cannot(m); why != "" {
		return "", nil, fmt.Errorf("%s cannot: %s", k.Name, why)
	}
	if k.node != "" {
		return k.nodeCommand(m)
	}
	return self, []string{"-server", k.Name, "-mode", m.String()}, nil
}

// Find returns the kind of that name.
func Find(name string) (Kind, error) {
	if i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return Kinds[i], nil
	}
	return Kind{}, fmt.Errorf("no server is called %q; -h lists them", name)
}

// Room returns how many connections the server, and its client, can hold within the limit of open files.
func (k Kind) Room() int {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 1000
	}
	const others = 100 // descriptors that are no connections
	return int(min(lim.Cur, 1<<24)-others) / k.Descriptors
}

// Choose returns the kinds of a list of names separated by commas. Of those that there are on this machine "all" is every one, and "compressing" every
// one that can.
func Choose(list string) ([]Kind, error) {
	switch list {
	case "all":
		return slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return k.Missing() != nil || k.level != 0 }), nil
	case "compressing":
		return slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return k.Missing() != nil || k.Deflate == "" }), nil
	}
	var ks []Kind
	for name := range strings.SplitSeq(list, ",") {
		k, err := Find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		ks = append(ks, k)
	}
	return ks, nil
}

// List describes all kinds, a line each.
func List() string {
	var b strings.Builder
	for _, k := range Kinds {
		fmt.Fprintf(&b, "  %-18s %s", k.Name, k.Text)
		if k.Deflate != "" {
			fmt.Fprintf(&b, " (%s)", k.Deflate)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A Report is what a server says of itself.
type Report struct {
	Goroutines int
	Members    int64  // connections in the broadcast room
	HeapAlloc  uint64 // octets of live objects, and of dead ones not collected yet
	GCs        uint32
	Counts     json.RawMessage // Server.Stats, for those that have it
}

// Main is the server process: it listens, prints its address, and answers the questions that come on standard input, until that ends.
//
//	report   a Report
//	collect  a Report, after runtime.GC and debug.FreeOSMemory
//
// It calls the collector at no other time: GOGC and its own pace decide.
func Main(name, how string) error {
	k, err := Find(name)
	if err != nil {
		return err
	}
	m, err := mode.Parse(how)
	if err != nil {
		return err
	}
	if k.serve == nil {
		return fmt.Errorf("%s is no Go program", name)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counts := func() any { return nil }
	go func() {
		err := k.serve(ln, m, &counts)
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}()
	fmt.Println(ln.Addr())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "collect" {
			runtime.GC()
			debug.FreeOSMemory()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b, err := json.Marshal(counts())
		if err != nil {
			return err
		}
		b, err = json.Marshal(Report{runtime.NumGoroutine(), members.Load(), m.HeapAlloc, m.NumGC, b})
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", b)
	}
	return lines.Err()
}

const broadcastPath = "/broadcast"

// A room holds the connections of the broadcast path, in the order in which they were opened.
type room[T comparable] struct {
	mu      sync.Mutex // guards members
	members []T
}

// members counts those of all rooms: a client may see its connection upgraded before the server has it in the room.
var members atomic.Int64

func (r *room[T]) enter(c T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = append(r.members, c)
	members.Add(1)
}

func (r *room[T]) leave(c T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.members, c); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
		members.Add(-1)
	}
}

func (r *room[T]) each(f func(T)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.members {
		f(c)
	}
}
