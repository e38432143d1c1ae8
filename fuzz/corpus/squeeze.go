package corpus

import (
	"bytes"
	"compress/flate"
)

// squeeze compresses a message: RFC 7692, 7.2.1. What it makes depends on the release of Go, though it has not changed for years; then the corpora are written anew.
func squeeze(text []byte) []byte {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err) // there is no such level
	}
	z.Write(text)
	z.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}
