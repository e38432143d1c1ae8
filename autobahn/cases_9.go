package autobahn

import (
	"fmt"
	"slices"
	"time"
)

// The cases of section 9 judge by length alone: the runner does not keep what it sent to compare it.
func section9() Section {
	const (
		bigText   = "BAsd7&jh23"
		bigBinary = "\x00\xfe\x23\xfa\xf0"
	)
	s := Section{ID: "9", Title: "Limits and speed", Parts: []Section{
		{
			ID: "9.1", Title: "Big text messages in one frame",
			Requires: "5.2: a frame may have 64 bits of length. 10.4: an endpoint may have limits; the suite asks that they are not below 16 MiB.",
			// The deadlines of 9.1 and 9.2 differ, and always have.
			Cases: big("9.1", "Text", text(bigText), 10, 10, 100, 100, 100, 100),
		},
		{
			ID: "9.2", Title: "Big binary messages in one frame", Requires: "5.2, 10.4: the same.",
			Cases: big("9.2", "Binary", bin(bigBinary), 10, 10, 10, 10, 100, 100),
		},
		{
			ID: "9.3", Title: "4 MiB of text in fragments",
			Requires: "5.4: a message may have any number of fragments of any size, the last one empty. 10.4: an endpoint may have limits; the suite " +
				"asks that they are not below 65537 fragments.",
			Cases: inFragments("9.3", "Text", text("*"), text("*")),
		},
		{
			ID: "9.4", Title: "4 MiB of binary in fragments", Requires: "5.4, 10.4: the same.",
			Cases: inFragments("9.4", "Binary", bin("\xfe"), bin("*")), // only the first has octets that are no text
		},
		{
			ID: "9.5", Title: "1 MiB of text in small writes",
			Requires: "5.2: a frame is the same however TCP cuts it.",
			Cases:    inChops("9.5", "Text", text(bigText)),
		},
		{
			ID: "9.6", Title: "1 MiB of binary in small writes", Requires: "5.2: the same.",
			Cases: inChops("9.6", "Binary", bin(bigBinary)),
		},
		{
			ID: "9.7", Title: "1000 round trips of text",
			Requires: "6.1, 6.2: messages are sent and received one after the other, and keep their bounds. The report shows how long that took.",
			Cases:    roundTrips("9.7", "text", text("*")),
		},
		{
			ID: "9.8", Title: "1000 round trips of binary", Requires: "6.1, 6.2: the same.",
			Cases: roundTrips("9.8", "binary", bin("\xfe")),
		},
	}}
	for _, p := range s.Parts {
		for _, c := range p.Cases {
			c.RoundTrips = max(c.RoundTrips, 1)
			c.Close = closedClean(1000)
			c.ShowDuration = true
		}
	}
	return s
}

const echoLength = "Echo a message of the same type and length"

func big(section, kind string, unit Step, seconds ...int) []*Case {
	var cases []*Case
	for i, kib := range []int{64, 256, 1 << 10, 4 << 10, 8 << 10, 16 << 10} {
		cases = append(cases, &Case{
			RFC: "5.2, 10.4", Title: fmt.Sprintf("%s of %s in one frame", kind, size(kib<<10)), Expects: echoLength,
			Steps: plain(filled(kib<<10, unit)), Deadline: closeIn(time.Duration(seconds[i]) * time.Second),
		})
	}
	return numbered(section, cases)
}

func inFragments(section, kind string, first, rest Step) []*Case {
	const all = 4 << 20
	var cases []*Case
	unit := first
	for _, n := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		cases = append(cases, &Case{
			RFC: "5.4, 10.4", Title: fmt.Sprintf("%s of 4 MiB in fragments of %s", kind, size(n)), Expects: echoLength,
			Steps: plain(fragments(n, filled(all, unit))), Deadline: closeIn(100 * time.Second),
		})
		unit = rest
	}
	cases = append(cases, &Case{
		RFC: "5.2, 10.4", Title: kind + " of 4 MiB that is not fragmented", Expects: echoLength,
		Steps: plain(message(filled(all, rest))), Deadline: closeIn(100 * time.Second),
	})
	return numbered(section, cases)
}

func inChops(section, kind string, unit Step) []*Case {
	var cases []*Case
	for _, n := range []int{64, 128, 256, 512, 1024, 2048} {
		cases = append(cases, &Case{
			RFC: "5.2", Title: fmt.Sprintf("%s of 1 MiB, written %d octets at a time", kind, n), Expects: echoLength,
			Steps: chopped(n, filled(1<<20, unit)), Deadline: closeIn(1000 * time.Second),
		})
	}
	return numbered(section, cases)
}

func roundTrips(section, kind string, unit Step) []*Case {
	var cases []*Case
	for _, row := range []struct{ octets, seconds int }{{0, 60}, {16, 60}, {64, 60}, {256, 120}, {1024, 240}, {4096, 480}} {
		cases = append(cases, &Case{
			RFC: "6.1, 6.2", Title: fmt.Sprintf("1000 %s messages of %d octets, each when the one before has come back", kind, row.octets),
			Expects: "Echo each, of the same type and length", RoundTrips: 1000,
			Steps: plain(filled(row.octets, unit)), Deadline: closeIn(time.Duration(row.seconds) * time.Second),
		})
	}
	return numbered(section, cases)
}

// size is n octets in words.
func size(n int) string {
	for i, unit := range slices.Backward([]string{"octets", "KiB", "MiB"}) {
		if one := 1 << (10 * i); n >= one && n%one == 0 {
			return fmt.Sprintf("%d %s", n/one, unit)
		}
	}
	return fmt.Sprintf("%d octets", n)
}
