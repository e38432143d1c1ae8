package deflate

import "sync"

// An alone is a way to compress, which needs nothing of any connection. There is one for each way (see intern), which are compared by their addresses.
type alone struct {
	minSize int // octets
	level   int // 1 to 9
	bits    int // of the window, 8 to 15
}

var ways sync.Map // *alone by alone; as many as the program makes up

// intern returns the one alone that is like a.
func intern(a alone) *alone {
	if p, ok := ways.Load(a); ok {
		return p.(*alone)
	}
	p, _ := ways.LoadOrStore(a, &a)
	return p.(*alone)
}

// Compress implements [conn.MessageCompressor].
func (a *alone) Compress(dst, payload []byte) (b []byte, compressed bool) {
	if len(payload) < a.minSize {
		return dst, false
	}
	return a.deflate(dst, payload, nil, true, true)
}

// deflate appends to dst payload compressed, which may refer to kept, what went before; without the tail of its last block if fin (7.2.1). If it
// need not be compressed (mayFail) and would not be shorter, dst comes back as it was, and false.
func (a *alone) deflate(dst, payload, kept []byte, mayFail, fin bool) (b []byte, ok bool) {
	if a.level <= quickLevel && len(payload) <= quickMax && len(kept) >= quickBehind {
		if b, ok = a.quickly(dst, payload, kept, fin); ok {
			return b, true
		}
	}
	e, prime := a.encoder(len(payload), len(kept))
	limit := -1
	if mayFail {
		if limit = len(payload) - 1; fin {
			limit += tailSize
		}
	}
	b, ok = e.encode(dst, payload, kept[len(kept)-prime:], limit)
	e.put()
	if ok && fin {
		b = b[:len(b)-tailSize] // 7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."
	}
	if !ok && len(payload) <= quickMax {
		// Writers are bad at the shortest. If of messages that do not shrink alone none ever shrank, none would come into the window.
		return a.quickly(dst, payload, kept, fin)
	}
	return b, ok
}

// quickly is deflate by a quick.
func (a *alone) quickly(dst, payload, kept []byte, fin bool) (b []byte, ok bool) {
	q := quicks.Get().(*quick)
	prime := min(len(kept), max(primes[a.level], len(payload)))
	b, ok = q.encode(dst, payload, kept[len(kept)-prime:], 1<<a.bits, fin)
	quicks.Put(q)
	return b, ok
}

const tailSize = 4

// primes are how many octets of the window are searched, by level; more by messages that are longer. To learn them costs about what it costs to compress
// as many. (1 KiB of JSON at level 1 is 41 % alone, 31 % behind 1 KiB, 30 % behind 2 KiB, for a tenth of the time more each, and 29 % behind all of 32 KiB
// for ten times as much.)
var primes = [...]int{1: 2 << 10, 2: 2 << 10, 3: 2 << 10, 4: 4 << 10, 5: 4 << 10, 6: 8 << 10, 7: 32 << 10, 8: 32 << 10, 9: 32 << 10}

// encoder returns what to compress n octets with, and how many of the kept octets before it has to learn.
func (a *alone) encoder(n, kept int) (e *encoder, prime int) {
	// What is as long as the message finds it again if it is much like the one before.
	prime = min(kept, max(primes[a.level], n))
	if a.bits < maxBits {
		// Encoders by level look back 32 KiB, and others are a third slower. Where all that they see is within the window the former will do; and they
		// do if they see half of what they would like to.
		room := 1<<a.bits - n
		if room < prime/2 || room < 0 {
			return getEncoder(windowed(a.bits)), prime
		}
		prime = min(prime, room)
	}
	return getEncoder(byLevel(a.level)), prime
}
