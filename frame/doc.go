// Package frame reads and writes the bytes of one WebSocket frame (RFC 6455, section 5), and the few
// things that are spelled inside one: the masking, the close code with its reason, and UTF-8.
//
// # The wire format
//
// Section 5.2, with the names of [Header]:
//
//	octet 0            octet 1             0, 2 or 8 octets    0 or 4      the rest
//	+-+-+-+-+-------+ +-+-------------+ +-------------------+ +-------+ +-------------+
//	|F|  R  | Opcode| |M|  length     | |  length, if the 7 | |  Key, | |  Length     |
//	|i|  s  |       | |a|  0-125, or  | |  bits say 126 (2) | |  if   | |  octets of  |
//	|n|  v  |       | |s|  126, 127   | |  or 127 (8)       | | Masked| |  payload    |
//	+-+-+-+-+-------+ +-+-------------+ +-------------------+ +-------+ +-------------+
//
// A client masks what it sends and a server does not (section 5.1): [Direction] says who sent. A length is in
// the shortest of its three forms. So a header takes 2 to 14 octets:
//
//	81 05                              Text, whole, 5 octets follow in clear
//	81 85 37fa213d                     Text, whole, 5 octets follow masked
//	01 03                              Text, the first fragment of a message, 3 octets
//	80 02                              Continuation, the last fragment, 2 octets
//	82 7e 0100                         Binary, 256 octets
//	82 7f 0000000000010000             Binary, 65536 octets
//	88 02 03e8                         Close, 1000
//
// # The types
//
// There are seven: [Opcode], [Direction], [Header], [CloseCode], [UTF8], [Error] and [Frame]. The work is
// done by functions in two shapes. [ParseHeader] and [ParseClose] take bytes and give a value ([Header.Parse]
// puts it where it is wanted, for the code that runs once a message). [Header.Append], [Append] and
// [AppendClose] take a slice and give the longer one. [Mask] works in place. None of them keeps what it was
// given, and none allocates, unless the slice that it appends to is full. ([CloseCode.String] allocates for a
// code without a name.)
//
// Bytes may arrive cut anywhere. ParseHeader says when it needs more; Mask returns the key with which to go
// on; UTF8 remembers where in a character it stands.
//
// [Read], [ReadHeader] and [Write] are for programs that want frames over an io.Reader and an io.Writer and
// nothing else. They allocate. Frame is theirs.
//
// # What is not here
//
// Anything that needs the frame before: whether a continuation continues something, how long a message has
// become, whether its text is whole, whether a Close was sent. That is package conn. (The errors for it are
// here, so that all breaches of RFC 6455 have one type.) The opening handshake is package handshake. Masking
// keys must be unpredictable (section 10.3), and this package does not make them.
//
// # A program
//
// It echoes the frames of one client, and fails the connection as section 7.1.7 wants:
//
//	for {
//		f, err := frame.Read(r, frame.FromClient, 0, 1<<20)
//		if breach := (*frame.Error)(nil); errors.As(err, &breach) {
//			payload, _ := frame.AppendClose(nil, breach.Code, "")
//			f = frame.Frame{Header: frame.Header{Opcode: frame.Close, Fin: true}, Payload: payload}
//		} else if err != nil {
//			return err
//		}
//		if f.Opcode == frame.Ping {
//			f.Opcode = frame.Pong
//		}
//		f.Masked = false
//		if err := frame.Write(w, f); err != nil || f.Opcode == frame.Close {
//			return err
//		}
//	}
package frame
