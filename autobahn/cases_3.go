package autobahn

import (
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section3() Section {
	const (
		rsv1, rsv2, rsv3 = frame.Rsv1, frame.Rsv2, frame.Rsv3
		payload          = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
	)
	cases := []*Case{
		{
			ID: "3.1", Title: "Text with RSV3", Expects: failIt,
			Steps: plain(reserved(rsv3, text(greeting))), Expect: silence(),
		},
		{
			ID: "3.2", Title: "Good text, then text with RSV2, then a ping", Expects: echoFailIt,
			Steps: plain(text(greeting), reserved(rsv2, text(greeting)), ping("")), Expect: echoesUnlessLost(text(greeting)),
		},
		{
			ID: "3.3", Title: "Good text, then text with RSV2 and RSV3, then a ping, each in a write of its own", Expects: echoFailIt,
			Steps: perFrame(text(greeting), reserved(rsv2|rsv3, text(greeting)), ping("")), Expect: echoesUnlessLost(text(greeting)),
		},
		{
			ID: "3.4", Title: "Good text, then text with RSV1, then a ping, written an octet at a time", Expects: echoFailIt,
			Steps: chopped(1, text(greeting), reserved(rsv1, text(greeting)), ping("")), Expect: echoesUnlessLost(text(greeting)),
		},
		{
			ID: "3.5", Title: "Binary with RSV1 and RSV3", Expects: failIt,
			Steps: plain(reserved(rsv1|rsv3, bin(payload))), Expect: silence(),
		},
		{
			ID: "3.6", Title: "Binary with RSV1 and RSV2", Expects: failIt,
			Steps: plain(reserved(rsv1|rsv2, bin(greeting))), Expect: silence(),
		},
		{
			ID: "3.7", Title: "A Close with RSV1, RSV2 and RSV3", Expects: failIt,
			Steps: plain(reserved(rsv1|rsv2|rsv3, aFrame(frame.Close, ""))), Expect: silence(),
		},
	}
	for _, c := range cases {
		c.RFC = "5.2, 7.1.7"
		c.Deadline, c.Close = failIn(time.Second), failedByPeer(frame.CloseProtocolError)
	}
	return Section{
		ID: "3", Title: "Reserved bits",
		Requires: "5.2: RSV1, RSV2 and RSV3 are 0 unless an extension was agreed that gives them a meaning; whoever receives another value " +
			"fails the connection. 7.1.7: that is a Close that says why, or none, and then the end of TCP.",
		Cases: cases,
	}
}
