// Package conn speaks WebSocket (RFC 6455) once the opening handshake is done.
//
// [Protocol] is the machine: bytes from the peer go in, messages come out; messages go in, bytes
// for the peer come out. It does no I/O. [Conn] is the driver that blocks.
package conn
