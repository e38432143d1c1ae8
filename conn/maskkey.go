package conn

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// keyring holds random bytes for masking keys.
type keyring struct {
	b    [4096]byte
	used int
}

var keyrings = sync.Pool{New: func() any { return &keyring{used: len(keyring{}.b)} }}

// maskKey returns a masking key that nobody can predict. 10.3: "derived from a strong source of entropy".
func maskKey() uint32 {
	k := keyrings.Get().(*keyring)
	if k.used == len(k.b) {
		rand.Read(k.b[:])
		k.used = 0
	}
	key := binary.LittleEndian.Uint32(k.b[k.used:])
	k.used += 4
	keyrings.Put(k)
	return key
}

func (o *Options) maskKey() uint32 {
	if o != nil && o.MaskKey != nil {
		return o.MaskKey()
	}
	return maskKey()
}
