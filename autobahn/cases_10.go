package autobahn

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section10() Section {
	whole := filled(64<<10, text("*"))
	return Section{ID: "10", Title: "The runner's own fragmentation", Parts: []Section{{
		ID: "10.1", Title: "A message that the sender cuts",
		Requires: "5.4, 6.1: a sender may cut a message as it likes; the receiver puts it together.",
		Cases: []*Case{{
			ID: "10.1.1", RFC: "5.4, 6.1", Title: "Text of 64 KiB in fragments of 1300 octets, which does not divide it",
			Expects: "Echo it as one message; the runner has to have sent 51 frames",
			Steps:   plain(fragments(1300, whole)), Expect: echoes(whole), Deadline: failIn(10 * time.Second), Close: closeOnMatch(),
			CountFrames: map[frame.Opcode]int{frame.Text: 1, frame.Continuation: 50},
		}},
	}}}
}
