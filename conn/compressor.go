package conn

import "github.com/idlewire/idlewire/handshake"

// A Compression is an endpoint's policy of compressing messages (RFC 7692): what it offers as a client, and which offers it accepts as a
// server. A *deflate.Options is one. It is shared by any number of connections and goroutines.
type Compression interface {
	// Offers returns what a client offers, in its order of preference; the slice is not modified.
	Offers() []handshake.Extension

	// Accept returns the server's answer to the first of the offers that it accepts, and the Compressor of the connection; ok is false if
	// there is none, and the connection goes on without compression. Offers of other extensions are passed over. The caller owns the
	// Compressor, and calls its Release when the connection is over, or has not come about.
	Accept(offers []handshake.Extension) (answer handshake.Extension, c Compressor, ok bool)

	// Agree returns the Compressor of a client's connection, whose Offers the server has answered with agreed. It is nil if the server wants
	// no compression. The error, a *handshake.Error, says that the answer is none to the offers; the connection then has to be failed.
	Agree(agreed []handshake.Extension) (Compressor, error)
}

// A Compressor compresses and decompresses the data messages of one connection by the parameters that its opening handshake agreed on (RFC
// 7692), or of many connections that share the parameters, if no message refers to an earlier one (7.1.1). Like a Protocol it has a sending half
// (Compress, Alone, Sent, Forget) and a receiving half (Decompressor), which share no mutable state.
type Compressor interface {
	// Compress appends to dst a data message, or the next fragment of one, as it goes into the payload of a frame (7.2.1). It does not
	// modify payload, and keeps neither slice. What it has appended is taken for sent; if it is not, Forget has to be called.
	//
	// With first it may decide not to compress the message, because it is short or would not shrink: it returns dst as it is, and false, and the
	// message has to go as it is. Of a whole message, first and fin, what is appended is shorter than payload. A message begun in compression
	// goes on so: without first Compress returns true, and what is appended may be longer than payload, by at most 1/1000 and 64 octets.
	Compress(dst, payload []byte, first, fin bool) (b []byte, compressed bool)

	// Alone returns what compresses whole messages without reference to others, for any number of connections. It is equal (==) for all
	// Compressors for which it does the same, and safe for concurrent use.
	Alone() MessageCompressor

	// Sent says that a message, payload in clear, goes out as Alone has compressed it.
	Sent(payload []byte)

	// Forget says that something compressed has not been sent. What is compressed from now on refers to nothing before.
	Forget()

	// Decompressor returns what decompresses the next compressed message. Of one Compressor that is for one connection there is one at a time.
	Decompressor() Decompressor

	// Release says that the connection is over: what it counted for in a budget is given back. Any goroutine may call it, while others use
	// the Compressor, and again.
	Release()
}

// A MessageCompressor compresses whole messages, each for itself.
type MessageCompressor interface {
	// Compress appends payload compressed to dst, and returns true; or dst as it is, and false, if it is short or would not shrink.
	Compress(dst, payload []byte) (b []byte, compressed bool)
}

// A Decompressor decompresses one message. It belongs to the receiving half.
type Decompressor interface {
	// Decompress goes on with the message: it appends to dst, up to its capacity and never beyond, what src stands for. dst ends with all of
	// the message so far, or with the last 32 KiB of it, as it came out; these are read. fin says that the message ends with src (7.2.2). It keeps neither slice.
	//
	// If the room ends first, full is true: call again with what is left of src (rest, perhaps empty), the same fin, and more room. full never
	// stands for nothing: one octet at least is still to come. Else rest is empty, and if fin the message is complete.
	//
	// The error is frame.ErrInvalidDeflate, and b ends with what came before the mistake. After it there is no knowing what later messages refer to.
	Decompress(dst, src []byte, fin bool) (b, rest []byte, full bool, err error)

	// Size is how many octets are held for the message, beside dst.
	Size() int

	// End ends the use of the Decompressor. dst is as in Decompress if the message is complete, and what later messages may refer to; nil if the
	// message was given up, with the connection.
	End(dst []byte)
}
