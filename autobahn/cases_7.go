package autobahn

import (
	"fmt"
	"strings"
	"time"

	"github.com/idlewire/idlewire/frame"
)

func section7() Section {
	s := Section{ID: "7", Title: "The closing handshake", Parts: []Section{
		{
			ID: "7.1", Title: "Closing, and what comes behind a Close",
			Requires: "5.5.1: a Close is answered with a Close, once. 1.4: data behind a Close is discarded. 5.5.2: a ping behind a Close needs no pong. " +
				"7.1.1: then the server closes TCP, and the client waits for that.",
			Cases: behindClose(),
		},
		{
			ID: "7.3", Title: "The body of a Close",
			Requires: "5.5.1: a Close has no body, or a code of two octets and behind it a reason in UTF-8. 5.5: with both it has no more than 125 octets. " +
				"7.1.5: without a body the code is said to be 1005.",
			Cases: closeBodies(),
		},
		{
			ID: "7.5", Title: "The reason in a Close",
			Requires: "5.5.1, 7.1.6, 8.1: the reason is UTF-8; whoever receives another one fails the connection.",
			Cases:    closeReasons(),
		},
		{
			ID: "7.7", Title: "Close codes that may be sent",
			Requires: "7.4.1: 1000 to 1003 and 1007 to 1011 are defined. 7.4.2: 3000 to 3999 are registered, 4000 to 4999 private. 5.5.1: the answer " +
				"typically has the same code; 1000, or none, is as good.",
			Cases: goodCodes(),
		},
		{
			ID: "7.9", Title: "Close codes that must not be sent",
			Requires: "7.4.1: 1004 is reserved, 1005 and 1006 are never on the wire. 7.4.2: 0 to 999 are not used, 1016 to 2999 are reserved for the protocol.",
			Cases:    badCodes(),
		},
		{
			ID: "7.13", Title: "Close codes that the RFC does not speak of",
			Requires: "7.4.2 ends at 4999. These cases show what the peer does, and judge nothing.",
			Cases:    undefinedCodes(),
		},
	}}
	for _, p := range s.Parts {
		for _, c := range p.Cases {
			c.Deadline = failIn(time.Second)
			c.WrongCodeFails = !c.Informational
		}
	}
	return s
}

const (
	helloWorld = "Hello World!"

	answerClose = "Answer the Close with a Close: 1000, or no code; the server closes TCP"
	refuseClose = "Fail the connection: a Close with 1002, or TCP dropped"
)

func behindClose() []*Case {
	bye := closing(frame.CloseNormal, "")
	return []*Case{
		{
			ID: "7.1.1", RFC: "5.5.1, 7.1.1, 7.1.2", Title: "Text, and a Close when its echo is there", Expects: "Echo the text; answer the Close",
			Steps: plain(text(helloWorld)), Expect: echoes(text(helloWorld)), Close: closeOnMatch(),
		},
		{
			ID: "7.1.2", RFC: "1.4, 5.5.1", Title: "Two Close frames in a row", Expects: "Answer the first; ignore the second",
			Steps: plain(bye, aFrame(frame.Close, "")), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.1.3", RFC: "1.4, 5.5.1, 5.5.2", Title: "A Close, then a ping", Expects: "Answer the Close; do not answer the ping",
			Steps: plain(bye, ping("")), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.1.4", RFC: "1.4, 5.5.1", Title: "A Close, then text", Expects: "Answer the Close; do not echo the text",
			Steps: plain(bye, text(helloWorld)), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.1.5", RFC: "1.4, 5.4, 5.5.1", Title: "Text in two fragments, and a Close between them", Expects: "Answer the Close; do not echo the text",
			Steps: plain(more(text("fragment1")), bye, cont("fragment2")), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			// The list has the small echo alone: a peer that echoes both, as most do, equals neither. That only words the reason.
			ID: "7.1.6", RFC: "1.4, 5.5.1", Title: "256 KiB of text, then a short text, then a Close, then a ping",
			Expects:       "Nothing is judged: the result says which echoes came before the Close was answered",
			Steps:         plain(filled(256<<10, text("BAsd7&jh23")), text(helloWorld), bye, ping("")),
			Expect:        echoesUnlessLost(text(helloWorld)),
			Close:         closedClean(frame.CloseNormal),
			Informational: true,
		},
	}
}

func closeBodies() []*Case {
	return []*Case{
		{
			ID: "7.3.1", RFC: "5.5.1, 7.1.5", Title: "A Close without body", Expects: answerClose,
			Steps: plain(closingRaw("")), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.3.2", RFC: "5.5.1, 7.1.7", Title: "A Close with a body of one octet", Expects: refuseClose,
			Steps: plain(closingRaw("a")), Expect: silence(), Close: closedOrDropped(frame.CloseProtocolError),
		},
		{
			ID: "7.3.3", RFC: "5.5.1, 7.1.5", Title: "A Close with a code and no reason", Expects: answerClose,
			Steps: plain(closing(frame.CloseNormal, "")), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.3.4", RFC: "5.5.1, 7.1.6", Title: "A Close with a code and a reason", Expects: answerClose,
			Steps: plain(closing(frame.CloseNormal, helloWorld)), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.3.5", RFC: "5.5, 5.5.1, 7.1.6", Title: "A Close with a code and a reason of 123 octets, the longest that fits", Expects: answerClose,
			Steps: plain(closing(frame.CloseNormal, strings.Repeat("*", 123))), Expect: silence(), Close: closedClean(frame.CloseNormal),
		},
		{
			ID: "7.3.6", RFC: "5.5, 5.5.1, 7.1.7", Title: "A Close with a code and a reason of 124 octets, one too many", Expects: refuseClose,
			Steps: plain(closing(frame.CloseNormal, strings.Repeat("*", 124))), Expect: silence(), Close: closedOrDropped(frame.CloseProtocolError),
		},
	}
}

func closeReasons() []*Case {
	return []*Case{{
		ID: "7.5.1", RFC: "5.5.1, 7.1.6, 7.1.7, 8.1", Title: "A Close with a reason that is not UTF-8",
		Expects: "Fail the connection: a Close with 1002 or 1007, or TCP dropped",
		Steps:   plain(closing(frame.CloseNormal, kosme+edited)), Expect: silence(),
		Close: closedOrDropped(frame.CloseProtocolError, frame.CloseInvalidPayload),
	}}
}

func goodCodes() []*Case {
	var cases []*Case
	for _, row := range []struct {
		code frame.CloseCode
		rfc  string
		what string
	}{
		{1000, "7.4.1", "normal closure"},
		{1001, "7.4.1", "going away"},
		{1002, "7.4.1", "protocol error"},
		{1003, "7.4.1", "unsupported data"},
		{1007, "7.4.1", "invalid payload"},
		{1008, "7.4.1", "policy violation"},
		{1009, "7.4.1", "message too big"},
		{1010, "7.4.1", "an extension is missing"},
		{1011, "7.4.1", "internal error"},
		{3000, "7.4.2", "the first that can be registered"},
		{3999, "7.4.2", "the last that can be registered"},
		{4000, "7.4.2", "the first for private use"},
		{4999, "7.4.2", "the last for private use"},
	} {
		c := &Case{
			RFC: "5.5.1, " + row.rfc, Title: fmt.Sprintf("A Close with code %d: %s", row.code, row.what), Expects: answerClose,
			Steps: plain(closing(row.code, "")), Expect: silence(), Close: closedClean(frame.CloseNormal),
		}
		if row.code != frame.CloseNormal {
			c.Expects = fmt.Sprintf("Answer the Close with a Close: %d, 1000, or no code; the server closes TCP", row.code)
			c.Close.Codes = codes(frame.CloseNormal, row.code)
		}
		cases = append(cases, c)
	}
	return numbered("7.7", cases)
}

func badCodes() []*Case {
	var cases []*Case
	for _, row := range []struct {
		code frame.CloseCode
		rfc  string
		what string
	}{
		{0, "7.4.2", "the first that is not used"},
		{999, "7.4.2", "the last that is not used"},
		{1004, "7.4.1", "reserved"},
		{1005, "7.4.1", "it stands for a Close without code, and is not sent"},
		{1006, "7.4.1", "it stands for the end without Close, and is not sent"},
		{1016, "7.4.2", "the first that is reserved for the protocol and has no meaning"},
		{1100, "7.4.2", "reserved for the protocol"},
		{2000, "7.4.2", "reserved for extensions"},
		{2999, "7.4.2", "the last that is reserved"},
	} {
		cases = append(cases, &Case{
			RFC: "5.5.1, 7.1.7, " + row.rfc, Title: fmt.Sprintf("A Close with code %d: %s", row.code, row.what), Expects: refuseClose,
			Steps: plain(closing(row.code, "")), Expect: silence(), Close: closedOrDropped(frame.CloseProtocolError),
		})
	}
	return numbered("7.9", cases)
}

func undefinedCodes() []*Case {
	var cases []*Case
	for _, code := range codes(5000, 65535) {
		cases = append(cases, &Case{
			RFC: "7.4.2", Title: fmt.Sprintf("A Close with code %d, of which the RFC does not speak", code),
			Expects: "Nothing is judged: the report shows the code of the answer, if there is one",
			Steps:   plain(closing(code, "")), Expect: silence(), Close: closedOrDropped(frame.CloseNormal, code, frame.CloseProtocolError),
			Informational: true,
		})
	}
	return numbered("7.13", cases)
}
