package deflate

import (
	"sync/atomic"

	"github.com/idlewire/idlewire/conn"
)

// A compressor compresses and decompresses the messages of one connection; or, without takeover, of all connections with the same windows. Idle
// it is this and its windows, no more.
type compressor struct {
	alone    *alone // how, and as what
	bits     [2]int // of the windows of what is sent, and received
	sent     *window
	received *window // nil, both, without takeover
	budget   *budget
	held     atomic.Int64 // octets of the budget
}

var _ conn.Compressor = (*compressor)(nil)

func newCompressor(o *Options, bits [2]int) *compressor {
	p := o.use()
	return &compressor{alone: intern(alone{p.minSize, p.level, bits[0]}), bits: bits, budget: &o.budget}
}

// Compress implements [conn.Compressor]. A fragment is compressed for itself and flushed, so that nothing of it is kept; it refers to those before
// it only if messages do, through the window.
func (c *compressor) Compress(dst, payload []byte, first, fin bool) (b []byte, compressed bool) {
	if first && len(payload) < c.alone.minSize {
		return dst, false
	}
	if len(payload) == 0 && !(first && fin) {
		if fin {
			dst = append(dst, 0) // 7.2.3.6: an empty block without its tail
		}
		return dst, true
	}
	var kept []byte
	if c.sent != nil {
		kept = c.sent.bytes()
	}
	b, ok := c.alone.deflate(dst, payload, kept, first, fin)
	if ok && c.sent != nil {
		c.sent.add(payload) // and not if the message goes as it is: then the peer does not see it there either
	}
	return b, ok
}

// Alone implements [conn.Compressor].
func (c *compressor) Alone() conn.MessageCompressor { return c.alone }

// Sent implements [conn.Compressor].
func (c *compressor) Sent(payload []byte) {
	if c.sent != nil {
		c.sent.add(payload)
	}
}

// Forget implements [conn.Compressor]. What the peer keeps in its window it keeps for nothing.
func (c *compressor) Forget() {
	if c.sent != nil {
		c.sent.reset()
	}
}

// Decompressor implements [conn.Compressor].
func (c *compressor) Decompressor() conn.Decompressor { return newDecompressor(c.bits[1], c.received) }

// Release implements [conn.Compressor].
func (c *compressor) Release() { c.budget.giveBack(c.held.Swap(0)) }
