// Package netpoll serves WebSocket connections (RFC 6455) from event loops: very many of them, without a goroutine for each.
//
//	        accept                     one read per readiness
//	client ───────► loop ─► slot ─► Conn ─► opening handshake ─► conn.Protocol ─► Handler.Message
//	                  ▲                                                               │
//	                  └── one write per turn ◄── output ◄── Conn.Write (any goroutine)┘
//
// There are three types. A [Server] listens, opens connections and owns the loops. A [Conn] is one connection. A [Handler], which the
// program gives for each connection, sees its messages and its end.
//
//	type echo struct{}
//
//	func (echo) Message(c *netpoll.Conn, m conn.Message) { c.Write(m.Op, m.Payload) }
//	func (echo) Close(*netpoll.Conn, error)              {}
//
//	s := &netpoll.Server{
//		Addr: "127.0.0.1:9001",
//		Open: func(*netpoll.Conn, *handshake.Request) netpoll.Handler { return echo{} },
//	}
//	err := s.ListenAndServe()
//
// Handlers run on their connection's loop, one call at a time for each connection and in order, and must not block: while a handler runs, the
// other connections of its loop wait. Writing never blocks: what the peer does not take at once is queued, within limits, and sent when it does.
//
// A server with zero options is safe to expose: it has timeouts for the opening handshake, for silent peers, for peers that do not read and
// for the closing handshake; it limits messages, fragments, control frames, queues and connections; it accepts browsers of its own origin only.
//
// On Linux the loops wait on epoll. Where there is no poller the same loops run over goroutines ([Portable]): the same handlers see the same
// behaviour, at the price of a goroutine per connection.
//
// The package leaves out, so far: TLS in the loop (put a TLS terminator in front, or use the blocking driver of package conn), taking
// connections over from net/http, and kqueue. Compression is in package deflate: set Options.Compression.
package netpoll
