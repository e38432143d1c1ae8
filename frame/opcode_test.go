package frame

import (
	"slices"
	"testing"
)

// The table of section 11.8, as it stands there.
func TestOpcode(t *testing.T) {
	names := map[Opcode]string{0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
	for i := range 256 {
		o := Opcode(i)
		name, defined := names[o]
		if o.IsReserved() == defined {
			t.Errorf("%d: IsReserved = %v", i, o.IsReserved())
		}
		if o.IsData() != (i == 1 || i == 2) {
			t.Errorf("%d: IsData = %v", i, o.IsData())
		}
		if i < 16 && o.IsControl() != slices.Contains([]int{8, 9, 10, 11, 12, 13, 14, 15}, i) {
			t.Errorf("%d: IsControl = %v", i, o.IsControl())
		}
		if defined && o.String() != name {
			t.Errorf("%d: %q", i, o)
		}
	}
	for o, want := range map[Opcode]string{3: "reserved opcode 3", 15: "reserved opcode 15", 16: "opcode above 15", 255: "opcode above 15"} {
		if o.String() != want {
			t.Errorf("%q, want %q", o, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _ = Opcode(7).String() + "" }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
