package deflate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/handshake"
)

// parse returns the extensions of a header as it stands on the wire.
func parse(t testing.TB, header string) []handshake.Extension {
	t.Helper()
	if header == "" {
		return nil
	}
	exts, err := handshake.ParseExtensions(nil, []byte(header))
	require.NoError(t, err, header)
	return exts
}

// wire returns the header that lists exts.
func wire(t testing.TB, exts ...handshake.Extension) string {
	t.Helper()
	b, err := handshake.AppendExtensions(nil, exts)
	require.NoError(t, err)
	return string(b)
}

func TestParams(t *testing.T) {
	for header, want := range map[string]Params{
		"permessage-deflate":                             {},
		"permessage-deflate; server_no_context_takeover": {ServerNoContextTakeover: true},
		"permessage-deflate; client_no_context_takeover": {ClientNoContextTakeover: true},
		"permessage-deflate; server_max_window_bits=8":   {ServerMaxWindowBits: 8},
		"permessage-deflate; server_max_window_bits=15":  {ServerMaxWindowBits: 15},
		"permessage-deflate; client_max_window_bits":     {ClientMaxWindowBits: Any},
		"permessage-deflate; client_max_window_bits=9":   {ClientMaxWindowBits: 9},
		"permessage-deflate; client_max_window_bits=10":  {ClientMaxWindowBits: 10},
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; client_max_window_bits=14": {true, true, 11, 14},
	} {
		p, ok := ParseParams(parse(t, header)[0])
		require.True(t, ok, header)
		require.Equal(t, want, p, header)
		require.Equal(t, header, wire(t, p.Extension()))
	}
	p, ok := ParseParams(parse(t, `permessage-deflate; client_max_window_bits="12"; server_no_context_takeover`)[0])
	require.True(t, ok, "any order, and quoted: RFC 6455, 9.1")
	require.Equal(t, Params{ServerNoContextTakeover: true, ClientMaxWindowBits: 12}, p)
	_, ok = ParseParams(handshake.Extension{Name: "permessage-bzip2"})
	require.False(t, ok)

	// What is out of range is taken for the nearest in it.
	require.Equal(t, "permessage-deflate; server_max_window_bits=15; client_max_window_bits=8", wire(t, Params{false, false, 16, 7}.Extension()))
	require.Equal(t, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8", wire(t, Params{false, false, -1, -2}.Extension()))
	require.Equal(t, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=15", wire(t, Params{false, false, 1, 99}.Extension()))
}

// illFormed are the parameters of row V26, with which an offer is declined and an answer fails the connection.
var illFormed = []string{
	"server_max_window_bits",
	"server_max_window_bits=0", "server_max_window_bits=1", "server_max_window_bits=7", "server_max_window_bits=16",
	"server_max_window_bits=08", "server_max_window_bits=010", "server_max_window_bits=-1", "server_max_window_bits=+9", "server_max_window_bits=a",
	"server_max_window_bits=8a", "server_max_window_bits=1a", "server_max_window_bits=1.5", "server_max_window_bits=0x9", "server_max_window_bits=20",
	"server_max_window_bits=150", "server_max_window_bits=99999999999999999999", "server_max_window_bits=4294967305",
	"client_max_window_bits=0", "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=08", "client_max_window_bits=-1",
	"client_max_window_bits=a", "client_max_window_bits=25", "client_max_window_bits=99999999999999999999",
	"server_no_context_takeover=1", "server_no_context_takeover=true", "server_no_context_takeover=15",
	"client_no_context_takeover=0", "client_no_context_takeover=false",
	"server_max_window_bits=9; server_max_window_bits=9", "server_max_window_bits=9; server_max_window_bits=10",
	"client_max_window_bits; client_max_window_bits", "client_max_window_bits=9; client_max_window_bits", "client_max_window_bits; client_max_window_bits=9",
	"server_no_context_takeover; server_no_context_takeover", "client_no_context_takeover; server_no_context_takeover; client_no_context_takeover",
	"unknown", "unknown=1", "server_window_bits=9", "Server_no_context_takeover", "SERVER_MAX_WINDOW_BITS=10",
	"unknown; server_no_context_takeover", "server_no_context_takeover; unknown", "server_max_window_bits=7; client_no_context_takeover",
}

func TestV26IllFormed(t *testing.T) {
	for _, params := range illFormed {
		_, ok := ParseParams(parse(t, "permessage-deflate; "+params)[0])
		require.False(t, ok, params)
	}
}

// FuzzParams: what is well-formed has one meaning and one canonical form, any policy answers it so that any client that has offered it agrees, and
// both ends mean the same then.
func FuzzParams(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits", uint16(0), uint16(0))
	f.Add("permessage-deflate; server_max_window_bits=9; client_max_window_bits=12, permessage-deflate", uint16(0xffff), uint16(0x1234))
	f.Add("x-other; a=b, permessage-deflate; server_no_context_takeover; server_max_window_bits=10", uint16(0x0f31), uint16(0x0803))
	for _, params := range illFormed {
		f.Add("permessage-deflate; "+params+", permessage-deflate", uint16(3), uint16(7))
	}
	f.Fuzz(func(t *testing.T, header string, serverPolicy, clientPolicy uint16) {
		exts, err := handshake.ParseExtensions(nil, []byte(header))
		if err != nil {
			return
		}
		c := fuzzOptions(clientPolicy)
		for _, e := range exts {
			p, ok := ParseParams(e)
			if !ok {
				require.Equal(t, Params{}, p)
				continue
			}
			require.Equal(t, p, p.inRange())
			require.NotEqual(t, Any, p.ServerMaxWindowBits)
			again, ok := ParseParams(p.Extension())
			require.True(t, ok)
			require.Equal(t, p, again)
			require.ElementsMatch(t, e.Params, p.Extension().Params)
			c.ClientOffers = append(c.ClientOffers, p)
		}
		s := fuzzOptions(serverPolicy)
		agree(t, s, c)
		agree(t, s, fuzzOptions(clientPolicy))

		// Whatever comes as an answer is agreed to, or a fault; and what is agreed to is in range.
		if got, err := c.Agree(exts); err == nil && got != nil {
			require.Len(t, parse(t, header), len(exts))
			got.Release()
		}
	})
}

func fuzzOptions(n uint16) *Options {
	return &Options{
		ServerContextTakeover: n&1 != 0, ClientContextTakeover: n&2 != 0, Budget: -1,
		ServerMaxWindowBits: int(n >> 2 & 15), ClientMaxWindowBits: int(n >> 6 & 15),
	}
}

// agree negotiates between s and c and compares what both ends make of it.
func agree(t testing.TB, s, c *Options) {
	answer, atServer, ok := s.Accept(c.Offers())
	if len(c.Offers()) == 0 {
		require.False(t, ok)
		return
	}
	require.True(t, ok)
	p, ok := ParseParams(answer)
	require.True(t, ok)
	require.NotEqual(t, Any, p.ClientMaxWindowBits)
	got, err := c.Agree([]handshake.Extension{answer})
	require.NoError(t, err)
	sc, cc := atServer.(*compressor), got.(*compressor)
	for _, dir := range []struct{ from, to *compressor }{{sc, cc}, {cc, sc}} {
		require.LessOrEqual(t, dir.from.bits[0], dir.to.bits[1])
		if dir.from.sent != nil {
			require.NotNil(t, dir.to.received)
			require.Equal(t, 1<<dir.from.bits[0], dir.from.sent.size)
			require.Equal(t, 1<<dir.to.bits[1], dir.to.received.size)
		}
	}
	require.Equal(t, sc.sent != nil, cc.received != nil)
	require.Equal(t, sc.bits[0], cc.bits[1])
	if len(c.offers.params) == 1 { // else the client keeps to the narrowest of the offers that the answer fits
		require.Equal(t, sc.received != nil, cc.sent != nil)
	}
	require.Equal(t, p.ServerNoContextTakeover, sc.sent == nil)
	require.Equal(t, p.ClientNoContextTakeover, sc.received == nil)
	if sc.received != nil {
		require.LessOrEqual(t, sc.bits[1], s.use().bits[client])
	}
	atServer.Release()
	got.Release()
	require.Zero(t, s.budget.used.Load())
	require.Zero(t, c.budget.used.Load())
}
