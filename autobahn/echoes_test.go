package autobahn

import (
	"strings"
	"testing"
	"time"

	"github.com/idlewire/idlewire/autobahn/internal/corpus"
	"github.com/idlewire/idlewire/autobahn/internal/deflate"
	"github.com/idlewire/idlewire/frame"
	"github.com/stretchr/testify/require"
)

// echoing plays a case with compression with a peer that keeps to what was agreed, but that spoil may change its k-th echo.
func echoing(c *Case, client bool, p deflate.Params, spoil func(k int, h *frame.Header, payload []byte) []byte) *talk {
	t := &talk{session: newSession(c, client, DefaultOptions(), func() uint32 { return 0x01020304 }), clock: time.Unix(0, 0)}
	t.codec, t.corpus = deflate.New(p, client), corpus.Get(c.Compression.Corpus, 1)
	t.begin(t.clock)
	peer := deflate.New(p, !client)
	from, masked := frame.FromServer, true
	if client {
		from, masked = frame.FromClient, false
	}
	var in []byte
	var message []byte
	var op frame.Opcode
	for k := 0; t.drop == keep; {
		in = append(in, t.wire()...)
		if len(in) == 0 {
			return t
		}
		h, n, err := frame.ParseHeader(in, from, frame.Rsv1)
		if err != nil {
			panic(err)
		}
		payload := in[n : n+int(h.Length)]
		in = in[n+int(h.Length):]
		frame.Mask(payload, h.Key)
		reply := frame.Header{Opcode: h.Opcode, Fin: true, Masked: masked, Key: 0x05060708}
		if h.Opcode != frame.Close {
			if h.Opcode != frame.Continuation {
				op, message = h.Opcode, nil
				if h.Rsv != frame.Rsv1 {
					panic("the runner compresses each message")
				}
			}
			message = append(message, payload...)
			if !h.Fin {
				continue
			}
			plain, err := peer.Decompress(nil, message, MaxIncoming)
			if err != nil {
				panic(err)
			}
			reply.Opcode, reply.Rsv = op, frame.Rsv1
			if payload = spoil(k, &reply, plain); reply.Rsv != 0 {
				if payload, err = peer.Compress(nil, payload); err != nil {
					panic(err)
				}
			}
			k++
		}
		t.receive(t.clock, frame.Append(nil, reply, payload))
	}
	return t
}

func honest(_ int, _ *frame.Header, payload []byte) []byte { return payload }

// brief returns the cases of sections 12 and 13 with a few messages each.
func brief() (cases []*Case) {
	for _, c := range Cases() {
		if c.Compression == nil {
			continue
		}
		short, compression := *c, *c.Compression
		compression.Count = min(compression.Count, 4)
		short.Compression = &compression
		cases = append(cases, &short)
	}
	return cases
}

// Every case with compression, in both roles, with each of the ways to agree.
func TestCompressed(t *testing.T) {
	cases := brief()
	require.Len(t, cases, 216)
	agreements := []deflate.Params{
		{}, {ServerNoContextTakeover: true}, {ClientNoContextTakeover: true}, {ServerMaxWindowBits: 9}, {ClientMaxWindowBits: 9},
		{ServerMaxWindowBits: 15, ClientMaxWindowBits: 8, ClientNoContextTakeover: true},
	}
	for i, c := range cases {
		for _, client := range []bool{true, false} {
			s := echoing(c, client, agreements[i%len(agreements)], honest)
			r := s.ends()
			require.Equal(t, []Verdict{OK, OK}, []Verdict{r.Behavior, r.BehaviorClose}, "%s %s", c.ID, r.Reason)
			out, in := r.Traffic.Outgoing, r.Traffic.Incoming
			require.Equal(t, []int{4, 4, out.AppLevel}, []int{out.Messages, in.Messages, in.AppLevel})
			require.Greater(t, out.WireLevel, out.WebSocketLevel)
			require.Greater(t, in.WireLevel, in.WebSocketLevel)
			if n := c.Compression.Fragment; n > 0 && out.WebSocketLevel > 4*n {
				require.Greater(t, out.Frames, 4)
			}
		}
	}
}

// A wrong echo is found, whatever is wrong with it.
func TestCompressedWrong(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(k int, h *frame.Header, payload []byte) []byte
		why   string // "": the runner fails the connection
	}{
		"type": {func(_ int, h *frame.Header, b []byte) []byte { h.Opcode ^= frame.Text ^ frame.Binary; return b }, "message 1 came back with the other type"},
		"octet": {func(k int, _ *frame.Header, b []byte) []byte {
			if k == 2 {
				b[len(b)/2] ^= 1
			}
			return b
		}, "message 3 came back with other octets"},
		"cut":   {func(k int, _ *frame.Header, b []byte) []byte { return b[:len(b)-1] }, "message 1 came back with 15 octets of 16"},
		"long":  {func(k int, _ *frame.Header, b []byte) []byte { return append(b, 'x') }, "message 1 came back with 17 octets of 16"},
		"UTF-8": {func(_ int, _ *frame.Header, b []byte) []byte { b[3] = 0xff; return b }, ""},
		"no deflate at all": {func(_ int, h *frame.Header, b []byte) []byte {
			defer func() { h.Rsv = 0 }()
			return b
		}, "fine"},
	} {
		t.Run(name, func(t *testing.T) {
			r := echoing(brief()[0], true, deflate.Params{}, row.spoil).ends()
			switch row.why {
			case "fine":
				require.Equal(t, OK, r.Behavior, "whether the peer compresses is not checked")
			case "":
				require.Equal(t, []any{Failed, true}, []any{r.Behavior, r.FailedByMe})
			default:
				require.Equal(t, []any{Failed, row.why}, []any{r.Behavior, r.Reason})
				require.Nil(t, r.Traffic)
			}
		})
	}
	t.Run("what is no deflate", func(t *testing.T) {
		s := newSession(brief()[0], true, DefaultOptions(), func() uint32 { return 0 })
		s.codec, s.corpus = deflate.New(deflate.Params{}, true), corpus.Get("json", 1)
		s.begin(time.Unix(0, 0))
		s.take()
		s.receive(time.Unix(0, 0), []byte{0xc1, 3, 0xff, 0xff, 0xff})
		require.Equal(t, uint16(frame.CloseInvalidPayload), s.r.LocalClose.Code)
	})
}

// RFC 7692, 6: RSV1 marks the first frame of a compressed message, and nothing else; without the extension, nothing at all.
func TestCompressedBreaches(t *testing.T) {
	for in, code := range map[string]uint16{
		"c1 01 00":    0,
		"c9 00":       1002,
		"41 00 c0 00": 1002,
		"a1 00":       1002,
		"e1 00":       1002,
	} {
		s := begin(hello, true)
		s.codec = deflate.New(deflate.Params{}, true)
		s.hears(strings.ReplaceAll(in, " ", ""))
		if code == 0 {
			require.Nil(t, s.r.LocalClose, in)
		} else {
			require.Equal(t, code, s.r.LocalClose.Code, in)
		}
	}
	s := begin(hello, true)
	s.hears("c100")
	require.Equal(t, uint16(1002), s.r.LocalClose.Code)
}

// Where nothing was agreed nothing is sent.
func TestCompressedNotAgreed(t *testing.T) {
	s := newSession(brief()[0], true, DefaultOptions(), func() uint32 { return 0 })
	s.begin(time.Unix(0, 0))
	out := s.take()
	require.Len(t, out, 1)
	require.Equal(t, []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}, out[0].data)
	s.receive(time.Unix(0, 0), []byte{0x88, 2, 0x03, 0xe8})
	r := s.lost(time.Unix(1, 0))
	require.Equal(t, []Verdict{Unimplemented, OK}, []Verdict{r.Behavior, r.BehaviorClose})
}
