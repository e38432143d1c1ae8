package golibs

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var drivers = []string{"loop", "portable", "blocking"}

// startEcho starts examples/echo with a driver.
func startEcho(t *testing.T, driver string, flags ...string) *process {
	t.Helper()
	bin, err := buildEcho()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, exec.Command(bin, append([]string{"-addr", "127.0.0.1:0", "-driver", driver}, flags...)...))
}

// TestEcho: every client holds every conversation with examples/echo, with each driver.
func TestEcho(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			p := startEcho(t, driver)
			if len(p.lines) != 1 || !strings.Contains(p.lines[0], "driver="+driver) || !strings.Contains(p.lines[0], "loops=") {
				t.Errorf("it said %q, want one line with address, driver and loops", p.lines)
			}
			for _, c := range everyClient {
				t.Run(c.name, func(t *testing.T) {
					stage{url: p.url, dial: c.dial, limit: 1 << 20}.playAll(t, echoChecks(), nil)
				})
			}
			p.terminate() // whatever the clients did, nothing is left that holds it
			if err := p.wait(15 * time.Second); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		})
	}
}

// TestLimitFlag: -max-message moves the limit.
func TestLimitFlag(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			p := startEcho(t, driver, "-max-message", "70000")
			for _, c := range everyClient {
				t.Run(c.name, func(t *testing.T) {
					stage{url: p.url, dial: c.dial, limit: 70000}.playAll(t, limitChecks(), nil)
				})
			}
		})
	}
}

// TestBroadcastAmongAll: clients of every library in one room.
func TestBroadcastAmongAll(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			url := startEcho(t, driver).url
			err := stage{url: url}.play(check{"broadcast", func(s *stage) error {
				var peers []*peer
				for range 3 {
					for _, c := range everyClient {
						s.dial = c.dial
						p, err := s.open("/broadcast", opts{})
						if err != nil {
							return err
						}
						peers = append(peers, p)
					}
				}
				stranger, err := s.open("/", opts{})
				if err != nil {
					return err
				}
				return broadcast(peers, stranger)
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGoingAway: SIGTERM: all clients see 1001, and the process ends with status 0.
func TestGoingAway(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel() // it waits
			p := startEcho(t, driver)
			if err := goingAway(p.url, p.terminate); err != nil {
				t.Error(err)
			}
			if err := p.wait(15 * time.Second); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		})
	}
}

// TestGoingAwayFromTheDeaf: clients that never answer, or have not even said what they want, do not keep the process from ending.
func TestGoingAwayFromTheDeaf(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel() // it waits
			p := startEcho(t, driver)
			_, host, _ := strings.Cut(p.url, "://")
			for _, said := range []string{
				"",
				"GET / HTTP/1.1\r\nHost: " + host + "\r\nUpgr",
				"GET / HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\x00\x00\x00\x00h",
			} {
				nc, err := net.Dial("tcp", host)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				nc.SetDeadline(time.Now().Add(20 * time.Second))
				if _, err := nc.Write([]byte(said)); err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(said, "h") { // wait until it is in
					if _, err := nc.Read(make([]byte, 1024)); err != nil {
						t.Fatal(err)
					}
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			hearing, err := dialGobwas(ctx, p.url+"/", opts{})
			if err != nil {
				t.Fatal(err)
			}
			defer hearing.drop()
			p.terminate()
			if code, _, err := hearing.waitGoodbye(); err != nil || code != 1001 {
				t.Errorf("the one that hears was told %d, %v", code, err)
			}
			if err := p.wait(20 * time.Second); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		})
	}
}
