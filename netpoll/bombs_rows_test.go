package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// python websockets CVE-2018-1000518, NATS, undici, websocket-driver, Bandit, Netty, tornado, gws, httpcomponents, centrifuge, mist, cowlib: the limit did not hold for what
// comes out. Of each bomb exactly the limit passes, and one octet more does not, whoever is the victim.
func TestV25Bombs(t *testing.T) {
	for _, b := range bombs() {
		t.Run(b.name, func(t *testing.T) {
			if b.limit > mebibyte && (testing.Short() || underRace) {
				b.limit, b.ratio = mebibyte, 900
			}
			for _, kind := range allVictims() {
				t.Run(kind.name, func(t *testing.T) {
					for _, takeover := range []bool{false, true} {
						if !takeover && b.before != "" {
							continue
						}
						for over := range 2 {
							extensions := noTakeover
							o := &deflate.Options{}
							if takeover {
								extensions = compresses
								o.ServerContextTakeover, o.ClientContextTakeover = true, true
							}
							v := kind.open(t, conn.Options{MaxMessage: b.limit, MaxFragments: 2000, Compression: o}, extensions)
							if b.before != "" {
								w := new(deflater)
								w.stored([]byte(b.before))
								v.send(v.compressed([][]byte{w.end()}))
								require.Equal(t, digest([]byte(b.before)), v.hear())
							}
							pieces := b.pieces(b.limit + over)
							sent := v.compressed(pieces)
							v.send(sent)
							if over == 1 {
								v.failed(frame.CloseTooBig)
								continue
							}
							require.Equal(t, digest(b.content(b.limit)), v.hear())
							wire := 0
							for _, p := range pieces {
								wire += len(p)
							}
							require.GreaterOrEqual(t, float64(b.limit)/float64(wire), b.ratio)
							v.nc.Close()
						}
					}
				})
			}
		})
	}
}

// The most that DEFLATE can do is 1032 octets for one: 64 MiB of it against the limit of 1 MiB.
func TestV25TheMostThereIs(t *testing.T) {
	w := new(deflater)
	const size = 1 + 258*260_000
	w.zeros(size)
	b := w.end()
	require.Greater(t, float64(size)/float64(len(b)), 1031.5)
	for _, kind := range allVictims() {
		t.Run(kind.name, func(t *testing.T) {
			v := kind.open(t, conn.Options{Compression: &deflate.Options{}}, noTakeover)
			v.send(v.compressed([][]byte{b}))
			v.failed(frame.CloseTooBig)
		})
	}
}

// NATS CVE-2026-27571: who is refused, or has not been let in yet, has nothing decompressed. The bomb comes together with the request.
func TestV23BombBehindTheRequest(t *testing.T) {
	w := new(deflater)
	w.zeros(64 * mebibyte)
	bomb := new(victim)
	bomb.from = frame.FromServer
	attack := asks(plain, "Sec-WebSocket-Extensions: "+noTakeover) + string(bomb.compressed([][]byte{w.end()}))

	denied := &handshake.Error{Status: 401}
	for _, who := range []string{"loop", "portable", "accept"} {
		for _, when := range []string{"Hook", "Open"} {
			if who == "loop" && DefaultDriver == Portable || who == "accept" && when == "Open" {
				continue // net/http calls its handler, and that asks before it calls Accept, or has a Hook
			}
			t.Run(who+" "+when, func(t *testing.T) {
				z := &inflations{Options: new(deflate.Options)}
				o := conn.Options{Compression: z}
				u := handshake.Upgrader{Hook: func(*handshake.Request) error { return denied }}
				asked := make(chan int32, 1)
				open := func(*Conn, *handshake.Request) Handler {
					asked <- z.n.Load() // authentication by the program: as long as this takes nothing is read
					return nil
				}
				if when == "Open" {
					u.Hook = nil
				}
				var addr string
				switch who {
				case "accept":
					ln, err := net.Listen("tcp", "127.0.0.1:0")
					require.NoError(t, err)
					s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, err := conn.Accept(w, r, &u, &o)
						if !errors.Is(err, denied) {
							t.Error(err)
						}
					})}
					go s.Serve(ln)
					t.Cleanup(func() { s.Close() })
					addr = ln.Addr().String()
				default:
					d := Portable
					if who == "loop" {
						d = Loop
					}
					addr = serve(t, &Server{Driver: d, Upgrader: u, Options: o, Open: open})
				}
				nc, err := net.Dial("tcp", addr)
				require.NoError(t, err)
				defer nc.Close()
				nc.SetDeadline(time.Now().Add(time.Minute))
				_, _ = io.WriteString(nc, attack)
				answer, _ := io.ReadAll(nc) // it may end in a reset
				if when == "Hook" {
					require.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 401 "), "%.100q", answer)
					require.Zero(t, z.accepted.Load(), "a refused client has no Compressor")
				} else {
					require.Zero(t, <-asked, "nothing is decompressed before Open")
					require.EqualValues(t, 1, z.n.Load(), "it is then")
					return
				}
				require.Zero(t, z.n.Load())
			})
		}
	}
}

// And who authenticates by his first message can make that no bomb.
func TestV23BombAsFirstMessage(t *testing.T) {
	w := new(deflater)
	w.zeros(mebibyte + 1)
	b := w.end()
	for _, kind := range allVictims() {
		t.Run(kind.name, func(t *testing.T) {
			v := kind.open(t, conn.Options{Compression: &deflate.Options{}}, noTakeover)
			v.send(v.compressed([][]byte{b}))
			v.failed(frame.CloseTooBig)
		})
	}
}

// inflations counts what is decompressed.
type inflations struct {
	*deflate.Options
	accepted, n atomic.Int32
}

func (z *inflations) Accept(offers []handshake.Extension) (handshake.Extension, conn.Compressor, bool) {
	z.accepted.Add(1)
	answer, c, ok := z.Options.Accept(offers)
	return answer, countedCompressor{c, &z.n}, ok
}

type countedCompressor struct {
	conn.Compressor
	n *atomic.Int32
}

func (c countedCompressor) Decompressor() conn.Decompressor {
	c.n.Add(1)
	return c.Compressor.Decompressor()
}

// aiohttp PR 12976: RSV1 was taken although nothing was negotiated. And where it was, it stands on the first frame of a message only.
func TestV28RSV1(t *testing.T) {
	hello := []byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00} // RFC 7692, 7.2.3.1
	type row struct {
		name, extensions string
		frames           func(v *victim) []byte
	}
	rows := []row{
		{"not offered", "", func(v *victim) []byte { return v.frame(frame.Text, true, frame.Rsv1, hello) }},
		{"on a continuation", compresses, func(v *victim) []byte {
			return append(v.frame(frame.Text, false, frame.Rsv1, hello[:3]), v.frame(frame.Continuation, true, frame.Rsv1, hello[3:])...)
		}},
		{"on a continuation of a plain message", compresses, func(v *victim) []byte {
			return append(v.frame(frame.Text, false, 0, []byte("a")), v.frame(frame.Continuation, true, frame.Rsv1, hello)...)
		}},
		{"RSV2", compresses, func(v *victim) []byte { return v.frame(frame.Text, true, frame.Rsv1|frame.Rsv2, hello) }},
		{"RSV3", compresses, func(v *victim) []byte { return v.frame(frame.Text, true, frame.Rsv1|frame.Rsv3, hello) }},
	}
	for _, op := range []frame.Opcode{frame.Ping, frame.Pong, frame.Close} {
		rows = append(rows, row{"on a " + op.String(), compresses, func(v *victim) []byte { return v.frame(op, true, frame.Rsv1, nil) }})
	}
	for _, r := range rows {
		for _, kind := range allVictims() {
			t.Run(r.name+" "+kind.name, func(t *testing.T) {
				o := conn.Options{Compression: &deflate.Options{ServerContextTakeover: true, ClientContextTakeover: true}}
				if r.extensions == "" && kind.name == "dial" {
					o.Compression = nil // the server could not but answer what it was not offered
				}
				v := kind.open(t, o, r.extensions)
				if r.extensions != "" { // it is negotiated, and works
					v.send(v.frame(frame.Text, true, frame.Rsv1, hello))
					require.Equal(t, digest([]byte("Hello")), v.hear())
				}
				v.send(r.frames(v))
				v.failed(frame.CloseProtocolError)
			})
		}
	}
}

// A server that declines what a client offers, and compresses all the same.
func TestV28Declined(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	end := make(chan error, 1)
	go func() {
		c, err := conn.Dial(context.Background(), "ws://"+ln.Addr().String(), &conn.Dialer{Options: conn.Options{Compression: &deflate.Options{}}})
		if err == nil {
			err = answers(c)
		}
		end <- err
	}()
	nc, err := ln.Accept()
	require.NoError(t, err)
	v := newVictim(t, nc, frame.FromClient)
	v.end = end
	request, err := http.ReadRequest(v.br)
	require.NoError(t, err)
	require.NotEmpty(t, request.Header.Get("Sec-WebSocket-Extensions"))
	response := handshake.AppendAccept([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "),
		[]byte(request.Header.Get("Sec-WebSocket-Key")))
	v.send(append(response, "\r\n\r\n"...))
	v.send(v.frame(frame.Text, true, frame.Rsv1, []byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}))
	v.failed(frame.CloseProtocolError)
}
