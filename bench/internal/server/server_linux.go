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
)

// A Kind is a way to serve.
type Kind struct {
	Name string
	Text string

	// Descriptors is how many a connection costs.
	Descriptors int

	// serve serves ln until the process ends. It may set counts to a function that tells what the server counts; what that returns must
	// have come back to zero when all connections have ended.
	serve func(ln net.Listener, counts *func() any) error
}

// Kinds are all servers, in the order of the tables.
var Kinds = []Kind{
	{"idlewire", "netpoll.Server, event loop", 1, serveLoop},
	{"idlewire-portable", "netpoll.Server, portable driver: a goroutine per connection", 1, servePortable},
	{"idlewire-blocking", "conn.Accept on net/http: a goroutine per connection", 1, serveBlocking},
	{"gobwas", "gobwas/ws v1.4.0, a goroutine per connection", 1, serveGobwas},
	{"gorilla", "gorilla/websocket v1.5.3 on net/http", 1, serveGorilla},
	{"easygo", "gobwas/ws v1.4.0 on mailru/easygo netpoll and a pool of goroutines: the published million-connection design", 2, serveEasygo},
	{"coder", "coder/websocket v1.8.15 on net/http", 1, serveCoder},
	{"nbio", "lesismal/nbio v1.5.12, event loop", 1, serveNbio},
	{"gws", "lxzan/gws v1.8.9 on net/http", 1, serveGws},
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

// Choose returns the kinds of a list of names separated by commas; "all" is every one.
func Choose(list string) ([]Kind, error) {
	if list == "all" {
		return Kinds, nil
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
		fmt.Fprintf(&b, "  %-18s %s\n", k.Name, k.Text)
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
func Main(name string) error {
	k, err := Find(name)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counts := func() any { return nil }
	go func() {
		err := k.serve(ln, &counts)
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
