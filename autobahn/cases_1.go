package autobahn

import (
	"fmt"
	"time"
)

func section1() Section {
	return Section{ID: "1", Title: "Framing: the payload length", Parts: []Section{
		{
			ID: "1.1", Title: "Text messages of one frame",
			Requires: "5.2: a payload of up to 125 octets has its length in 7 bits, up to 65535 octets in 16 bits more, and beyond in 64 bits more; " +
				"the shortest form that fits is the only one. 5.6: opcode 1 is text. A frame is the same however TCP cuts it.",
			Cases: lengths("1.1", "Text", text("*")),
		},
		{
			ID: "1.2", Title: "Binary messages of one frame",
			Requires: "5.2: the same lengths. 5.6: opcode 2 is binary, octets of any value that come back as they are.",
			Cases:    lengths("1.2", "Binary", bin("\xfe")),
		},
	}}
}

func lengths(section, kind string, unit Step) []*Case {
	var cases []*Case
	for _, row := range []struct {
		octets, chop int
		what         string
		within       time.Duration
	}{
		{0, 0, "no payload at all", time.Second},
		{125, 0, "the longest with a 7-bit length", time.Second},
		{126, 0, "the shortest with a 16-bit length", time.Second},
		{127, 0, "the number that in 7 bits announces a 64-bit length", time.Second},
		{128, 0, "past all that 7 bits can say", time.Second},
		{65535, 0, "the longest with a 16-bit length", 10 * time.Second},
		{65536, 0, "the shortest with a 64-bit length", 10 * time.Second},
		{65536, 997, "written 997 octets at a time", 10 * time.Second},
	} {
		f := filled(row.octets, unit)
		cases = append(cases, &Case{
			RFC:      "5.2, 5.6",
			Title:    fmt.Sprintf("%s of %d octets: %s", kind, row.octets, row.what),
			Expects:  echoIt,
			Steps:    chopped(row.chop, f),
			Expect:   echoes(f),
			Deadline: failIn(row.within),
			Close:    closeOnMatch(),
		})
	}
	return numbered(section, cases)
}
