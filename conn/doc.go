// Package conn speaks WebSocket (RFC 6455) once the opening handshake is done, as server and as client.
//
// It has two floors. [Protocol] is the machine: it does no I/O. Bytes from the peer go in and messages come out;
// messages of the program go in and bytes for the peer come out. [Conn] is the driver that blocks: it turns the
// machine's crank over a net.Conn. The event loop of package netpoll turns the same crank.
//
// A few types carry everything: [Protocol], [Message], [Options] and [Prepared]; [Conn] and [Dialer];
// [CloseError], the peer's goodbye. Kinds of messages are opcodes of package frame.
//
//	peer's bytes   81 85 37fa213d 7f9f4d5158   89 80 00000000   88 82 00000000 03e8
//	                          |                      |                   |
//	Receive             Text "Hello"                Ping           Close 1000
//	                                                 |                   |
//	AppendReply                                8a 00 (Pong)    88 02 03e8 (Close)
//
// A whole driver is this loop; reading, writing and time are all that is left to add:
//
//	for {
//		m, rest, err := p.Receive(b)
//		if err != nil {
//			out, _ = p.AppendClose(out, conn.CodeOf(err), "") // 7.1.7: fail the connection
//			return out, err
//		}
//		if m.Op == 0 {
//			return out, nil // b is used up
//		}
//		out = p.AppendReply(out, m)
//		deliver(m)
//		b = rest
//	}
//
// The machine does not look at a clock, so it does not know timeouts, heartbeats or rates; those fields of [Options] are
// the drivers'. It compresses if it is given a [Compressor], as package deflate makes them of what an opening handshake has agreed on; else a
// reserved bit is an error. It does not check that a Text message to be sent is UTF-8; the peer will.
package conn
