package deflate

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkCompress(b *testing.B) {
	for _, n := range []int{125, 1024, 16384} {
		r := rand.New(rand.NewPCG(1, 2))
		messages := make([][]byte, 256)
		for i := range messages {
			messages[i] = jsonOf(r, n)
		}
		for _, mode := range []string{"permessage-deflate; server_no_context_takeover", "permessage-deflate",
			"permessage-deflate; server_no_context_takeover; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9",
			"permessage-deflate; server_max_window_bits=11", "permessage-deflate; server_max_window_bits=12"} {
			for level := 1; level <= 9; level++ {
				b.Run(fmt.Sprintf("%d/%s/%d", n, mode[min(len(mode), 20):], level), func(b *testing.B) {
					p := newPair(b, &Options{Level: level, MinSize: -1, ServerContextTakeover: true}, mode)
					dst := make([]byte, 0, 2*n)
					in, out := 0, 0
					b.ReportAllocs()
					b.SetBytes(int64(n))
					for i := 0; b.Loop(); i++ {
						got, _ := p.out.Compress(dst, messages[i%len(messages)], true, true)
						in, out = in+n, out+len(got)
					}
					b.ReportMetric(100*float64(out)/float64(in), "%")
				})
			}
		}
	}
}
