package handshake

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
)

const (
	keySize    = 24 // octets of a Sec-WebSocket-Key: 16 octets in base64
	acceptSize = 28 // octets of a Sec-WebSocket-Accept: 20 octets in base64

	// 1.3: the GUID that no endpoint uses which does not understand the WebSocket protocol.
	guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// AppendAccept appends to dst the Sec-WebSocket-Accept, 28 octets, that answers key (RFC 6455
// section 4.2.2). The key is taken as it is, without a check. Neither slice is retained.
//
// The RFC wants SHA-1 here, which protects nothing: where GODEBUG=fips140=only forbids it, crypto/sha1
// panics, and no WebSocket can be opened.
func AppendAccept(dst, key []byte) []byte {
	var b [keySize + len(guid)]byte
	sum := sha1.Sum(append(append(b[:0], key...), guid...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// validKey reports whether key is the base64 of 16 octets (4.1), in its one canonical form:
// the four bits of the last digit that encode nothing are zero (RFC 4648 3.5).
func validKey(key []byte) bool {
	if len(key) != keySize || key[22] != '=' || key[23] != '=' {
		return false
	}
	for _, c := range key[:22] {
		if !isBase64(c) {
			return false
		}
	}
	switch key[21] {
	case 'A', 'Q', 'g', 'w':
		return true
	}
	return false
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// appendKey appends a fresh key. 4.1: "The nonce MUST be selected randomly for each
// connection."
func appendKey(dst []byte) []byte {
	var nonce [16]byte
	rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	return base64.StdEncoding.AppendEncode(dst, nonce[:])
}
