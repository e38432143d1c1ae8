package netpoll

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
)

// Receiving a compressed message and sending it back compressed allocates nothing either: what compresses is pooled, and an idle connection without takeover
// has not even that.
func TestAllocationsPerDeflatedMessage(t *testing.T) {
	if underRace {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	for _, takeover := range []bool{false, true} {
		for _, size := range []int{100, 1 << 10, 16 << 10, 200 << 10} {
			t.Run(fmt.Sprintf("takeover %v, %d octets", takeover, size), func(t *testing.T) {
				s := echoServer()
				o := &deflate.Options{ServerContextTakeover: takeover, ClientContextTakeover: takeover}
				s.Options.Compression = o
				d := drive(t, s)
				nc, err := net.Dial("tcp", d.addr)
				require.NoError(t, err)
				t.Cleanup(func() { nc.Close() })
				nc.SetDeadline(time.Now().Add(20 * time.Second))
				_, err = io.WriteString(nc, strings.TrimSuffix(request, "\r\n")+"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
				require.NoError(t, err)
				d.turn(func() bool { return d.l.counts.opened.Load() == 1 })
				readHead(t, nc)
				require.NotNil(t, d.l.conns[0].proto.Compressor)

				_, z, ok := o.Accept((&deflate.Options{}).Offers())
				require.True(t, ok)
				payload, ok := z.Alone().Compress(nil, []byte(jsonLike(1, size)))
				require.True(t, ok)
				out := frame.Append(nil, frame.Header{Opcode: frame.Text, Fin: true, Rsv: frame.Rsv1, Masked: true, Key: 0x12345678}, payload)

				const rounds = 200
				failed := make(chan error, 1)
				go func() { // it allocates nothing either
					in := make([]byte, 1<<20)
					for range 2 * rounds {
						if _, err := nc.Write(out); err != nil {
							failed <- err
							return
						}
						if err := skipFrame(nc, in); err != nil {
							failed <- err
							return
						}
					}
					failed <- nil
				}()
				echoed := func(n uint64) func() bool {
					return func() bool {
						return d.l.counts.published.messagesOut.Load() >= n && d.l.counts.queued.Load() == 0 || len(failed) > 0
					}
				}
				d.turn(echoed(rounds)) // pools fill
				d.mallocs = 0
				d.turn(echoed(2 * rounds))
				require.NoError(t, <-failed)
				require.Less(t, d.mallocs, uint64(rounds/4), "allocations for %d messages", rounds) // a collection may empty a pool
			})
		}
	}
}

// skipFrame reads a frame of a server, and checks that it is compressed.
func skipFrame(nc net.Conn, b []byte) error {
	if _, err := io.ReadFull(nc, b[:2]); err != nil {
		return err
	}
	if b[0] != 0xc1 {
		return io.ErrUnexpectedEOF
	}
	n := int(b[1])
	if n >= 126 {
		more := 2
		if n == 127 {
			more = 8
		}
		if _, err := io.ReadFull(nc, b[:more]); err != nil {
			return err
		}
		n = 0
		for _, c := range b[:more] {
			n = n<<8 | int(c)
		}
	}
	_, err := io.ReadFull(nc, b[:n])
	return err
}
