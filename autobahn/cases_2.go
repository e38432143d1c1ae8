package autobahn

import (
	"fmt"
	"time"

	"github.com/idlewire/idlewire/frame"
)

// The payloads of many cases, as they have always been.
const (
	greeting    = "Hello, world!"
	pingPayload = "ping payload"
)

func section2() Section {
	const payload = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
	var ten []Step
	for i := range 10 {
		ten = append(ten, ping(fmt.Sprintf("payload-%d", i)))
	}
	return Section{
		ID: "2", Title: "Ping and pong",
		Requires: "5.5.2: a ping is answered with a pong, as soon as is practical. 5.5.3: the pong has the application data of its ping; " +
			"a pong that nobody asked for is allowed and gets no answer. Of several pings a peer may answer " +
			"the last alone; 2.10 and 2.11 want them all, as they always have. " +
			"5.5: a control frame has no more than 125 octets.",
		Cases: []*Case{
			{
				ID: "2.1", RFC: "5.5.2, 5.5.3", Title: "A ping without payload", Expects: "Answer with a pong without payload",
				Steps: plain(ping("")), Expect: echoes(ping("")), Deadline: closeIn(time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.2", RFC: "5.5.2, 5.5.3", Title: "A ping with text", Expects: "Answer with a pong of the same payload",
				Steps: plain(ping(greeting)), Expect: echoes(ping(greeting)), Deadline: closeIn(time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.3", RFC: "5.5.2, 5.5.3", Title: "A ping with octets that are no text",
				Expects: "Answer with a pong of the same payload: control frames are not checked for UTF-8",
				Steps:   plain(ping(payload)), Expect: echoes(ping(payload)), Deadline: closeIn(time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.4", RFC: "5.5, 5.5.2, 5.5.3", Title: "A ping of 125 octets, the most that a control frame may have",
				Expects: "Answer with a pong of the same payload",
				Steps:   plain(filled(125, ping("\xfe"))), Expect: echoes(filled(125, ping("\xfe"))), Deadline: closeIn(time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.5", RFC: "5.5, 7.1.7", Title: "A ping of 126 octets, one too many", Expects: failIt,
				Steps: plain(filled(126, ping("\xfe"))), Expect: silence(), Deadline: failIn(time.Second), Close: failedByPeer(frame.CloseProtocolError),
			},
			{
				ID: "2.6", RFC: "5.5, 5.5.2, 5.5.3", Title: "A ping of 125 octets, written an octet at a time",
				Expects: "Answer with a pong of the same payload",
				Steps:   chopped(1, filled(125, ping("\xfe"))), Expect: echoes(filled(125, ping("\xfe"))),
				Deadline: closeIn(2 * time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.7", RFC: "5.5.3", Title: "A pong that answers nothing, without payload, then a Close", Expects: "Ignore the pong; answer the Close",
				Steps: plain(pong(""), closing(frame.CloseNormal, "")), Expect: silence(),
				Deadline: closeIn(time.Second), Close: closedClean(frame.CloseNormal),
			},
			{
				ID: "2.8", RFC: "5.5.3", Title: "A pong that answers nothing, with payload, then a Close", Expects: "Ignore the pong; answer the Close",
				Steps: plain(pong("unsolicited pong payload"), closing(frame.CloseNormal, "")), Expect: silence(),
				Deadline: closeIn(time.Second), Close: closedClean(frame.CloseNormal),
			},
			{
				ID: "2.9", RFC: "5.5.2, 5.5.3", Title: "A pong that answers nothing, then a ping",
				Expects: "Ignore the pong; answer the ping with its own payload",
				Steps:   plain(pong("unsolicited pong payload"), ping(pingPayload)), Expect: echoes(ping(pingPayload)),
				Deadline: closeIn(time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.10", RFC: "5.5.2, 5.5.3", Title: "Ten pings in a row, each with its own payload",
				Expects: "Answer with ten pongs, in the order of their pings",
				Steps:   plain(ten...), Expect: echoes(ten...), Deadline: closeIn(3 * time.Second), Close: closeOnMatch(),
			},
			{
				ID: "2.11", RFC: "5.5.2, 5.5.3", Title: "Ten pings in a row, written an octet at a time",
				Expects: "Answer with ten pongs, in the order of their pings",
				Steps:   chopped(1, ten...), Expect: echoes(ten...), Deadline: closeIn(3 * time.Second), Close: closeOnMatch(),
			},
		},
	}
}
