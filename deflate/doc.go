// Package deflate compresses the messages of a WebSocket connection: the extension permessage-deflate, RFC 7692. An [Options] is a policy; set it as the
// Compression of a connection's options, and both ends talk about the rest in the opening handshake.
//
//	client  Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
//	server  Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover
//
//	+-+-+-+-+-------+-+-------------+-------------------------------+
//	|F|R|R|R| opcode|M|   length    | message through DEFLATE,      |
//	|I|S|S|S|       | |             | without the 00 00 ff ff that  |
//	|N|V|V|V|       | |             | ends it (RFC 7692, 7.2.1)     |
//	| |1|2|3|       | |             |                               |
//	+-+-+-+-+-------+-+-------------+-------------------------------+
//	   ^ set on the first frame of a message that is compressed; each message may be or not
//
// There are two types: Options, and [Params], which are the parameters of one offer or answer; most programs need the first alone.
//
// # One program
//
//	opts := &conn.Options{Compression: &deflate.Options{}}
//	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
//		c, err := conn.Accept(w, r, nil, opts)
//		if err != nil {
//			return // Accept has answered
//		}
//		defer c.CloseNow()
//		for {
//			m, err := c.Read() // decompressed
//			if err != nil || c.Write(m.Op, m.Payload) != nil { // compressed, if it is long enough and the client can
//				return
//			}
//		}
//	})
//
// # What it costs
//
// By default no message refers to another, on either side. Then a connection holds nothing for compression while it is idle, and all of them share
// what compresses: about 0.8 MB for each message that is being compressed at the same time, which goes back to a pool.
//
// Context takeover lets messages refer to those before. Short messages of one kind then become half as long as without, and a connection holds a window for each direction
// that has it: 1<<bits octets, from 256 to 32768, which grows as it is used, and nothing else. Budgets limit them for a connection and for all (see Options); where
// there is no room, a connection is granted no takeover.
//
// A window smaller than 32 KiB is kept to: what is sent refers no farther back, and what is received is refused if it does.
//
// Messages that are short, or would not shrink, go as they are. Level 1 is the default; level 6 makes long messages a tenth smaller and takes twice the time, level 9 takes
// six times. How far back in the window to search follows the level as well.
//
// # What it leaves out
//
// Secrets and what an attacker chooses should not go into one compressed message, nor, with takeover, into one direction of one connection: the length of what is sent
// tells about what they have in common (as with CRIME and BREACH). Send such messages with WriteUncompressed.
//
// The limit on what a message may grow to when it is decompressed is MaxMessage, in the options of the connection.
package deflate
