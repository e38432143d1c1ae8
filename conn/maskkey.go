package conn

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// maskKey returns the key of the next frame: that of the program, or one that nobody can predict.
func (o *Options) maskKey() uint32 {
	if o != nil && o.MaskKey != nil {
		return o.MaskKey()
	}
	return randomKey()
}

// entropy is random bytes that no frame has used yet: b[used:].
type entropy struct {
	b    [4096]byte
	used int // a multiple of 4; len(b): there are none
}

// A pool and not one entropy with a lock: it has one for each processor, so that many connections do not meet.
var entropies = sync.Pool{New: func() any { return &entropy{used: len(entropy{}.b)} }}

// randomKey returns four random bytes. 5.3: the key must be "unpredictable" and "derived from a strong source of entropy";
// 10.3: and new for each frame. Asking the system for 1024 keys at once makes one cheap.
func randomKey() uint32 {
	e := entropies.Get().(*entropy)
	if e.used == len(e.b) {
		rand.Read(e.b[:]) // never fails: it ends the program rather
		e.used = 0
	}
	key := binary.LittleEndian.Uint32(e.b[e.used:])
	e.used += 4
	entropies.Put(e)
	return key
}
