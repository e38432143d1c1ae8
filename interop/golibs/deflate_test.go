package golibs

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/handshake"
)

// clientTalks are the conversations of Go clients with our servers.
func clientTalks() []talk {
	all := []talk{
		{client: "gorilla", want: none, long: true},
		{client: "gorilla", clientKnobs: "level=9", serverKnobs: both, want: none},
		{client: "gorilla", serverKnobs: both + " server_bits=9 client_bits=9", want: sorted(none + "; server_max_window_bits=9")},

		{client: "coder", clientKnobs: both, want: none},
		{client: "coder", clientKnobs: both, serverKnobs: both, long: true},
		{client: "coder", clientKnobs: both, serverKnobs: "server_takeover", want: "client_no_context_takeover"},
		{client: "coder", clientKnobs: both + " threshold=1", serverKnobs: "client_takeover level=9", want: "server_no_context_takeover"},
		{client: "coder", serverKnobs: both, want: none},

		{client: "gws", clientKnobs: both, serverKnobs: both, long: true},
		{client: "gws", clientKnobs: both, want: none},
		{client: "gws", clientKnobs: "server_takeover", serverKnobs: both, want: "client_no_context_takeover"},
		{client: "gws", clientKnobs: "client_takeover", serverKnobs: both + " level=6", want: "server_no_context_takeover"},
		{client: "gws", clientKnobs: "level=9", serverKnobs: both, want: none},
		{client: "gws", clientKnobs: both, serverKnobs: both + " server_bits=9 client_bits=15", want: "server_max_window_bits=9"},
		{client: "gws", clientKnobs: both + " client_bits=9", serverKnobs: both + " client_bits=12", want: "client_max_window_bits=9"},

		{client: "gobwas", serverKnobs: both, want: none, long: true},
		{client: "gobwas", clientKnobs: both, serverKnobs: both + " client_bits=12", want: "client_no_context_takeover"}, // it cannot be limited
		{client: "gobwas", clientKnobs: both + " server_bits=15 client_window", serverKnobs: both, want: "server_max_window_bits=15"},
		{client: "gobwas", clientKnobs: both + " client_bits=8", serverKnobs: both + " server_bits=8", want: "client_max_window_bits=8; server_max_window_bits=8"},
	}
	for bits := 9; bits <= 14; bits++ {
		in := fmt.Sprintf("client_max_window_bits=%d; server_max_window_bits=%d", bits, bits)
		knobs := fmt.Sprintf("%s server_bits=%d client_bits=%d", both, bits, bits)
		all = append(all,
			talk{client: "gws", clientKnobs: knobs, serverKnobs: both, want: in},
			talk{client: "gobwas", clientKnobs: both + " client_window", serverKnobs: knobs, want: in},
			talk{client: "gobwas", clientKnobs: knobs, serverKnobs: both + " level=9", want: in},
			talk{client: "gobwas", clientKnobs: strings.TrimPrefix(knobs, both), serverKnobs: "", want: sorted(in + "; " + none)})
	}
	return all
}

// thinned leaves every third, with the race detector, which makes all of it many times slower.
func thinned(all []talk) (some []talk) {
	if os.Getenv("INTEROP_RACE") != "1" {
		return all
	}
	for i := 0; i < len(all); i += 3 {
		all[i].long = all[i].long && i == 0
		some = append(some, all[i])
	}
	return some
}

// sorted puts parameters in order.
func sorted(params string) string {
	all := strings.Split(params, "; ")
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// TestDeflateServer: clients of all Go libraries, and our own, with our servers.
func TestDeflateServer(t *testing.T) {
	libs := maps.Clone(deflateLibs)
	libs["idlewire"] = ourLib
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			ours := ourServers{t: t}
			for _, k := range thinned(append(clientTalks(),
				talk{client: "idlewire", want: none},
				talk{client: "idlewire", clientKnobs: both, serverKnobs: both, long: true},
				talk{client: "idlewire", clientKnobs: both + " server_bits=9", serverKnobs: both + " client_bits=10", want: "client_max_window_bits=10; server_max_window_bits=9"},
				talk{client: "idlewire", clientKnobs: both + " level=9 threshold=-1", serverKnobs: both + " level=9 threshold=-1"},
			)) {
				k.server = "idlewire"
				t.Run(k.name(), func(t *testing.T) {
					t.Parallel()
					k.hold(t, libs[k.client], ourEnd(t, k, driver), ours.url(driver, k.serverKnobs))
				})
			}
		})
	}
}

// ourEnd is what our server in a talk promises.
func ourEnd(t *testing.T, k talk, driver string) end {
	knobs, err := parseKnobs(k.serverKnobs)
	if err != nil {
		t.Fatal(err)
	}
	return idlewireIs(knobs, driver)
}

// dialTalks are the conversations of conn.Dial with the libraries' servers.
func dialTalks() []talk {
	all := []talk{
		{server: "gorilla", want: none, long: true},
		{server: "gorilla", clientKnobs: both + " server_bits=9", serverKnobs: "level=9", want: none}, // the offer to do without takeover

		{server: "coder", serverKnobs: both, want: none},
		{server: "coder", clientKnobs: both, serverKnobs: both, long: true},
		{server: "coder", clientKnobs: both + " threshold=-1 level=9", serverKnobs: both + " threshold=1"},
		{server: "coder", clientKnobs: "server_takeover", serverKnobs: both, want: "client_no_context_takeover"},
		{server: "coder", clientKnobs: "client_takeover client_bits=9", serverKnobs: both, want: "server_no_context_takeover"}, // it is not told how small we stay
		{server: "coder", clientKnobs: both + " server_bits=9", serverKnobs: both, want: "server_no_context_takeover"},
		{server: "coder", clientKnobs: both, want: none},

		{server: "gws", clientKnobs: both, serverKnobs: both, long: true},
		{server: "gws", serverKnobs: both, want: none},
		{server: "gws", clientKnobs: both, serverKnobs: "client_takeover", want: "server_no_context_takeover"},
		{server: "gws", clientKnobs: both, serverKnobs: "server_takeover level=9", want: "client_no_context_takeover"},

		{server: "gobwas", want: none, long: true},
		{server: "gobwas", clientKnobs: both, serverKnobs: both + " level=9"},
		{server: "gobwas", clientKnobs: both + " level=6", serverKnobs: "client_takeover", want: "server_no_context_takeover"},
	}
	for bits := 8; bits <= 14; bits++ {
		in := fmt.Sprintf("client_max_window_bits=%d; server_max_window_bits=%d", bits, bits)
		knobs := fmt.Sprintf("%s server_bits=%d client_bits=%d", both, bits, bits)
		all = append(all,
			talk{server: "gobwas", clientKnobs: knobs, serverKnobs: knobs, want: in},
			talk{server: "gws", clientKnobs: both, serverKnobs: knobs, want: in},
			talk{server: "gws", clientKnobs: "level=9", serverKnobs: knobs, want: sorted(in + "; " + none)})
	}
	return all
}

// TestDeflateDial: conn.Dial with servers of all Go libraries.
func TestDeflateDial(t *testing.T) {
	urls := serveDeflate(t, deflateLibs)
	for _, k := range thinned(dialTalks()) {
		k.client = "idlewire"
		t.Run(k.name(), func(t *testing.T) {
			t.Parallel()
			k.hold(t, ourLib, libIs(t, k), urls[k.server])
		})
	}
}

// nodeClientTalks are the conversations of ws as a client with our servers.
func nodeClientTalks() []talk {
	all := []talk{
		{clientKnobs: `{"concurrencyLimit":1,"threshold":0}`, serverKnobs: both}, // the first: ws has one limit for the whole process
		{clientKnobs: `true`, want: none, long: true},
		{clientKnobs: `true`, serverKnobs: both, long: true},
		{clientKnobs: `{"threshold":0}`, want: none},
		{clientKnobs: `true`, serverKnobs: "server_takeover", want: "client_no_context_takeover"},
		{clientKnobs: `true`, serverKnobs: "client_takeover", want: "server_no_context_takeover"},
		{clientKnobs: `{"serverNoContextTakeover":true}`, serverKnobs: both + " level=9", want: "server_no_context_takeover"},
		{clientKnobs: `{"clientNoContextTakeover":true}`, serverKnobs: both, want: "client_no_context_takeover"},
		{clientKnobs: `{"serverNoContextTakeover":true,"clientNoContextTakeover":true,"threshold":64}`, serverKnobs: both, want: none},
		{clientKnobs: `{"clientMaxWindowBits":true}`, serverKnobs: both + " client_bits=9", want: "client_max_window_bits=9"},
		{clientKnobs: `{"clientMaxWindowBits":false}`, serverKnobs: both + " client_bits=9", want: "client_no_context_takeover"},
		{clientKnobs: `{"zlibDeflateOptions":{"level":1,"memLevel":1}}`, serverKnobs: both + " server_bits=9 client_bits=9", want: "client_max_window_bits=9; server_max_window_bits=9"},
		{clientKnobs: `{"zlibDeflateOptions":{"level":9,"memLevel":9}}`, serverKnobs: both + " level=9 threshold=-1"},
		{clientKnobs: `false`, serverKnobs: both, want: "none"},
	}
	for bits := 8; bits <= 15; bits++ {
		all = append(all, talk{clientKnobs: fmt.Sprintf(`{"serverMaxWindowBits":%d,"clientMaxWindowBits":%d}`, bits, bits), serverKnobs: both,
			want: fmt.Sprintf("client_max_window_bits=%d; server_max_window_bits=%d", bits, bits)})
	}
	all[len(all)-1].want = "server_max_window_bits=15" // what limits nothing need not be said
	for i := range all {
		all[i].client, all[i].server = "ws", "idlewire"
	}
	return all
}

// TestDeflateNodeClient: ws as a client, with all its options, with our servers.
func TestDeflateNodeClient(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			ours := ourServers{t: t}
			holdNode(t, thinned(nodeClientTalks()), func(k talk) string { return ours.url(driver, k.serverKnobs) },
				func(t *testing.T, k talk) end { return ourEnd(t, k, driver) })
		})
	}
}

// TestDeflateNodeDial: conn.Dial with a server of ws, with all its options.
func TestDeflateNodeDial(t *testing.T) {
	target := startNodeDeflate(t)
	all := []talk{
		{clientKnobs: both + " level=9 threshold=-1", serverKnobs: `{"concurrencyLimit":1,"threshold":0}`}, // the first, and alone: ws has one limit for the whole process
		{serverKnobs: `true`, want: none, long: true},
		{clientKnobs: both, serverKnobs: `true`, long: true},
		{clientKnobs: both, serverKnobs: `{"serverNoContextTakeover":true}`, want: "server_no_context_takeover"},
		{clientKnobs: both, serverKnobs: `{"clientNoContextTakeover":true}`, want: "client_no_context_takeover"},
		{clientKnobs: both, serverKnobs: `{"serverNoContextTakeover":true,"clientNoContextTakeover":true,"threshold":64}`, want: none},
		{clientKnobs: "fallback", serverKnobs: `{"serverNoContextTakeover":false}`, want: "client_no_context_takeover"},
		{clientKnobs: both, serverKnobs: `{"clientMaxWindowBits":true}`},
		{clientKnobs: both + " client_bits=10", serverKnobs: `{"clientMaxWindowBits":false}`},
		{clientKnobs: both + " server_bits=10", serverKnobs: `{"serverMaxWindowBits":false}`, want: "server_no_context_takeover"},
		{clientKnobs: both + " server_bits=9", serverKnobs: `{"zlibDeflateOptions":{"level":1,"memLevel":1}}`, want: "server_max_window_bits=9"},
		{clientKnobs: both, serverKnobs: `{"zlibDeflateOptions":{"level":9,"memLevel":9}}`},
		{clientKnobs: both, serverKnobs: `false`, want: "none"},
	}
	for bits := 8; bits <= 15; bits++ {
		all = append(all, talk{clientKnobs: both, serverKnobs: fmt.Sprintf(`{"serverMaxWindowBits":%d,"clientMaxWindowBits":%d}`, bits, bits),
			want: fmt.Sprintf("client_max_window_bits=%d; server_max_window_bits=%d", bits, bits)})
	}
	for _, k := range thinned(all) {
		k.client, k.server = "idlewire", "ws"
		t.Run(k.name(), func(t *testing.T) {
			if !strings.Contains(k.serverKnobs, "concurrencyLimit") {
				t.Parallel()
			}
			k.hold(t, ourLib, libIs(t, k), target)
		})
	}
	t.Run("none of the offers", func(t *testing.T) { // RFC 7692, 5.1 would let it go on without
		_, err := dialIdlewireDeflate(t.Context(), target+"/deflate?options="+url.QueryEscape(`{"serverNoContextTakeover":false}`), opts{deflate: new(knobs)})
		if e := (*handshake.Error)(nil); !errors.As(err, &e) || e.Status != http.StatusBadRequest {
			t.Errorf("%v, want status 400", err)
		}
	})
}

// TestDeflateChromium: Chromium with our servers.
func TestDeflateChromium(t *testing.T) {
	ours := ourServers{t: t}
	var all []talk
	of := map[string]string{} // driver by name of the server
	for _, driver := range drivers {
		server := "idlewire " + driver
		of[server] = driver
		all = append(all,
			talk{server: server, want: none, long: true},
			talk{server: server, serverKnobs: both, long: true},
			talk{server: server, serverKnobs: "server_takeover", want: "client_no_context_takeover"},
			talk{server: server, serverKnobs: "client_takeover level=9", want: "server_no_context_takeover"})
		for bits := 8; bits <= 14; bits++ {
			all = append(all, talk{server: server, serverKnobs: fmt.Sprintf("%s server_bits=%d client_bits=%d", both, bits, bits),
				want: fmt.Sprintf("client_max_window_bits=%d; server_max_window_bits=%d", bits, bits)})
		}
	}
	all = thinned(all)
	for i := range all {
		all[i].client = "chromium"
	}
	holdChromium(t, all, func(k talk) string { return ours.url(of[k.server], k.serverKnobs) },
		func(t *testing.T, k talk) end { return ourEnd(t, k, of[k.server]) })
}

// TestDeflateEcho: examples/echo, with its flags for compression.
func TestDeflateEcho(t *testing.T) {
	for _, driver := range drivers {
		for _, row := range []struct {
			flags []string
			talk
		}{
			{[]string{"-deflate", "on"}, talk{client: "coder", clientKnobs: both, want: none}},
			{[]string{"-deflate", "takeover", "-level", "9"}, talk{client: "coder", clientKnobs: both}},
			{[]string{"-deflate", "off"}, talk{client: "coder", clientKnobs: both, want: "none"}},
		} {
			k := row.talk
			k.server = fmt.Sprint("echo -driver ", driver, row.flags)
			t.Run(k.name(), func(t *testing.T) {
				t.Parallel()
				k.hold(t, deflateLibs[k.client], end{threshold: 1000, shrinks: true}, startEcho(t, driver, row.flags...).url)
			})
		}
	}
}
