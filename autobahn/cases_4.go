package autobahn

import (
	"fmt"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section4() Section {
	return Section{ID: "4", Title: "Reserved opcodes", Parts: []Section{
		{
			ID: "4.1", Title: "Opcodes reserved for data",
			Requires: "5.2: opcodes 3 to 7 are reserved for further data frames; whoever receives one fails the connection.",
			Cases:    undefined("4.1", 3),
		},
		{
			ID: "4.2", Title: "Opcodes reserved for control",
			Requires: "5.2: opcodes 11 to 15 are reserved for further control frames; whoever receives one fails the connection.",
			Cases:    undefined("4.2", 11),
		},
	}}
}

// undefined sends each of the five opcodes from first on, alone or behind good text.
func undefined(section string, first frame.Opcode) []*Case {
	op := func(i frame.Opcode, payload string) Step { return aFrame(first+i, payload) }
	name := func(i frame.Opcode) string { return fmt.Sprintf("opcode %d", first+i) }
	cases := []*Case{
		{
			Title: "A frame of " + name(0) + " without payload", Expects: failIt,
			Steps: plain(op(0, "")), Expect: silence(),
		},
		{
			Title: "A frame of " + name(1) + " with payload", Expects: failIt,
			Steps: plain(op(1, "reserved opcode payload")), Expect: silence(),
		},
		{
			Title: "Good text, then a frame of " + name(2) + " without payload, then a ping", Expects: echoFailIt,
			Steps: plain(text(greeting), op(2, ""), ping("")), Expect: echoesUnlessLost(text(greeting)),
		},
		{
			Title: "Good text, then a frame of " + name(3) + " with payload, then a ping", Expects: echoFailIt,
			Steps: plain(text(greeting), op(3, greeting), ping("")), Expect: echoesUnlessLost(text(greeting)),
		},
		{
			Title: "Good text, then a frame of " + name(4) + " with payload, then a ping, written an octet at a time", Expects: echoFailIt,
			Steps: chopped(1, text(greeting), op(4, greeting), ping("")), Expect: echoesUnlessLost(text(greeting)),
		},
	}
	for _, c := range cases {
		c.RFC = "5.2, 7.1.7"
		c.Deadline, c.Close = failIn(time.Second), failedByPeer(frame.CloseProtocolError)
	}
	return numbered(section, cases)
}
