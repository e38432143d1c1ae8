package autobahn

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/autobahn/internal/testee"
	"github.com/idlewire/idlewire/handshake"
)

// What the squeezer writes is what RFC 7692, 7.2.3 has, and what another decompressor reads.
func TestSqueezer(t *testing.T) {
	z := func() *squeezer { return new(squeezer) }
	require.Equal(t, "f248cdc9c90700", hex.EncodeToString([]byte(z().fixed().literals("Hello").eob().message())), "7.2.3.1")
	require.Equal(t, "f200110000", hex.EncodeToString([]byte(z().fixed().literals("H").match(4, 5).eob().message())), "7.2.3.2")
	require.Equal(t, "000500faff48656c6c6f00", hex.EncodeToString([]byte(z().stored("Hello").message())), "7.2.3.3")
	require.Equal(t, "f348cdc9c9070000", hex.EncodeToString([]byte(z().final().fixed().literals("Hello").eob().align().message())), "7.2.3.4")
	require.Equal(t, "f248050000"+"00ffff"+"cac9c90700", hex.EncodeToString([]byte(z().fixed().literals("He").eob().stored("").fixed().literals("llo").eob().message())), "7.2.3.5")
	require.Equal(t, "00", hex.EncodeToString([]byte(z().message())), "7.2.3.6")

	history := noise(1 << 15)
	inflated := func(s string) string {
		b, err := io.ReadAll(flate.NewReaderDict(strings.NewReader(s+"\x00\x00\xff\xff\x01\x00\x00\xff\xff"), []byte(history)))
		require.NoError(t, err)
		return string(b)
	}
	for d := uint(1); d <= 1<<15; d += 1 + d/7 {
		for n := uint(3); n <= 10; n++ {
			want := strings.Repeat(history[len(history)-int(d):], 10) // it may overlap itself
			require.Equal(t, want[:n], inflated(z().fixed().match(n, d).eob().message()), "%d octets, %d back", n, d)
		}
	}
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	require.Equal(t, string(all), inflated(z().fixed().literals(string(all)).eob().message()))
	require.Equal(t, strings.Repeat("a", 259), inflated(z().fixed().literals("a").match(258, 1).eob().message()))
	for _, s := range []string{"", "Hello", history, strings.Repeat("idle wire", 1000)} {
		require.True(t, bytes.Equal([]byte(s), []byte(inflated(squeezed(s, 4096)))))
	}
}

func TestReadOffer(t *testing.T) {
	read := func(params string, answer bool) (offered, bool) {
		e, err := handshake.ParseExtensions(nil, []byte(pmd+params))
		require.NoError(t, err)
		return readOffer(e[0], answer)
	}
	for _, row := range []struct {
		offer, answer string
		fits          bool
	}{
		{"", "", true},
		{"", "; server_no_context_takeover", true},
		{"", "; server_max_window_bits=8", true},
		{"", "; client_no_context_takeover", true},
		{"", "; client_max_window_bits=8", false},
		{"; client_max_window_bits", "; client_max_window_bits=8", true},
		{"; client_max_window_bits", "", true},
		{"; client_max_window_bits=9", "; client_max_window_bits=9", true},
		{"; client_max_window_bits=9", "; client_max_window_bits=10", false},
		{"; server_no_context_takeover", "", false},
		{"; server_no_context_takeover", "; server_no_context_takeover", true},
		{"; client_no_context_takeover", "", true},
		{"; server_max_window_bits=9", "", false},
		{"; server_max_window_bits=9", "; server_max_window_bits=10", false},
		{"; server_max_window_bits=9", "; server_max_window_bits=9", true},
		{"; server_max_window_bits=9", "; server_max_window_bits=8", true},
		{"; server_max_window_bits=15", "", true},
	} {
		o, ok := read(row.offer, false)
		require.True(t, ok, row.offer)
		a, ok := read(row.answer, true)
		require.True(t, ok, row.answer)
		require.Equal(t, row.fits, o.answers(&a), "offer %q, answer %q", row.offer, row.answer)
		agreed, wrong := (&Deflate{Offer: pmd + row.offer}).wrongAnswer([]string{pmd + row.answer})
		require.Equal(t, row.fits, wrong == "" && agreed != nil, "offer %q, answer %q: %s", row.offer, row.answer, wrong)
	}
	for _, bad := range []string{"; server_max_window_bits=7", "; server_max_window_bits=16", "; server_max_window_bits=08", "; server_max_window_bits", "; client_max_window_bits=7", "; x",
		"; server_no_context_takeover=1", "; client_no_context_takeover; client_no_context_takeover"} {
		_, ok := read(bad, false)
		require.False(t, ok, bad)
		_, wrong := (&Deflate{Offer: pmd}).wrongAnswer([]string{pmd + bad})
		require.NotEmpty(t, wrong, bad)
	}
	_, ok := read("; client_max_window_bits", true)
	require.False(t, ok, "an answer has a value")
	for _, answer := range [][]string{{pmd + ", " + pmd}, {pmd, pmd}, {"x"}, {"; x"}, {""}} {
		_, wrong := (&Deflate{Offer: pmd}).wrongAnswer(answer)
		require.NotEmpty(t, wrong, answer)
	}
	agreed, wrong := (&Deflate{Offer: pmd}).wrongAnswer(nil)
	require.True(t, agreed == nil && wrong == "", "nothing is agreed")
}

// What the runner as server answers grants what the client asks of it.
func TestReply(t *testing.T) {
	for _, row := range []struct{ answer, offers, header string }{
		{pmd, pmd, pmd},
		{pmd, "", ""},
		{pmd, "x", ""},
		{pmd, pmd + "; x, " + pmd, pmd},
		{pmd, pmd + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
			pmd + "; server_no_context_takeover; server_max_window_bits=10; client_no_context_takeover"},
		{pmd + "; client_max_window_bits=9", pmd, ""},
		{pmd + "; client_max_window_bits=9", pmd + "; client_max_window_bits", pmd + "; client_max_window_bits=9"},
		{pmd + "; client_max_window_bits=9", pmd + "; client_max_window_bits=8", ""},
		{pmd + "; server_max_window_bits=7", pmd, pmd + "; server_max_window_bits=7"}, // wrong on purpose
		{pmd + "; server_max_window_bits=7", "x", ""},
	} {
		offers, _ := handshake.ParseExtensions(nil, []byte(row.offers))
		agreed, header := (&Deflate{Answer: row.answer}).reply(offers)
		require.Equal(t, row.header, header, "%s to %s", row.answer, row.offers)
		require.Equal(t, header != "", agreed != nil)
	}
	unasked := &Deflate{Answer: pmd + "; client_max_window_bits=10", Unasked: true}
	for offer, header := range map[string]string{pmd: unasked.Answer, pmd + "; client_max_window_bits": ""} {
		offers, _ := handshake.ParseExtensions(nil, []byte(offer))
		_, got := unasked.reply(offers)
		require.Equal(t, header, got, offer)
	}
}

// An endpoint without compression is UNIMPLEMENTED, but for what can be asked of it all the same; and so is one that agrees to less than a case needs.
func TestExtraUnimplemented(t *testing.T) {
	eachExtra(func(c *Case, role testee.Role) {
		if !strings.HasPrefix(c.ID, "26.") {
			return
		}
		e := openSqueezing(role, c)
		e.choose = func([]handshake.Extension) []handshake.Extension { return nil }
		r := joinOffers(t, c, role == testee.Server, e, atOnce, nil)
		want := Unimplemented
		if c.Opening.Deflate.Optional {
			want = OK
		}
		require.Equal(t, []Verdict{want, OK}, []Verdict{r.Behavior, r.BehaviorClose}, "%s: %s; %s", c.ID, r.Reason, r.ReasonClose)
	})
	for _, c := range ExtraCases() {
		if c.Opening == nil || c.Opening.Deflate == nil || c.For == Clients {
			continue
		}
		e := openSqueezing(testee.Server, c)
		e.choose = func(offers []handshake.Extension) []handshake.Extension {
			a := handshake.Extension{Name: pmd, Params: []handshake.Param{{Name: "client_no_context_takeover"}}}
			return []handshake.Extension{a}
		}
		if c.Opening.Deflate.Takeover {
			require.Equal(t, Unimplemented, joinEnd(t, c, true, e, atOnce).Behavior, c.ID)
		}
	}
}
