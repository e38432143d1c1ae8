package conn_test

import (
	"fmt"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
)

// A client and a server, joined by two slices instead of a network.
func Example_machine() {
	client, server := conn.Protocol{Role: conn.Client}, conn.Protocol{}

	var toServer, toClient []byte
	toServer, _ = client.AppendMessage(toServer, frame.Text, []byte("Hello"))
	toServer, _ = client.AppendPing(toServer, []byte("still there?"))
	toServer, _ = client.AppendClose(toServer, frame.CloseNormal, "")

	// The server echoes.
	for b := toServer; ; {
		m, rest, err := server.Receive(b)
		if err != nil {
			toClient, _ = server.AppendClose(toClient, conn.CodeOf(err), "") // 7.1.7
			break
		}
		if m.Op == 0 {
			break // more bytes are needed
		}
		toClient = server.AppendReply(toClient, m)
		if m.Op.IsData() {
			toClient, _ = server.AppendMessage(toClient, m.Op, m.Payload)
		}
		b = rest
	}

	// The client hears it one byte after the other: the messages are the same.
	for i := range toClient {
		for b := toClient[i : i+1]; ; {
			m, rest, err := client.Receive(b)
			if err != nil || m.Op == 0 {
				break
			}
			if code, _ := m.Close(); m.Op == frame.Close {
				fmt.Println(m.Op, code)
			} else {
				fmt.Printf("%v %s\n", m.Op, m.Payload)
			}
			b = rest
		}
	}
	fmt.Println(client.CloseSent() && client.CloseReceived() && server.CloseSent() && server.CloseReceived())
	// Output:
	// text Hello
	// pong still there?
	// close 1000 normal closure
	// true
}

// ReceivePart gives a long message away as it comes, and holds nothing.
func ExampleProtocol_ReceivePart() {
	var server conn.Protocol
	server.Options = &conn.Options{MaxMessage: 1 << 30}
	client := conn.Protocol{Role: conn.Client}
	b, _ := client.AppendMessage(nil, frame.Binary, make([]byte, 1_000_000))

	sum, pieces := 0, 0
	for len(b) > 0 { // reads of at most 100 000 bytes
		n := min(100_000, len(b))
		for chunk := b[:n]; ; {
			m, rest, err := server.ReceivePart(chunk)
			if err != nil || m.Op == 0 {
				break
			}
			sum, pieces = sum+len(m.Payload), pieces+1
			chunk = rest
		}
		b = b[n:]
	}
	fmt.Println(sum, "bytes in", pieces, "pieces;", server.Buffered(), "bytes held")
	// Output: 1000000 bytes in 11 pieces; 0 bytes held
}

// One message to many: its frame is made once, and all servers send the same bytes.
func ExamplePrepare() {
	m, err := conn.Prepare(frame.Text, []byte("news"))
	if err != nil {
		panic(err)
	}
	subscribers := make([]conn.Protocol, 3)
	for i := range subscribers {
		b, err := subscribers[i].PreparedFrame(m)
		fmt.Printf("%x %v\n", b, err)
	}
	// Output:
	// 81046e657773 <nil>
	// 81046e657773 <nil>
	// 81046e657773 <nil>
}
