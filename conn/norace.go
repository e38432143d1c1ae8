//go:build !race

package conn

type loan struct{}

func (*loan) end([]byte)        {}
func (*loan) begin(_, _ []byte) {}
func (*loan) step()             {}
func scrub([]byte)              {}
