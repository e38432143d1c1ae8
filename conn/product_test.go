package conn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// states are what a receiver has gone through before the frame that is tested. Client and server get the same, masked for the server.
var states = []struct {
	name string
	wire string // as a client gets it
	sent bool   // our Close has been sent
}{
	{"idle", "", false},
	{"in text", "01 01 'a'", false},
	{"in binary", "02 01 ff", false},
	{"closing", "", true},               // 1.4: we said Close; what the peer had sent before it heard of it still counts
	{"closing, in text", "01 00", true}, // and may be the middle of a message
	{"closed", "88 02 03e8", false},     // 5.5.1: the peer said Close; nothing of what follows counts
}

// A length is how a header says it. Those with a name of what is wrong cannot come from an encoder.
type length struct {
	n    uint64
	form int // bytes of extended payload length: 0, 2, 8
}

var lengths = []length{{0, 0}, {1, 0}, {2, 0}, {125, 0}, {126, 2}, {127, 2}, {65535, 2}, {65536, 8}, {1<<20 + 1, 8},
	{125, 2}, {65535, 8}, {1 << 63, 8}}

// header spells a header out, whatever nonsense it is.
func header(op byte, fin bool, rsv byte, masked bool, l length) []byte {
	b0, b1 := rsv<<4|op, byte(l.n)
	if fin {
		b0 |= 0x80
	}
	b := []byte{b0, 0}
	switch l.form {
	case 2:
		b, b1 = binary.BigEndian.AppendUint16(b, uint16(l.n)), 126
	case 8:
		b, b1 = binary.BigEndian.AppendUint64(b, l.n), 127
	}
	if masked {
		b, b1 = append(b, "wire"...), b1|0x80
	}
	b[1] = b1
	return b
}

// Every opcode, FIN, RSV, mask and length in every state and both roles, against the oracle: V56. The header comes whole and byte by byte; a ping
// follows, so that the receiver is seen to go on at the right byte.
func TestV56Product(t *testing.T) {
	cells := 0
	data := bytes.Repeat([]byte{'x'}, 1<<16)
	goodbye := append(wire("03e8"), data[2:]...)
	rsvs := []byte{0, 1, 2, 3, 4, 5, 6, 7}
	if raceBuild { // ten times slower
		rsvs = []byte{0, 1, 4}
	}
	for _, role := range []Role{Server, Client} {
		for _, state := range states {
			before := wire(state.wire)
			ping := wire("89 01 'p'")
			if role == Server {
				before, ping = remask(before, true), remask(ping, true)
			}
			for cell := range 16 * 2 * len(rsvs) * 2 * len(lengths) {
				op, fin, masked := byte(cell%16), cell/16%2 == 1, cell/32%2 == 1
				rsv, l := rsvs[cell/64%len(rsvs)], lengths[cell/64/len(rsvs)]
				body := data
				if op == 8 {
					body = goodbye
				}
				if rsv != 0 {
					body = body[:16] // nobody will look at it
				}
				if body = body[:min(l.n, uint64(len(body)))]; masked {
					body = bytes.Clone(body)
					for i := range body {
						body[i] ^= "wire"[i%4]
					}
				}
				head := header(op, fin, rsv, masked, l)
				b := bytes.Join([][]byte{before, head, body, ping}, nil)
				msgs, breach := oracle(role, defaultMaxMessage, defaultMaxFragments, b)

				single := [][]byte{b[:len(before)]}
				for i := range head {
					single = append(single, b[len(before)+i:][:1])
				}
				single = append(single, b[len(before)+len(head):])
				for i, chunks := range [][][]byte{{b}, single} {
					for j, w := range []way{whole, parts} {
						if raceBuild && cell%4 != 2*i+j {
							continue // takes its turn
						}
						p := Protocol{Role: role}
						if state.sent {
							if _, err := p.AppendClose(nil, frame.CloseNormal, ""); err != nil {
								t.Fatal(err)
							}
						}
						if d := difference(play(t, &p, w, chunks...), outcome{msgs: msgs, err: breach}); d != "" {
							t.Fatalf("%v, %v, %v, opcode %d, fin %v, rsv %d, masked %v, length %+v: %s", role, state.name, w, op, fin, rsv, masked, l, d)
						}
					}
				}
				cells++
			}
		}
	}
	t.Logf("%d cells, each in 4 ways", cells)
}

// What the peer declares and does not send, for every opcode: V02, V05, V06, V07, V10, V11. The only thing to be seen is an error or silence; run it
// where an int has 32 bits too.
func TestV02DeclaredLengths(t *testing.T) {
	table := []uint64{0, 1, 125, 126, 127, 128, 65535, 65536, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 53, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 4, 1<<64 - 1}
	for _, role := range []Role{Server, Client} {
		for _, o := range []*Options{nil, {MaxMessage: -1, MaxFragments: -1}, {MaxMessage: 1<<31 - 1}} {
			for _, n := range table {
				for _, form := range []int{0, 2, 8} {
					if form == 0 && n > 125 || form == 2 && n > 65535 {
						continue
					}
					for cell := range 16 * 2 * 2 {
						b := header(byte(cell%16), cell/16%2 == 1, 0, cell/32 == 1, length{n, form})
						for _, tail := range []string{"", "x", "xyz"} {
							b := append(bytes.Clone(b), tail...)
							msgs, breach := oracle(role, uint64(o.maxMessage()), o.maxFragments(), b)
							name := fmt.Sprintf("%v, %x", role, b)
							for _, chunks := range [][][]byte{{b}, {b[:1], b[1:]}, {b[:2], b[2:]}, {b[:len(b)-1], b[len(b)-1:]}} {
								p := Protocol{Role: role, Options: o}
								if d := difference(play(t, &p, whole, chunks...), outcome{msgs: msgs, err: breach}); d != "" {
									t.Fatalf("%s: %s", name, d)
								}
							}
						}
					}
				}
			}
		}
	}
}
