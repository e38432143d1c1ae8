package frame

import (
	"encoding/binary"
	"math/bits"
)

// Mask masks b in place with key, or unmasks it, which is the same act (section 5.3). It returns
// the key with which to go on with the next octets of the same payload, so that a payload may be masked in
// pieces of any size:
//
//	for each piece of the payload {
//		key = frame.Mask(piece, key)
//	}
//
// The first octet of the key on the wire is its least significant, as in Header.Key. The cost
// is linear, and the same for any alignment of b.
func Mask(b []byte, key uint32) uint32 {
	// 5.3: "Octet i of the transformed data is the XOR of octet i of the original data with octet at
	// index i modulo 4 of the masking key". Little-endian words make that octet the low one on any machine.
	n := len(b)
	next := bits.RotateLeft32(key, -8*(n&3))
	k := uint64(key) | uint64(key)<<32

	if n < 8 {
		if n >= 4 {
			// The first four and the last four, read before either is written, so that where they
			// overlap both write the same.
			first, last := b[:4], b[n-4:]
			x := binary.LittleEndian.Uint32(first) ^ key
			y := binary.LittleEndian.Uint32(last) ^ next
			binary.LittleEndian.PutUint32(first, x)
			binary.LittleEndian.PutUint32(last, y)
			return next
		}
		for i := range b {
			b[i] ^= byte(key)
			key >>= 8
		}
		return next
	}

	// The same with the last eight, of which the loops below may do a part: at n-8 the key stands as at n.
	last := b[n-8:]
	y := binary.LittleEndian.Uint64(last) ^ (uint64(next) | uint64(next)<<32)

	for len(b) >= 64 {
		c := b[:64]
		binary.LittleEndian.PutUint64(c[0:], binary.LittleEndian.Uint64(c[0:])^k)
		binary.LittleEndian.PutUint64(c[8:], binary.LittleEndian.Uint64(c[8:])^k)
		binary.LittleEndian.PutUint64(c[16:], binary.LittleEndian.Uint64(c[16:])^k)
		binary.LittleEndian.PutUint64(c[24:], binary.LittleEndian.Uint64(c[24:])^k)
		binary.LittleEndian.PutUint64(c[32:], binary.LittleEndian.Uint64(c[32:])^k)
		binary.LittleEndian.PutUint64(c[40:], binary.LittleEndian.Uint64(c[40:])^k)
		binary.LittleEndian.PutUint64(c[48:], binary.LittleEndian.Uint64(c[48:])^k)
		binary.LittleEndian.PutUint64(c[56:], binary.LittleEndian.Uint64(c[56:])^k)
		b = b[64:]
	}
	for len(b) > 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^k)
		b = b[8:]
	}
	binary.LittleEndian.PutUint64(last, y)
	return next
}
