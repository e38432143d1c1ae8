package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
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
func deflated(t testing.TB, level int, message []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(message)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

// stdDeflated is the same for compress/flate.
func stdDeflated(t testing.TB, level int, message []byte) []byte {
	var b bytes.Buffer
	w, err := stdflate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(message)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

type benchmark struct {
	name       string
	messages   [][]byte
	compressed [][]byte
	size       int
}

func benchmarks(b *testing.B) (bs []benchmark) {
	for _, size := range []int{64, 1 << 10, 4 << 10, 16 << 10, 1 << 20} {
		r := rand.New(rand.NewPCG(7, uint64(size)))
		bm := benchmark{name: fmt.Sprint(size), size: size}
		for range max(4, min(100, 1<<20/size)) {
			m := jsonText(r, size)
			bm.messages = append(bm.messages, m)
			bm.compressed = append(bm.compressed, deflated(b, flate.DefaultCompression, m))
		}
		bs = append(bs, bm)
	}
	return bs
}

func BenchmarkDecompress(b *testing.B) {
	for _, bm := range benchmarks(b) {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(bm.size))
			dst := make([]byte, 0, bm.size)
			for i := 0; b.Loop(); i++ {
				d := newDecompressor(15, nil)
				out, rest, full, err := d.Decompress(dst, bm.compressed[i%len(bm.compressed)], true)
				if len(out) != bm.size || len(rest) > 0 || full || err != nil {
					b.Fatal(len(out), len(rest), full, err)
				}
				d.End(out)
			}
		})
	}
}

// With the window of the messages before.
func BenchmarkDecompressTakeover(b *testing.B) {
	for _, bm := range benchmarks(b) {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(bm.size))
			dst := make([]byte, 0, bm.size)
			var compressed [][]byte
			var buf bytes.Buffer
			fw, _ := flate.NewWriter(&buf, flate.DefaultCompression)
			for _, m := range bm.messages {
				buf.Reset()
				fw.Write(m)
				fw.Flush()
				compressed = append(compressed, bytes.TrimSuffix(bytes.Clone(buf.Bytes()), []byte(tail)))
			}
			w := newWindow(15)
			for i := 0; b.Loop(); i++ {
				if i%len(compressed) == 0 {
					w.kept = w.kept[:0]
				}
				d := newDecompressor(15, w)
				out, rest, full, err := d.Decompress(dst, compressed[i%len(compressed)], true)
				if len(out) != bm.size || len(rest) > 0 || full || err != nil {
					b.Fatal(len(out), len(rest), full, err)
				}
				d.End(out)
			}
		})
	}
}

// In pieces: of the input, and of the room.
func BenchmarkDecompressPieces(b *testing.B) {
	for _, bm := range benchmarks(b) {
		for _, piece := range []int{1, 16, 256, 4096} {
			if piece >= bm.size {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", bm.name, piece), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(bm.size))
				buf := make([]byte, 0, bm.size)
				for i := 0; b.Loop(); i++ {
					d := newDecompressor(15, nil)
					out := buf
					src := bm.compressed[i%len(bm.compressed)]
					for len(src) > 0 {
						n := min(piece, len(src))
						var err error
						if out, _, _, err = d.Decompress(out, src[:n], n == len(src)); err != nil {
							b.Fatal(err)
						}
						src = src[n:]
					}
					if len(out) != bm.size {
						b.Fatal(len(out))
					}
					d.End(out)
				}
			})
		}
	}
}

func BenchmarkKlauspost(b *testing.B) {
	benchmarkReader(b, func(in io.Reader) io.Reader { return flate.NewReader(in) }, func(r, in io.Reader) { r.(flate.Resetter).Reset(in, nil) })
}

func BenchmarkStd(b *testing.B) {
	benchmarkReader(b, func(in io.Reader) io.Reader { return stdflate.NewReader(in) }, func(r, in io.Reader) { r.(stdflate.Resetter).Reset(in, nil) })
}

func benchmarkReader(b *testing.B, open func(io.Reader) io.Reader, reset func(r, in io.Reader)) {
	for _, bm := range benchmarks(b) {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(bm.size))
			dst := make([]byte, bm.size+1)
			var payloads [][]byte
			for _, c := range bm.compressed {
				payloads = append(payloads, append(append(bytes.Clone(c), tail...), "\x01\x00\x00\xff\xff"...))
			}
			var in bytes.Reader
			r := open(&in)
			for i := 0; b.Loop(); i++ {
				in.Reset(payloads[i%len(payloads)])
				reset(r, &in)
				if n, err := io.ReadFull(r, dst); err != io.ErrUnexpectedEOF || n != bm.size {
					b.Fatal(n, err)
				}
			}
		})
	}
}
