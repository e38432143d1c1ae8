package conn

import "testing"

// fuzzReceive holds a receiver against the oracle. plan says how the stream is cut (a byte is the length of a chunk, and
// again from the front), in which way it is read, and what the limits are. play looks at memory, work and invariants at every call.
func fuzzReceive(f *testing.F, role Role) {
	if testing.Testing() { // OSS-Fuzz has seeds in files, and calls a target once an input
		for _, s := range sessions {
			b := wire(s.wire)
			if len(b) > 1000 {
				continue
			}
			if role != s.role {
				b = remask(b, role == Server)
			}
			f.Add(b, []byte{0, 1, 7, 255})
			f.Add(b, []byte{1, 1})
			f.Add(b, []byte{2, 0, 3, 1, 200})
		}
	}
	f.Fuzz(func(t *testing.T, stream, plan []byte) {
		turn := 0
		next := func() byte {
			if len(plan) == 0 {
				return 1
			}
			turn++
			return plan[turn%len(plan)]
		}
		o := []*Options{nil, {MaxMessage: 5, MaxFragments: 3}, {MaxMessage: 1, MaxFragments: 1}, {MaxMessage: -1, MaxFragments: -1}, {MaxMessage: 300}}[next()%5]
		w := ways[next()%3]
		var chunks [][]byte
		for rest := stream; len(rest) > 0; {
			n := min(int(next()), len(rest))
			if n == 0 && len(chunks) > 1000 {
				n = 1
			}
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		msgs, breach := oracle(role, uint64(o.maxMessage()), o.maxFragments(), stream)
		want := outcome{msgs: msgs, err: breach}
		p := Protocol{Role: role, Options: o}
		if d := difference(play(t, &p, w, chunks...), want); d != "" {
			t.Fatalf("%v, %d chunks: %s", w, len(chunks), d)
		}
		q := Protocol{Role: role, Options: o}
		if d := difference(play(t, &q, whole, stream), want); d != "" {
			t.Fatalf("in one piece: %s", d)
		}
	})
}

// However a client's bytes are cut and in whatever way they are read, a server makes of them what the RFC says, in bounded memory and work.
func FuzzReceiveServer(f *testing.F) { fuzzReceive(f, Server) }

// However a server's bytes are cut and in whatever way they are read, a client makes of them what the RFC says, in bounded memory and work.
func FuzzReceiveClient(f *testing.F) { fuzzReceive(f, Client) }

// Whatever a program asks of two joined machines, what one was allowed to say is what the other hears, in order; the rest is refused; and it ends with
// both closed and nothing held.
func FuzzBackToBack(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x05h\x01\x7e\x00\x06\x03c\x0c\x02p\x08\x02d\x0a\x00e\x12\xff\xff\x04"))
	f.Add([]byte("\x06\x05h\x0d\x7d\x00\x10\xf0\x00\x00\x08\x02d\x13\xff\xff\x10\xff\x01\x03"))
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 4096 {
			return
		}
		newConversation(t, program).run()
	})
}
