package mode

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]Mode{
		"off":         {},
		"on":          {On: true, Bits: 15},
		"takeover":    {On: true, Takeover: true, Bits: 15},
		"takeover-9":  {On: true, Takeover: true, Bits: 9},
		"takeover-12": {On: true, Takeover: true, Bits: 12},
	} {
		m, err := Parse(s)
		require.NoError(t, err)
		require.Equal(t, want, m)
		require.Equal(t, s, m.String())
	}
	ms, err := List("off, takeover-9")
	require.NoError(t, err)
	require.Equal(t, []Mode{{}, {On: true, Takeover: true, Bits: 9}}, ms)
	_, err = List("off,yes")
	require.ErrorContains(t, err, "yes")
	for _, s := range []string{"", "yes", "takeover-", "takeover-8", "takeover-16", "takeover-x", "on,9"} {
		_, err := Parse(s)
		require.ErrorContains(t, err, "compression is off, on", s)
	}
}

// A server that agrees to less than the row says, or to more, has no figures in it.
func TestAgreed(t *testing.T) {
	for _, r := range []struct {
		mode, answer string
		agreed       bool
	}{
		{"off", "", true},
		{"off", "permessage-deflate", false},
		{"on", "permessage-deflate; server_no_context_takeover; client_no_context_takeover", true},
		{"on", "permessage-deflate;client_no_context_takeover;server_no_context_takeover", true},
		{"on", "permessage-deflate; server_no_context_takeover", false},
		{"on", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=15", false},
		{"on", "", false},
		{"on", "x-webkit-deflate-frame; server_no_context_takeover; client_no_context_takeover", false},
		{"takeover", "permessage-deflate", true},
		{"takeover", "permessage-deflate; server_max_window_bits=15", true},
		{"takeover", "permessage-deflate; server_max_window_bits=12", false},
		{"takeover", "permessage-deflate; server_no_context_takeover", false},
		{"takeover", "permessage-deflate; client_no_context_takeover", false},
		{"takeover-9", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9", true},
		{"takeover-9", `permessage-deflate; server_max_window_bits="9"`, true},
		{"takeover-9", "permessage-deflate; client_max_window_bits=9", false},
		{"takeover-9", "permessage-deflate; server_max_window_bits=10", false},
		{"takeover-9", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8", false},
		{"takeover-9", "permessage-deflate; server_max_window_bits=9; client_no_context_takeover", false},
	} {
		m, err := Parse(r.mode)
		require.NoError(t, err)
		if err := m.Agreed(r.answer); r.agreed {
			require.NoError(t, err, "%s: %s", r.mode, r.answer)
		} else {
			require.Error(t, err, "%s: %s", r.mode, r.answer)
		}
	}
}
