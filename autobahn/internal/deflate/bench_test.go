package deflate

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
	"github.com/klauspost/compress/flate"
)

var benchmarks = []struct {
	name string
	Params
}{
	{"15", Params{}},
	{"15none", Params{ServerNoContextTakeover: true}},
	{"9", Params{ServerMaxWindowBits: 9}},
}

// each runs f with messages of each corpus and length, as the server sends them.
func each(b *testing.B, f func(b *testing.B, p Params, messages, compressed [][]byte, size int64)) {
	for _, bm := range benchmarks {
		for _, name := range []string{"json", "bitmap", "prose", "html", "pdf"} {
			for _, n := range []int{16, 1024, 131072} {
				b.Run(fmt.Sprintf("%s/%s/%d", bm.name, name, n), func(b *testing.B) {
					c := New(bm.Params, false)
					var messages, compressed [][]byte
					for k := range max(8, min(1000, 1<<18/n)) {
						m := corpus.Get(name, 1).Message(nil, k, n)
						z, err := c.Compress(nil, m)
						if err != nil {
							b.Fatal(err)
						}
						messages = append(messages, m)
						compressed = append(compressed, z)
					}
					b.ReportAllocs()
					b.SetBytes(int64(n))
					f(b, bm.Params, messages, compressed, int64(n))
				})
			}
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	each(b, func(b *testing.B, p Params, messages, _ [][]byte, _ int64) {
		c := New(p, false)
		var dst []byte
		in, out := 0, 0
		for i := 0; b.Loop(); i++ {
			m := messages[i%len(messages)]
			dst, _ = c.Compress(dst[:0], m)
			in += len(m)
			out += len(dst)
		}
		b.ReportMetric(float64(out)/float64(in), "ratio")
	})
}

func BenchmarkDecompress(b *testing.B) {
	each(b, func(b *testing.B, p Params, _, compressed [][]byte, n int64) {
		c := New(p, true)
		var dst []byte
		for i := 0; b.Loop(); i++ {
			if i%len(compressed) == 0 {
				c.inflater.history.n = 0
			}
			var err error
			if dst, err = c.Decompress(dst[:0], compressed[i%len(compressed)], 1<<20); err != nil || len(dst) < int(n) {
				b.Fatal(i, err)
			}
		}
	})
}

func BenchmarkDecompressKlauspost(b *testing.B) {
	each(b, func(b *testing.B, p Params, _, compressed [][]byte, n int64) {
		if !p.ServerNoContextTakeover {
			b.Skip()
		}
		var in bytes.Reader
		r := flate.NewReader(&in)
		dst := make([]byte, 1<<20)
		var tmp []byte
		for i := 0; b.Loop(); i++ {
			tmp = append(append(tmp[:0], compressed[i%len(compressed)]...), "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...)
			in.Reset(tmp)
			r.(flate.Resetter).Reset(&in, nil)
			if m, err := io.ReadFull(r, dst); err != io.ErrUnexpectedEOF || m < int(n) {
				b.Fatal(m, err)
			}
		}
	})
}
