package deflate

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
	"github.com/idlewire/idlewire/handshake"
)

// stdInflate is an inflater made of compress/flate, and an oracle. Ok is that the message is whole; then it has at most limit octets.
func stdInflate(payload, history []byte, limit int) (message []byte, ok bool) {
	// Two ends behind the tail, of different lengths: only what ends with the tail, and not in a block that takes some of the end for its own, has the one
	// as well as the other.
	a, ok := stdInflateTo(payload, history, "\x01\x10\x00\xef\xff", "an end, 16 long.", limit)
	if !ok {
		return a, false
	}
	b, ok := stdInflateTo(payload, history, "\x01\x13\x00\xec\xff", "one of nineteen oct", limit)
	return b, ok && bytes.Equal(a, b)
}

func stdInflateTo(payload, history []byte, header, end string, limit int) ([]byte, bool) {
	in := bytes.NewReader([]byte(string(payload) + tail + header + end))
	window := bytes.Clone(history)
	for {
		r := flate.NewReaderDict(in, window[max(0, len(window)-1<<15):]) // it reads octet by octet, and no more than it needs
		b, err := io.ReadAll(io.LimitReader(r, int64(len(history)+limit+len(end)+1-len(window))))
		window = append(window, b...)
		message := window[len(history):]
		switch {
		case err != nil:
			return message, false
		case in.Len() == 0:
			message, ok := bytes.CutSuffix(message, []byte(end))
			return message, ok && len(message) <= limit
		case in.Len() == len(tail)+len(header)+len(end):
			return message, len(message) <= limit // a final block ended the payload
		case len(message) > limit+len(end):
			return message, false
		}
	}
}

// Property: what compress/flate decompresses an inflater does too, and nothing else; and with a smaller window it does what its twin does.
func FuzzInflate(f *testing.F) {
	for _, tt := range inflateTests {
		f.Add(octets(f, tt.payload), []byte("Hello"), byte(8))
	}
	for i, name := range []string{"json", "prose", "html", "pdf"} {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level += 3 {
			message := corpus.Get(name, 1).Message(nil, i, 300)
			f.Add(compressed(f, level, message), []byte{}, byte(9))
		}
		c := New(Params{ServerMaxWindowBits: 9}, false)
		history := corpus.Get(name, 1).Message(nil, 0, 1000)
		_, err := c.Compress(nil, history)
		require.NoError(f, err)
		b, err := c.Compress(nil, corpus.Get(name, 1).Message(nil, 1, 400))
		require.NoError(f, err)
		f.Add(b, history, byte(9))
	}
	f.Add(new(bitWriter).fixed().lit("ab").match(10, 300).end(), make([]byte, 600), byte(8))
	const limit = 1 << 14
	f.Fuzz(func(t *testing.T, payload, history []byte, bits byte) {
		bits = minWindowBits + bits%(maxWindowBits-minWindowBits+1)
		want, ok := stdInflate(payload, history, limit)
		got, err := newInflater(maxWindowBits, history).inflate(nil, payload, limit)
		require.Equal(t, ok, err == nil, "%v", err)
		if ok {
			require.Equal(t, want, append([]byte{}, got...))
		}
		if err == ErrTooLong {
			require.Greater(t, len(want), limit)
		}
		window := 1 << bits
		want, farthest, wantErr := naiveInflate(payload, history[max(0, len(history)-window):], window)
		got, err = newInflater(int(bits), history).inflate(nil, payload, limit)
		require.Equal(t, wantErr == nil && len(want) <= limit, err == nil, "%d bits: %v, %v", bits, wantErr, err)
		if err == nil {
			require.LessOrEqual(t, farthest, window)
			require.Equal(t, string(want), string(got))
		}
	})
}

// Property: what one end compresses the other one decompresses, message by message, with whatever was agreed, and the twin too.
func FuzzCodec(f *testing.F) {
	f.Add([]byte("Hello"), []byte("Hello"), byte(0))
	f.Add([]byte(strings.Repeat("ab", 300)), []byte("abababab\x00\x00\xff\xff"), byte(0x11))
	f.Add(corpus.Get("html", 1).Message(nil, 3, 700), corpus.Get("html", 1).Message(nil, 4, 700), byte(0x09))
	f.Add(corpus.Get("pdf", 1).Message(nil, 3, 300), corpus.Get("bitmap", 1).Message(nil, 4, 300), byte(0x1f))
	var servers [32]*Codec // a new one each time takes longer than all the rest
	f.Fuzz(func(t *testing.T, first, second []byte, params byte) {
		params %= 32
		p := Params{ServerMaxWindowBits: minWindowBits + int(params&7), ServerNoContextTakeover: params&16 != 0}
		server, client := servers[params], New(p, true)
		if server == nil {
			server = New(p, false)
			servers[params] = server
		} else if server.deflater.w != nil {
			server.deflater.w.Reset(&server.deflater.sink)
		}
		var history []byte
		for _, m := range [][]byte{first, second, first} {
			b, err := server.Compress(nil, m)
			require.NoError(t, err)
			got, err := client.Decompress(nil, b, len(m))
			require.NoError(t, err)
			require.Equal(t, string(m), string(got))
			got, _, err = naiveInflate(b, history, 1<<p.ServerMaxWindowBits)
			require.NoError(t, err)
			require.Equal(t, string(m), string(got))
			if !p.ServerNoContextTakeover {
				history = append(history, m...)
			}
		}
	})
}

// Property: what is accepted is answered with something that can be read and means the same; and what is read can be written.
func FuzzParams(f *testing.F) {
	for name, profile := range facts(f) {
		f.Add(profile.Header, name)
		for _, row := range profile.Answers {
			f.Add(row.Offer, name)
		}
	}
	f.Add("permessage-deflate; server_max_window_bits=16, foo", "12")
	f.Fuzz(func(t *testing.T, header, name string) {
		if profiles[name] == nil {
			name = "13.7"
		}
		exts, err := handshake.ParseExtensions(nil, []byte(header))
		if err != nil {
			return
		}
		answer, agreed, err := Accept(name, exts)
		if err == nil && answer != nil {
			read, err := Agreed(parseHeader(t, Header(answer)))
			require.NoError(t, err)
			require.Equal(t, agreed, read)
		} else {
			require.Nil(t, answer)
			require.Nil(t, agreed)
		}
		if p, err := Agreed(exts); err == nil {
			require.NotNil(t, p)
			again, err := Agreed([]handshake.Extension{p.extension()})
			require.NoError(t, err)
			require.Equal(t, p, again)
			_, _, err = Accept(name, exts)
			require.NoError(t, err, "what may be answered may be offered")
		}
	})
}
