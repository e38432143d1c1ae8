package golibs

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// nodeDir is where the programs for Node are, with their package.json.
var nodeDir = filepath.Join("..", "node")

// needNode returns the path of node. Without node, or without what `npm ci` installs, the test fails; INTEROP_WITHOUT_NODE=1 allows their absence.
func needNode(t *testing.T) string {
	t.Helper()
	missing := t.Fatalf
	if os.Getenv("INTEROP_WITHOUT_NODE") == "1" {
		missing = t.Skipf
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing("Node is missing, and INTEROP_WITHOUT_NODE=1 is not set: %v", err)
	}
	pkg, err := os.ReadFile(filepath.Join(nodeDir, "node_modules", "ws", "package.json"))
	if err != nil {
		missing("run `npm ci` in interop/node: %v", err)
	}
	want, err := os.ReadFile(filepath.Join(nodeDir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	has := regexp.MustCompile(`"version": "([^"]+)"`).FindSubmatch(pkg)
	pinned := regexp.MustCompile(`"ws": "([^"]+)"`).FindSubmatch(want)
	if has == nil || pinned == nil || string(has[1]) != string(pinned[1]) {
		t.Fatalf("ws %s is installed, %s is pinned: run `npm ci` in interop/node", has, pinned)
	}
	return node
}

// nodeClient runs client.js to its end, calling onLine with each line that it prints.
func nodeClient(t *testing.T, onLine func(string), args ...string) error {
	t.Helper()
	node := needNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{"client.js"}, args...)...)
	cmd.Dir = nodeDir
	notOrphaned(cmd)
	return eachLine(cmd, onLine)
}

// TestNodeClient: ws as a client holds the same conversations with examples/echo, with each driver.
func TestNodeClient(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			needNode(t)
			playNode(t, startEcho(t, driver).url, "1048576")
		})
	}
	t.Run("limit of 70000", func(t *testing.T) {
		needNode(t)
		playNode(t, startEcho(t, "loop", "-max-message", "70000").url, "70000")
	})
}

// playNode makes a subtest of each line of client.js.
func playNode(t *testing.T, url, limit string) {
	t.Helper()
	checks, summed := 0, false
	err := nodeClient(t, func(line string) {
		switch verdict, name, _ := strings.Cut(line, "ok "); {
		case strings.HasSuffix(line, " checks"):
			summed = true
		case verdict == "":
			checks++
			t.Run(name, func(*testing.T) {})
		case verdict == "not ":
			checks++
			name, why, _ := strings.Cut(name, ": ")
			t.Run(name, func(t *testing.T) { t.Error(why) })
		default:
			t.Errorf("client.js printed %q", line)
		}
	}, url, "table", limit)
	if err != nil && !t.Failed() {
		t.Errorf("client.js: %v", err)
	}
	if !summed || checks < 50 {
		t.Errorf("client.js made %d checks and then ended early", checks)
	}
}

// TestNodeGoingAway: SIGTERM: ws sees 1001.
func TestNodeGoingAway(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			needNode(t)
			p := startEcho(t, driver)
			said := ""
			err := nodeClient(t, func(line string) {
				if said += line + "\n"; line == "open" {
					p.terminate()
				}
			}, p.url, "goodbye")
			if err != nil || said != "open\nok goodbye\n" {
				t.Errorf("client.js: %v, it printed %q", err, said)
			}
			if err := p.wait(15 * time.Second); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
		})
	}
}

// TestNodeChecksCanFail: client.js passes a right server and finds each fault of a wrong one.
func TestNodeChecksCanFail(t *testing.T) {
	t.Setenv("INTEROP_PATIENCE_MS", "3000")
	for fault, found := range map[string]string{
		"":                            "",
		"flips a bit":                 "text/126",
		"loses the last octet":        "binary/1",
		"answers in the wrong opcode": "text/0",
		"masks":                       "binary/1",
		"empty pong":                  "ping",
		"pong after the message":      "fragments/text in 7 with a ping between",
		"swaps messages":              "without waiting",
		"echoes 1000 for every code":  "close/4999 with 123 octets",
		"closes without Close":        "close/1000 with 3 octets",
		"any origin":                  "origin/foreign",
		"silent 426":                  "protocol version 8",
		"any extension":               "compression offered, declined",
		"broadcasts to all but one":   "broadcast",
		"broadcasts everywhere":       "broadcast",
		"any text":                    "text that is not UTF-8",
		"no limit":                    "limit/one more, in fragments",
	} {
		t.Run(fault, func(t *testing.T) {
			needNode(t)
			s, err := startPlain(fault, plainLimit)
			if err != nil {
				t.Fatal(err)
			}
			defer s.stop()
			failed := map[string]string{}
			nodeClient(t, func(line string) {
				if rest, ok := strings.CutPrefix(line, "not ok "); ok {
					name, why, _ := strings.Cut(rest, ": ")
					failed[name] = why
				}
			}, s.url, "table", "1048576", found)
			if _, ok := failed[found]; found != "" && !ok {
				t.Errorf("the fault was not found by %q", found)
			}
			if found == "" && len(failed) > 0 {
				t.Errorf("a right server fails: %v", failed)
			}
		})
	}
}
