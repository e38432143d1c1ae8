package frame

import "math/bits"

// Mask masks b in place with key, or unmasks it, which is the same (section 5.3). It returns the key with which
// to go on with the next octets of the same payload.
func Mask(b []byte, key uint32) uint32 {
	for i := range b {
		b[i] ^= byte(key)
		key = bits.RotateLeft32(key, -8)
	}
	return key
}
