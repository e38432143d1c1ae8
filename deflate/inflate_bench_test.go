package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"
)

// jsonText is n octets of records, much like what services tell each other.
func jsonText(r *rand.Rand, n int) []byte {
	b := []byte(`[`)
	names := []string{"Ada", "Grace", "Edsger", "Barbara", "Donald", "Tony", "Leslie", "Frances"}
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"name":"%s","balance":%.2f,"active":%t,"tags":["%x","%s"],"at":"2024-%02d-%02dT%02d:%02d:%02dZ"},`, r.IntN(1e6), names[r.IntN(8)],
			r.Float64()*1e4, r.IntN(2) == 0, r.IntN(1<<16), names[r.IntN(8)], 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
	}
	return b[:n]
}

// deflated is a message as klauspost's compressor has it at a level, without the tail.
func deflated(t require.TestingT, level int, message []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(message)
	}
	if err == nil {
		err = w.Flush()
	}
	require.NoError(t, err)
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

// stdDeflated is the same for compress/flate.
func stdDeflated(t require.TestingT, level int, message []byte) []byte {
	var b bytes.Buffer
	w, err := stdflate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(message)
	}
	if err == nil {
		err = w.Flush()
	}
	require.NoError(t, err)
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

var benchmarkSizes = []int{64, 1 << 10, 4 << 10, 16 << 10, 1 << 20}

// benchmarkTexts are messages of JSON of one length, so many that no predictor learns them all; and as klauspost's compressor has them, each alone or all
// in one window.
func benchmarkTexts(b *testing.B, size int, takeover bool) (payloads [][]byte) {
	r := rand.New(rand.NewPCG(7, uint64(size)))
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.DefaultCompression)
	for range max(4, min(100, 1<<20/size)) {
		if buf.Reset(); !takeover {
			w.Reset(&buf)
		}
		if err == nil {
			_, err = w.Write(jsonText(r, size))
		}
		if err == nil {
			err = w.Flush()
		}
		payloads = append(payloads, bytes.TrimSuffix(bytes.Clone(buf.Bytes()), []byte(tail)))
	}
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	return payloads
}

func BenchmarkDecompress(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			payloads := benchmarkTexts(b, size, false)
			dst := make([]byte, 0, size)
			for i := 0; b.Loop(); i++ {
				d := newDecompressor(15, nil)
				out, rest, full, err := d.Decompress(dst, payloads[i%len(payloads)], true)
				if len(out) != size || len(rest) > 0 || full || err != nil {
					b.Fatal(len(out), len(rest), full, err)
				}
				d.End(out)
			}
		})
	}
}

// With the window of the messages before.
func BenchmarkDecompressTakeover(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			payloads := benchmarkTexts(b, size, true)
			dst := make([]byte, 0, size)
			w := newWindow(15)
			for i := 0; b.Loop(); i++ {
				if i%len(payloads) == 0 {
					w.kept = w.kept[:0]
				}
				d := newDecompressor(15, w)
				out, _, full, err := d.Decompress(dst, payloads[i%len(payloads)], true)
				if len(out) != size || full || err != nil {
					b.Fatal(len(out), full, err)
				}
				d.End(out)
			}
		})
	}
}

// In pieces: then the tables are made for each.
func BenchmarkDecompressPieces(b *testing.B) {
	for _, size := range benchmarkSizes {
		for _, piece := range []int{1, 16, 256, 4096} {
			if piece >= size {
				continue
			}
			b.Run(fmt.Sprintf("%d/%d", size, piece), func(b *testing.B) {
				payloads := benchmarkTexts(b, size, false)
				dst := make([]byte, 0, size)
				for i := 0; b.Loop(); i++ {
					d := newDecompressor(15, nil)
					out, src := dst, payloads[i%len(payloads)]
					for len(src) > 0 {
						n := min(piece, len(src))
						var err error
						if out, _, _, err = d.Decompress(out, src[:n], n == len(src)); err != nil {
							b.Fatal(err)
						}
						src = src[n:]
					}
					if len(out) != size {
						b.Fatal(len(out))
					}
					d.End(out)
				}
			})
		}
	}
}

func BenchmarkKlauspost(b *testing.B) {
	benchmarkReader(b, func(in io.Reader) io.Reader { return flate.NewReader(in) }, func(r, in io.Reader) error { return r.(flate.Resetter).Reset(in, nil) })
}

func BenchmarkStd(b *testing.B) {
	benchmarkReader(b, func(in io.Reader) io.Reader { return stdflate.NewReader(in) }, func(r, in io.Reader) error { return r.(stdflate.Resetter).Reset(in, nil) })
}

// benchmarkReader is how other libraries do it: a reader that is used again, of a message with the tail behind it and an end.
func benchmarkReader(b *testing.B, open func(io.Reader) io.Reader, reset func(r, in io.Reader) error) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			payloads := benchmarkTexts(b, size, false)
			for i := range payloads {
				payloads[i] = append(append(payloads[i], tail...), "\x01\x00\x00\xff\xff"...)
			}
			dst := make([]byte, size+1)
			var in bytes.Reader
			r := open(&in)
			for i := 0; b.Loop(); i++ {
				in.Reset(payloads[i%len(payloads)])
				if err := reset(r, &in); err != nil {
					b.Fatal(err)
				}
				if n, err := io.ReadFull(r, dst); err != io.ErrUnexpectedEOF || n != size {
					b.Fatal(n, err)
				}
			}
		})
	}
}
