package golibs

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

const plainLimit = 1 << 20

// TestChecksCanPass: a right server passes every check with every client.
func TestChecksCanPass(t *testing.T) {
	s, err := startPlain("", plainLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for _, lib := range libs {
		t.Run(lib.name, func(t *testing.T) {
			stage{url: s.url, dial: lib.dial, limit: plainLimit}.playAll(t, echoChecks(), nil)
		})
	}
}

// TestChecksCanFail: each fault of a server is found, with every client, by the checks that are there for it.
func TestChecksCanFail(t *testing.T) {
	all := map[string]check{}
	for _, c := range echoChecks() {
		all[c.name] = c
	}
	for _, f := range []struct {
		fault string
		found []string
	}{
		{"flips a bit", []string{"text/1", "binary/126", "fragments/text in 7", "without waiting", "many connections", "broadcast"}},
		{"flips a bit beyond 64 KiB", []string{"binary/1048576", "text/1048576"}},
		{"loses the last octet", []string{"text/1", "binary/65536"}},
		{"loses the hundredth message", []string{"in turn on one connection", "without waiting"}},
		{"swaps messages", []string{"without waiting"}},
		{"answers in the wrong opcode", []string{"text/0", "binary/0"}},
		{"forgets fragments", []string{"fragments/binary in 500", "fragments/text in 7 with a ping between"}},
		{"masks", []string{"binary/1"}},
		{"long lengths", []string{"text/1"}},
		{"no pong", []string{"ping", "ping/50 in a row"}},
		{"empty pong", []string{"ping", "ping/50 in a row"}},
		{"flips a bit of a pong", []string{"ping", "ping/50 in a row"}},
		{"pong after the message", []string{"fragments/text in 7 with a ping between"}},
		{"broadcasts to the others only", []string{"broadcast"}},
		{"broadcasts to all but one", []string{"broadcast"}},
		{"broadcasts everywhere", []string{"broadcast"}},
		{"any subprotocol", []string{"subprotocol offered, none chosen"}},
		{"any extension", []string{"compression offered, declined"}},
		{"any origin", []string{"origin/foreign", "origin/null"}},
		{"prefix of origin", []string{"origin/foreign that begins alike"}},
		{"silent 426", []string{"http/version 8"}},
		{"echoes 1000 for every code", []string{"close/3000 with 12 octets", "close/without a code", "close/inside a fragmented message"}},
		{"closes without Close", []string{"close/1000 with 0 octets", "close/after messages"}},
		{"ignores Close", []string{"close/1000 with 0 octets"}},
		{"never ends TCP", []string{"close/1000 with 3 octets"}},
		{"speaks after Close", []string{"close/1000 with 3 octets"}},
		{"any text", []string{"text that is not UTF-8", "breach/8.1 text ends inside a character", "breach/8.1 impossible octet in a first fragment"}},
		{"no limit", []string{"limit/one more", "limit/one more, in fragments", "limit/eight times"}},
		{"closes on unread octets", []string{"limit/eight times"}},
		{"lenient", breachNames()},
	} {
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			var wg sync.WaitGroup
			for _, lib := range libs {
				wg.Go(func() {
					// A server for each library: in one room, what one library's peers say could stand in for what another's miss.
					s, err := startPlain(f.fault, plainLimit)
					if err != nil {
						t.Error(err)
						return
					}
					defer s.stop()
					for _, name := range f.found {
						c, ok := all[name]
						if !ok {
							t.Errorf("no check is called %q", name)
							continue
						}
						err := stage{url: s.url, dial: lib.dial, limit: plainLimit, patience: 500 * time.Millisecond}.play(c)
						switch {
						case errors.Is(err, errNotOffered):
						case err == nil:
							t.Errorf("%s, %q: the fault was not found", lib.name, name)
						default:
							first, _, _ := strings.Cut(err.Error(), "\n")
							t.Logf("%s, %q: %s", lib.name, name, first)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func breachNames() (names []string) {
	for _, b := range breaches {
		names = append(names, "breach/"+b.name)
	}
	return names
}

// TestShutdownCheckCanFail: the check of the last goodbye passes with a right server and fails with wrong ones.
func TestShutdownCheckCanFail(t *testing.T) {
	for _, f := range []struct {
		fault string
		good  bool
	}{{"", true}, {"leaves without a word", false}, {"leaves with 1000", false}} {
		t.Run(fmt.Sprintf("%q", f.fault), func(t *testing.T) {
			s, err := startPlain(f.fault, plainLimit)
			if err != nil {
				t.Fatal(err)
			}
			defer s.stop()
			if err := goingAway(s.url, s.shutdown); (err == nil) != f.good {
				t.Errorf("the check says %v", err)
			}
		})
	}
}

const ownPromise = "a promise of idlewire; each library has its own"

// notOfServers are the checks that the servers of TestDial do not pass.
var notOfServers = map[string]string{
	"breach": ownPromise, "limit": ownPromise, "origin": ownPromise, "http": ownPromise, "text that is not UTF-8": ownPromise,
	"broadcast":            "the libraries' servers here have no such path",
	"close/after messages": "the libraries answer Close while the program still has messages to answer",
}

// notOfLibraries are the checks that the libraries do not pass among themselves.
var notOfLibraries = with(notOfServers, map[string]string{
	"server/too big": ownPromise, "server/text that is not UTF-8": ownPromise, "handshake/moved": ownPromise,
})

func with(a, b map[string]string) map[string]string {
	a = maps.Clone(a)
	maps.Copy(a, b)
	return a
}

// TestAmongThemselves: the libraries' clients with the libraries' servers. It shows that the servers of TestDial are fit, and what the libraries themselves do not do.
func TestAmongThemselves(t *testing.T) {
	for name, s := range startLibServers(t) {
		for _, lib := range libs {
			t.Run(lib.name+" to "+name, func(t *testing.T) {
				stage{url: s.url, dial: lib.dial, limit: serverLimit, patience: 5 * time.Second}.playAll(t, append(echoChecks(), dialChecks(1<<20)...), notOfLibraries)
			})
		}
	}
}
