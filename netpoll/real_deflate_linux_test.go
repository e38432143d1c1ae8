package netpoll

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
)

// Jetty 293, 13029, 6974: inflaters, and the last message, stayed with idle connections. Here each of many has had a compressed message of 1 MiB and answered it. The server is
// a process of its own, whose living objects are weighed: 1000 connections, or 10 000 with IDLEWIRE_IDLE set.
func TestV30IdleAfterALongMessage(t *testing.T) {
	if underRace {
		t.Skip("memory is not what it is otherwise")
	}
	n := 1000
	switch {
	case testing.Short():
		n = 100
	case os.Getenv("IDLEWIRE_IDLE") != "":
		n = 10_000
	}
	var files unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &files))
	n = min(n, int(min(files.Cur, 1<<20))-200) // each end is a process
	for _, row := range []struct {
		name, extensions string
		options          *deflate.Options
		each             int // octets of heap for each connection that has had its message, at most
	}{
		{"loop", noTakeover, &deflate.Options{}, 512},
		{"loop takeover 9", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
			&deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true, ServerMaxWindowBits: 9, ClientMaxWindowBits: 9}, 2 << 10},
		{"portable", noTakeover, &deflate.Options{}, 2 << 10}, // and a stack
		{"accept", noTakeover, &deflate.Options{}, 0},         // net/http leaves more: compared with what it was before the message
	} {
		t.Run(strings.ReplaceAll(row.name, " ", "-"), func(t *testing.T) {
			kind, _, _ := strings.Cut(row.name, " ")
			o := conn.Options{Compression: row.options, PingInterval: -1}
			if os.Getenv(childEnv) != "" {
				beWeighed(kind, o)
				os.Exit(0)
			}
			c := born(t, "weighed")
			w := new(deflater)
			w.zeros(mebibyte)
			message := [][]byte{w.end()}
			want := digest(make([]byte, mebibyte))
			offer := row.extensions
			nothing := func(v *victim) {
				v.send(v.compressed([][]byte{{0}}))
				require.Equal(t, digest(nil), v.hear())
			}
			use := func() *victim {
				v := asksServer(t, c.addr, offer)
				nothing(v)
				return v
			}
			speak := func(v *victim) {
				v.send(v.compressed(message))
				require.Equal(t, want, v.hear())
				nothing(v) // a message is the program's until it reads on, which it does when its answer is here, or a little later
			}
			first := use()
			speak(first)
			alone := c.weight(t)
			all := make([]*victim, n)
			for i := range all {
				all[i] = use()
			}
			quiet := c.weight(t)
			for _, v := range all {
				speak(v)
			}
			idle := c.weight(t)
			t.Logf("%d connections: %d octets each, %d of them since the message", n, (idle-alone)/n, (idle-quiet)/n)
			if row.each > 0 {
				require.LessOrEqual(t, (idle-alone)/n, row.each)
			}
			require.Greater(t, (quiet-alone)/n, 50, "it was not weighed")
			require.LessOrEqual(t, (idle-quiet)/n, 2<<10)
			speak(all[n-1]) // they live
		})
	}
}

// beWeighed serves, and writes what its objects weigh for each line that it reads, until there are no more.
func beWeighed(kind string, o conn.Options) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(ln.Addr())
	switch kind {
	case "accept":
		go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := conn.Accept(w, r, nil, &o); err == nil {
				answers(c)
			}
		}))
	default:
		d := Portable
		if kind == "loop" {
			d = Loop
		}
		s := &Server{Driver: d, Options: o, Open: digests}
		go s.Serve(ln)
		defer runtime.KeepAlive(s)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(weigh())
	}
}

// weight is what the child says that its objects weigh.
func (c *child) weight(t *testing.T) int {
	t.Helper()
	_, err := io.WriteString(c.in.(io.Writer), "\n")
	require.NoError(t, err)
	line, err := c.out.ReadString('\n')
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	return n
}
