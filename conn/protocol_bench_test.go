package conn

import (
	"fmt"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

var benchSizes = []int{0, 125, 126, 1 << 10, 64 << 10, 1 << 20}

// BenchmarkReceive is the way in. "whole" has the frame in b, as it is with most messages; "64KiB" brings it in reads of that
// size, "split" in two reads, cut in the middle, so that it has to be gathered; "parts" is "64KiB" with ReceivePart.
func BenchmarkReceive(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		for _, size := range benchSizes {
			for _, how := range []string{"whole", "split", "64KiB", "parts"} {
				if (how == "64KiB" || how == "parts") && size < 1<<20 {
					continue
				}
				b.Run(fmt.Sprintf("%v/%d/%s", role, size, how), func(b *testing.B) {
					sender, p := Protocol{Role: Client - role}, Protocol{Role: role}
					stream, err := sender.AppendMessage(nil, frame.Binary, make([]byte, size))
					if err != nil {
						b.Fatal(err)
					}
					step := map[string]int{"whole": len(stream), "split": (len(stream) + 1) / 2, "64KiB": 64 << 10, "parts": 64 << 10}[how]
					chunks := equal(stream, step)
					receive := p.Receive
					if how == "parts" {
						receive = p.ReceivePart
					}
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						for _, chunk := range chunks {
							for {
								m, rest, err := receive(chunk)
								if err != nil {
									b.Fatal(err)
								}
								if m.Op == 0 {
									break
								}
								chunk = rest
							}
						}
					}
				})
			}
		}
	}
}

// BenchmarkReceiveMany is a read that holds many messages, as a busy peer sends them.
func BenchmarkReceiveMany(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		b.Run(role.String(), func(b *testing.B) {
			sender, p := Protocol{Role: Client - role}, Protocol{Role: role}
			var stream []byte
			for range 100 {
				stream, _ = sender.AppendMessage(stream, frame.Binary, make([]byte, 64))
			}
			b.SetBytes(100 * 64)
			b.ReportAllocs()
			for b.Loop() {
				for rest := stream; ; {
					m, r, err := p.Receive(rest)
					if err != nil {
						b.Fatal(err)
					}
					if m.Op == 0 {
						break
					}
					rest = r
				}
			}
		})
	}
}

func BenchmarkAppendMessage(b *testing.B) {
	for _, role := range []Role{Server, Client} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", role, size), func(b *testing.B) {
				p := Protocol{Role: role}
				payload := make([]byte, size)
				dst := make([]byte, 0, size+frame.MaxHeaderSize)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.AppendMessage(dst, frame.Binary, payload); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEcho is what a server does with each message of a client: in, and out again.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			client, server := Protocol{Role: Client}, Protocol{}
			stream, _ := client.AppendMessage(nil, frame.Binary, make([]byte, size))
			out := make([]byte, 0, 1<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				m, rest, err := server.Receive(stream)
				if err != nil {
					b.Fatal(err)
				}
				out = server.AppendReply(out[:0], m)
				if out, err = server.AppendMessage(out, m.Op, m.Payload); err != nil {
					b.Fatal(err)
				}
				server.Receive(rest)
			}
		})
	}
}

func BenchmarkMaskKey(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			randomKey()
		}
	})
}
