package deflate

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/handshake"
)

var (
	both   = Options{ServerContextTakeover: true, ClientContextTakeover: true}
	narrow = Options{ServerContextTakeover: true, ClientContextTakeover: true, ServerMaxWindowBits: 10, ClientMaxWindowBits: 11}
)

// like returns fresh Options with the policy of o.
func like(o *Options) *Options {
	return &Options{
		Level: o.Level, MinSize: o.MinSize, ClientOffers: o.ClientOffers,
		ServerContextTakeover: o.ServerContextTakeover, ClientContextTakeover: o.ClientContextTakeover,
		ServerMaxWindowBits: o.ServerMaxWindowBits, ClientMaxWindowBits: o.ClientMaxWindowBits,
		ConnBudget: o.ConnBudget, Budget: o.Budget,
	}
}

// A server answers the first well-formed offer.
func TestAccept(t *testing.T) {
	const (
		none    = ""
		neither = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	)
	for _, test := range []struct {
		name   string
		policy *Options
		offers string
		answer string
		sent   int // octets of the window; 0 without takeover
		recv   int
	}{
		{"7.1 the bare name", &Options{}, "permessage-deflate", neither, 0, 0},
		{"7.1 the bare name, takeover", &both, "permessage-deflate", "permessage-deflate", 1 << 15, 1 << 15},
		{"browsers", &Options{}, "permessage-deflate; client_max_window_bits", neither, 0, 0},
		{"browsers, takeover", &both, "permessage-deflate; client_max_window_bits", "permessage-deflate", 1 << 15, 1 << 15},
		{"nothing offered", &both, none, none, 0, 0},
		{"others offered", &both, "permessage-bzip2, x-webkit-deflate-frame; no_context_takeover", none, 0, 0},
		{"the name counts as it stands", &both, "Permessage-Deflate", none, 0, 0},
		{"5 others are passed over", &both, "permessage-bzip2; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9",
			"permessage-deflate; server_max_window_bits=9", 1 << 9, 1 << 15},
		{"5 the first wins", &both, "permessage-deflate; server_max_window_bits=9, permessage-deflate", "permessage-deflate; server_max_window_bits=9", 1 << 9, 1 << 15},
		{"5 the next after one that is declined", &both, "permessage-deflate; server_max_window_bits=7, permessage-deflate; client_no_context_takeover",
			"permessage-deflate; client_no_context_takeover", 1 << 15, 0},
		{"7.1.1.1 asked", &both, "permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover", 0, 1 << 15},
		{"7.1.1.1 unasked", &Options{ClientContextTakeover: true}, "permessage-deflate", "permessage-deflate; server_no_context_takeover", 0, 1 << 15},
		{"7.1.1.2 a hint is taken", &both, "permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover", 1 << 15, 0},
		{"7.1.1.2 unasked", &Options{ServerContextTakeover: true}, "permessage-deflate", "permessage-deflate; client_no_context_takeover", 1 << 15, 0},
		{"7.1.1 both asked", &both, "permessage-deflate; client_no_context_takeover; server_no_context_takeover", neither, 0, 0},
		{"7.1.2.1 asked: the same", &both, "permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8", 1 << 8, 1 << 15},
		{"7.1.2.1 asked: 15 is said too", &both, "permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15", 1 << 15, 1 << 15},
		{"7.1.2.1 asked: smaller", &narrow, "permessage-deflate; client_max_window_bits; server_max_window_bits=12",
			"permessage-deflate; server_max_window_bits=10; client_max_window_bits=11", 1 << 10, 1 << 11},
		{"7.1.2.1 asked: smaller than ours", &narrow, "permessage-deflate; client_max_window_bits; server_max_window_bits=9",
			"permessage-deflate; server_max_window_bits=9; client_max_window_bits=11", 1 << 9, 1 << 11},
		{"7.1.2.1 unasked", &narrow, "permessage-deflate; client_max_window_bits=15", "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11", 1 << 10, 1 << 11},
		{"7.1.2.1 without takeover", &Options{}, "permessage-deflate; server_max_window_bits=10", neither + "; server_max_window_bits=10", 0, 0},
		{"7.1.2.2 a hint is taken", &both, "permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8", 1 << 15, 1 << 8},
		{"7.1.2.2 ours is smaller", &narrow, "permessage-deflate; client_max_window_bits=12", "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11", 1 << 10, 1 << 11},
		{"7.1.2.2 a hint of 15", &both, "permessage-deflate; client_max_window_bits=15", "permessage-deflate", 1 << 15, 1 << 15},
		{"7.1.2.2 not offered, so not answered; what we cannot limit we do not keep", &narrow, "permessage-deflate",
			"permessage-deflate; client_no_context_takeover; server_max_window_bits=10", 1 << 10, 0},
		{"out of range: the nearest", &Options{ServerContextTakeover: true, ClientContextTakeover: true, ServerMaxWindowBits: 99, ClientMaxWindowBits: -3},
			"permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=8", 1 << 15, 1 << 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := like(test.policy)
			answer, got, ok := o.Accept(parse(t, test.offers))
			require.Equal(t, test.answer != none, ok)
			if !ok {
				require.Nil(t, got)
				require.Zero(t, answer)
				return
			}
			require.Equal(t, test.answer, wire(t, answer))
			requireWindows(t, got.(*compressor), test.sent, test.recv)
			require.EqualValues(t, test.sent+test.recv, o.budget.used.Load())
			got.Release()
			require.Zero(t, o.budget.used.Load())
		})
	}
}

func requireWindows(t *testing.T, c *compressor, sent, received int) {
	t.Helper()
	size := func(w *window) int {
		if w == nil {
			return 0
		}
		return w.size
	}
	require.Equal(t, sent, size(c.sent), "window of what is sent")
	require.Equal(t, received, size(c.received), "window of what is received")
}

// Row V26, server: an offer with parameters that are out of range, doubled or unknown is declined, and the connection goes on.
func TestV26Server(t *testing.T) {
	for _, params := range illFormed {
		for _, policy := range []*Options{{}, &both, &narrow} {
			o := like(policy)
			_, c, ok := o.Accept(parse(t, "permessage-deflate; "+params))
			require.False(t, ok, params)
			require.Nil(t, c)
			answer, _, ok := o.Accept(parse(t, "permessage-deflate; "+params+", permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"))
			require.True(t, ok, params)
			require.Equal(t, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9", wire(t, answer))
		}
	}
}

// Row V26, client: an answer with such parameters fails the connection with an error of its own.
func TestV26Client(t *testing.T) {
	full := Params{ClientMaxWindowBits: Any}
	for _, params := range append([]string{"client_max_window_bits"}, illFormed...) {
		for _, policy := range []*Options{{}, &both, &narrow, {ClientOffers: []Params{{}, full, {ServerMaxWindowBits: 9}}}} {
			c, err := like(policy).Agree(parse(t, "permessage-deflate; "+params))
			require.Nil(t, c, params)
			require.ErrorIs(t, err, handshake.ErrResponseDeflate, params)
			var he *handshake.Error
			require.True(t, errors.As(err, &he))
			require.Equal(t, 101, he.Status)
		}
	}
}

// A client agrees to what answers one of its offers, and to nothing else.
func TestAgree(t *testing.T) {
	const fails = -1
	offer := func(p ...Params) *Options { return &Options{ClientOffers: p} }
	for _, test := range []struct {
		name   string
		policy *Options
		answer string
		sent   int // octets of the window; 0 without takeover
		recv   int
	}{
		{"7.1 the bare name", offer(Params{}), "permessage-deflate", 1 << 15, 1 << 15},
		{"7.1.1.1 missing though offered", offer(Params{ServerNoContextTakeover: true}), "permessage-deflate", fails, 0},
		{"7.1.1.1 there", offer(Params{ServerNoContextTakeover: true}), "permessage-deflate; server_no_context_takeover", 1 << 15, 0},
		{"7.1.1.1 unasked", offer(Params{}), "permessage-deflate; server_no_context_takeover", 1 << 15, 0},
		{"7.1.1.2 unasked", offer(Params{}), "permessage-deflate; client_no_context_takeover", 0, 1 << 15},
		{"7.1.1.2 promised", offer(Params{ClientNoContextTakeover: true}), "permessage-deflate", 0, 1 << 15},
		{"7.1.2.1 missing though offered", offer(Params{ServerMaxWindowBits: 10}), "permessage-deflate", fails, 0},
		{"7.1.2.1 missing, takeover or not", offer(Params{ServerMaxWindowBits: 10}), "permessage-deflate; server_no_context_takeover", fails, 0},
		{"7.1.2.1 greater", offer(Params{ServerMaxWindowBits: 10}), "permessage-deflate; server_max_window_bits=11", fails, 0},
		{"7.1.2.1 the same", offer(Params{ServerMaxWindowBits: 10}), "permessage-deflate; server_max_window_bits=10", 1 << 15, 1 << 10},
		{"7.1.2.1 smaller", offer(Params{ServerMaxWindowBits: 10}), "permessage-deflate; server_max_window_bits=8", 1 << 15, 1 << 8},
		{"7.1.2.1 unasked", offer(Params{}), "permessage-deflate; server_max_window_bits=9", 1 << 15, 1 << 9},
		{"7.1.2.2 not offered", offer(Params{}), "permessage-deflate; client_max_window_bits=15", fails, 0},
		{"7.1.2.2 offered bare", offer(Params{ClientMaxWindowBits: Any}), "permessage-deflate; client_max_window_bits=8", 1 << 8, 1 << 15},
		{"7.1.2.2 not answered", offer(Params{ClientMaxWindowBits: Any}), "permessage-deflate", 1 << 15, 1 << 15},
		{"7.1.2.2 greater", offer(Params{ClientMaxWindowBits: 10}), "permessage-deflate; client_max_window_bits=11", fails, 0},
		{"7.1.2.2 the same", offer(Params{ClientMaxWindowBits: 10}), "permessage-deflate; client_max_window_bits=10", 1 << 10, 1 << 15},
		{"7.1.2.2 smaller", offer(Params{ClientMaxWindowBits: 10}), "permessage-deflate; client_max_window_bits=9", 1 << 9, 1 << 15},
		{"7.1.2.2 promised", offer(Params{ClientMaxWindowBits: 10}), "permessage-deflate", 1 << 10, 1 << 15},
		{"7.1.2.2 without a value", offer(Params{ClientMaxWindowBits: Any}), "permessage-deflate; client_max_window_bits", fails, 0},
		{"5 the second offer", offer(Params{ServerMaxWindowBits: 9}, Params{ServerNoContextTakeover: true}), "permessage-deflate; server_no_context_takeover", 1 << 15, 0},
		{"5 none of them", offer(Params{ServerMaxWindowBits: 9}, Params{ServerNoContextTakeover: true}), "permessage-deflate; client_no_context_takeover", fails, 0},
		{"5 the promises of both", offer(Params{ClientMaxWindowBits: 12}, Params{ClientNoContextTakeover: true}, Params{ClientMaxWindowBits: 10}), "permessage-deflate", 0, 1 << 15},
		{"5 but not of others", offer(Params{ServerMaxWindowBits: 9, ClientMaxWindowBits: 9}, Params{ClientMaxWindowBits: 12}), "permessage-deflate", 1 << 12, 1 << 15},
		{"twice", offer(Params{}), "permessage-deflate, permessage-deflate", fails, 0},
		{"nothing was offered", offer([]Params{}...), "permessage-deflate", fails, 0},
		{"others are none of ours", offer(Params{}), "x-other; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9", 1 << 15, 1 << 9},

		{"default", &Options{}, "permessage-deflate; server_no_context_takeover", 0, 0},
		{"default, limited", &Options{}, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9", 0, 0},
		{"default: the server insists on takeover", &Options{}, "permessage-deflate", fails, 0},
		{"takeover", &both, "permessage-deflate", 1 << 15, 1 << 15},
		{"takeover, a server that has none", &both, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", 0, 0},
		{"limits", &narrow, "permessage-deflate; server_max_window_bits=10", 1 << 11, 1 << 10},
		{"limits, a server that knows none", &narrow, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", 0, 0},
		{"limits, a server that does not keep them", &narrow, "permessage-deflate", fails, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := like(test.policy)
			if test.name == "nothing was offered" {
				o.ClientOffers = []Params{}
			}
			got, err := o.Agree(parse(t, test.answer))
			if test.sent == fails {
				require.ErrorIs(t, err, handshake.ErrResponseDeflate)
				require.Nil(t, got)
				require.Zero(t, o.budget.used.Load())
				return
			}
			require.NoError(t, err)
			requireWindows(t, got.(*compressor), test.sent, test.recv)
			require.EqualValues(t, test.sent+test.recv, o.budget.used.Load())
			got.Release()
			require.Zero(t, o.budget.used.Load())
		})
	}
	for _, answer := range []string{"", "x-other"} {
		c, err := new(Options).Agree(parse(t, answer))
		require.NoError(t, err)
		require.True(t, c == nil, "a nil interface: the server wants no compression")
	}
}

// The bits by which a client compresses without takeover are those agreed on, too.
func TestAgreeBits(t *testing.T) {
	c, err := new(Options).Agree(parse(t, "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10"))
	require.NoError(t, err)
	require.Equal(t, [2]int{10, 9}, c.(*compressor).bits)
	_, s, _ := new(Options).Accept(parse(t, "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10"))
	require.Equal(t, [2]int{9, 10}, s.(*compressor).bits)
}

func TestOffers(t *testing.T) {
	for _, test := range []struct {
		policy *Options
		want   string
	}{
		{&Options{}, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"},
		{&both, "permessage-deflate; client_max_window_bits"},
		{&Options{ServerContextTakeover: true, ClientMaxWindowBits: 9}, "permessage-deflate; client_no_context_takeover; client_max_window_bits=9"},
		{&narrow, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11, " +
			"permessage-deflate; server_no_context_takeover; client_max_window_bits=11"},
		{&Options{ClientOffers: []Params{{}, {ServerMaxWindowBits: 3}}}, "permessage-deflate, permessage-deflate; server_max_window_bits=8"},
		{&Options{ServerContextTakeover: true, ClientContextTakeover: true, ConnBudget: 1 << 15}, "permessage-deflate; client_no_context_takeover; client_max_window_bits"},
		{&Options{ServerContextTakeover: true, ClientContextTakeover: true, ConnBudget: 1<<15 - 1},
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"},
		{&Options{ServerContextTakeover: true, ClientContextTakeover: true, ConnBudget: 1<<15 - 1, ClientMaxWindowBits: 14},
			"permessage-deflate; server_no_context_takeover; client_max_window_bits=14"},
		{&Options{ClientOffers: []Params{{ServerMaxWindowBits: 14}, {}}, ConnBudget: 1 << 14},
			"permessage-deflate; client_no_context_takeover; server_max_window_bits=14, permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
	} {
		o := like(test.policy)
		require.Equal(t, test.want, wire(t, o.Offers()...))
		require.Equal(t, test.want, wire(t, o.Offers()...))
	}
	require.Empty(t, (&Options{ClientOffers: []Params{}}).Offers())
}

// Every policy of a server and every policy of a client come to an agreement, and mean the same by it.
func TestPoliciesAgree(t *testing.T) {
	bits := []uint16{0, 8, 11, 15}
	var all []uint16
	for takeover := range uint16(4) {
		for _, s := range bits {
			for _, c := range bits {
				all = append(all, takeover|s<<2|c<<6)
			}
		}
	}
	for _, s := range all {
		for _, c := range all {
			agree(t, fuzzOptions(s), fuzzOptions(c))
		}
	}
}

// Connections without takeover cost nothing: all of like parameters have one Compressor.
func TestCompressorIsShared(t *testing.T) {
	o := new(Options)
	offers := parse(t, "permessage-deflate; client_max_window_bits")
	_, c1, _ := o.Accept(offers)
	c1.Release()
	_, c2, _ := o.Accept(offers)
	require.True(t, c1 == c2)
	_, c3, _ := o.Accept(parse(t, "permessage-deflate; server_max_window_bits=9"))
	require.False(t, c1 == c3)
	_, c4, _ := like(o).Accept(offers)
	require.False(t, c1 == c4)
	require.Zero(t, testing.AllocsPerRun(100, func() { o.Accept(offers) }))

	answer := parse(t, "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
	a1, err := o.Agree(answer)
	require.NoError(t, err)
	a2, err := o.Agree(answer)
	require.NoError(t, err)
	require.True(t, a1 == a2)
	require.Zero(t, testing.AllocsPerRun(100, func() { o.Agree(answer); o.Offers() }))

	b := like(&both)
	_, c5, _ := b.Accept(offers)
	_, c6, _ := b.Accept(offers)
	require.False(t, c5 == c6, "with takeover each has its own")
}

// The answer is one for all connections; who appends to it does not change it for others.
func TestAnswerIsNotShared(t *testing.T) {
	o := new(Options)
	offers := parse(t, "permessage-deflate; server_max_window_bits=9")
	for range 2 {
		a, _, _ := o.Accept(offers)
		require.Len(t, a.Params, 3)
		require.Equal(t, 3, cap(a.Params))
	}
}
