package golibs

import (
	"maps"
	"net/http"
	"os/exec"
	"testing"
)

// startLibServers starts a server built from each library.
func startLibServers(t *testing.T) map[string]*libServer {
	gobwas, err := serveGobwas()
	if err != nil {
		t.Fatal(err)
	}
	gorilla, _ := serveHTTP(acceptGorilla, false)
	coder, _ := serveHTTP(acceptCoder, false)
	all := map[string]*libServer{"gobwas": gobwas, "gorilla": gorilla, "coder": coder}
	t.Cleanup(func() {
		for name, s := range all {
			if err := s.stop(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	return all
}

// TestDial: conn.Dial with servers built from each library.
func TestDial(t *testing.T) {
	for name, s := range startLibServers(t) {
		t.Run(name, func(t *testing.T) {
			stage{url: s.url, dial: dialIdlewire, limit: serverLimit}.playAll(t, append(echoChecks(), dialChecks(1<<20)...), notOfServers)
		})
	}
}

// TestDialTLS: wss to servers whose TLS is net/http's.
func TestDialTLS(t *testing.T) {
	for name, accept := range map[string]func(http.ResponseWriter, *http.Request, int64) (*peer, error){"gorilla": acceptGorilla, "coder": acceptCoder} {
		t.Run(name, func(t *testing.T) {
			s, hs := serveHTTP(accept, true)
			defer func() {
				if err := s.stop(); err != nil {
					t.Error(err)
				}
			}()
			secure := opts{tls: hs.Client().Transport.(*http.Transport).TLSClientConfig}
			err := stage{url: s.url, dial: dialIdlewire}.play(check{"wss", func(st *stage) error {
				p, err := st.open("/", secure)
				if err != nil {
					return err
				}
				for _, n := range []int{0, 1, 126, 65536, 1 << 20} {
					if err := p.send(opBinary, sample(opBinary, n)); err != nil {
						return err
					}
					if err := p.expect(opBinary, sample(opBinary, n)); err != nil {
						return err
					}
				}
				return p.goodbye(1000, "bye") // nil: the server answered
			}})
			if err != nil {
				t.Error(err)
			}
			if p, err := dialIdlewire(t.Context(), s.url+"/", opts{}); err == nil {
				p.drop()
				t.Errorf("a certificate nobody vouches for was taken")
			}
		})
	}
}

// TestDialNode: conn.Dial with a server built from Node's ws.
func TestDialNode(t *testing.T) {
	cmd := exec.Command(needNode(t), "server.js")
	cmd.Dir = nodeDir
	p := start(t, cmd)
	except := maps.Clone(notOfServers)
	delete(except, "limit") // ws keeps these promises, too
	delete(except, "text that is not UTF-8")
	delete(except, "close/after messages")
	stage{url: p.url, dial: dialIdlewire, limit: serverLimit}.playAll(t, append(echoChecks(), dialChecks(1<<20)...), except)
}
