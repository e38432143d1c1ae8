package deflate

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/handshake"
)

// The facts are what the original suite was seen to offer and to answer.
func facts(t testing.TB) map[string]struct {
	Header  string `json:"runner_as_client_header"`
	Answers []struct {
		Offer  string
		Answer *string
	} `json:"runner_as_server_answers"`
} {
	b, err := os.ReadFile("testdata/deflate.json")
	require.NoError(t, err)
	var f struct {
		Profiles map[string]struct {
			Header  string `json:"runner_as_client_header"`
			Answers []struct {
				Offer  string
				Answer *string
			} `json:"runner_as_server_answers"`
		}
	}
	require.NoError(t, json.Unmarshal(b, &f))
	require.Len(t, f.Profiles, len(profiles))
	return f.Profiles
}

func parseHeader(t testing.TB, value string) []handshake.Extension {
	exts, err := handshake.ParseExtensions(nil, []byte(value))
	require.NoError(t, err, value)
	return exts
}

func TestOffers(t *testing.T) {
	for name, f := range facts(t) {
		require.Equal(t, f.Header, Header(Offers(name)), name)
		require.Equal(t, parseHeader(t, f.Header), Offers(name), name)
	}
	require.PanicsWithValue(t, "deflate: no profile 13.8", func() { Offers("13.8") })
	require.PanicsWithValue(t, "deflate: no profile ", func() { Accept("", nil) })
}

func TestAccept(t *testing.T) {
	rows := 0
	for name, f := range facts(t) {
		for _, row := range f.Answers {
			answer, agreed, err := Accept(name, parseHeader(t, row.Offer))
			require.NoError(t, err)
			rows++
			if row.Answer == nil {
				require.Nil(t, answer, "%s: %s", name, row.Offer)
				require.Nil(t, agreed, "%s: %s", name, row.Offer)
				continue
			}
			require.Equal(t, *row.Answer, Header(answer), "%s: %s", name, row.Offer)
			read, err := Agreed(answer)
			require.NoError(t, err)
			require.Equal(t, read, agreed, "what the client reads is what the server does")
		}
	}
	require.Equal(t, 8*6, rows)
}

func TestAcceptAmongOffers(t *testing.T) {
	for _, tt := range []struct{ name, profile, offers, answer string }{
		{"none", "13.7", "", ""},
		{"others alone", "12", "x-webkit-deflate-frame, permessage-bzip2", ""},
		{"others before", "12", "permessage-bzip2; server_max_window_bits=99, permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8"},
		{"the first", "12", "permessage-deflate; server_no_context_takeover, permessage-deflate", "permessage-deflate; server_no_context_takeover"},
		{"the first that will do", "13.3", "permessage-deflate; server_no_context_takeover, permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=9"},
		{"the first ask before the first offer", "13.7", "permessage-deflate; server_no_context_takeover, permessage-deflate; client_max_window_bits",
			"permessage-deflate; client_no_context_takeover; client_max_window_bits=9"},
		{"all parts", "13.5", "permessage-deflate; client_max_window_bits=15; client_no_context_takeover; server_max_window_bits=11; server_no_context_takeover",
			"permessage-deflate; server_no_context_takeover; server_max_window_bits=11; client_no_context_takeover; client_max_window_bits=9"},
		{"any case", "13.4", "Permessage-Deflate; Client_Max_Window_Bits", "permessage-deflate; client_max_window_bits=15"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var offers []handshake.Extension
			if tt.offers != "" {
				offers = parseHeader(t, tt.offers)
			}
			answer, agreed, err := Accept(tt.profile, offers)
			require.NoError(t, err)
			require.Equal(t, tt.answer, Header(answer))
			require.Equal(t, tt.answer == "", agreed == nil)
		})
	}
}

func TestParams(t *testing.T) {
	for _, tt := range []struct {
		params          string
		offer, response error // nil: good
	}{
		{"", nil, nil},
		{"; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15", nil, nil},
		{"; client_max_window_bits=10", nil, nil},
		{`; client_max_window_bits="10"`, nil, nil},
		{"; client_max_window_bits", nil, ErrWindow},
		{"; client_max_window_bits=7", ErrWindow, ErrWindow},
		{"; client_max_window_bits=16", ErrWindow, ErrWindow},
		{"; server_max_window_bits", ErrWindow, ErrWindow},
		{"; server_max_window_bits=7", ErrWindow, ErrWindow},
		{"; server_max_window_bits=16", ErrWindow, ErrWindow},
		{"; server_max_window_bits=09", ErrWindow, ErrWindow},
		{"; server_max_window_bits=+9", ErrWindow, ErrWindow},
		{"; server_max_window_bits=9.0", ErrWindow, ErrWindow},
		{"; server_max_window_bits=0x9", ErrWindow, ErrWindow},
		{"; server_max_window_bits=true", ErrWindow, ErrWindow},
		{"; server_max_window_bits=99999999999999999999", ErrWindow, ErrWindow},
		{"; server_no_context_takeover=1", ErrFlag, ErrFlag},
		{"; client_no_context_takeover=true", ErrFlag, ErrFlag},
		{"; server_no_context_takeover; server_no_context_takeover", ErrRepeated, ErrRepeated},
		{"; client_no_context_takeover; client_no_context_takeover", ErrRepeated, ErrRepeated},
		{"; server_max_window_bits=9; server_max_window_bits=9", ErrRepeated, ErrRepeated},
		{"; client_max_window_bits; client_max_window_bits=9", ErrRepeated, ErrWindow},
		{"; client_max_window_bits=9; Client_Max_Window_Bits=9", ErrRepeated, ErrRepeated},
		{"; mux", ErrParam, ErrParam},
		{"; server_max_window_bits=9; memory=8", ErrParam, ErrParam},
	} {
		exts := parseHeader(t, Name+tt.params)
		// A bad parameter counts in any offer, also behind one that would do.
		for _, offers := range [][]handshake.Extension{exts, append(parseHeader(t, Name+"; client_max_window_bits"), exts...)} {
			answer, agreed, err := Accept("13.3", offers)
			requireIs(t, err, tt.offer, tt.params)
			if err != nil {
				require.Nil(t, answer)
				require.Nil(t, agreed)
			}
		}
		agreed, err := Agreed(exts)
		requireIs(t, err, tt.response, tt.params)
		require.Equal(t, err == nil, agreed != nil)
	}
}

func requireIs(t *testing.T, err, want error, what string) {
	t.Helper()
	if want == nil {
		require.NoError(t, err, what)
		return
	}
	require.ErrorIs(t, err, want, what)
	var e *Error
	require.True(t, errors.As(err, &e))
	require.Zero(t, e.Code, "no frame was sent yet")
}

func TestAgreed(t *testing.T) {
	for _, tt := range []struct {
		response string
		want     *Params
		err      error
	}{
		{"permessage-deflate", &Params{}, nil},
		{"PERMESSAGE-DEFLATE", &Params{}, nil},
		{"permessage-deflate; client_max_window_bits=8; server_max_window_bits=15", &Params{ClientMaxWindowBits: 8, ServerMaxWindowBits: 15}, nil},
		{"permessage-deflate; client_no_context_takeover", &Params{ClientNoContextTakeover: true}, nil},
		{"permessage-deflate; server_no_context_takeover", &Params{ServerNoContextTakeover: true}, nil},
		{"permessage-deflate, permessage-deflate", nil, ErrTwice},
		{"permessage-deflate, x-webkit-deflate-frame", nil, ErrExtension},
		{"permessage-bzip2", nil, ErrExtension},
	} {
		got, err := Agreed(parseHeader(t, tt.response))
		requireIs(t, err, tt.err, tt.response)
		require.Equal(t, tt.want, got, tt.response)
	}
	got, err := Agreed(nil)
	require.NoError(t, err)
	require.Nil(t, got)
}

func TestHeader(t *testing.T) {
	require.Empty(t, Header(nil))
	require.Panics(t, func() { Header([]handshake.Extension{{Name: "two words"}}) })
}
