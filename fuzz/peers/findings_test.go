package peers

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/lesismal/nbio/nbhttp/websocket"
	"github.com/stretchr/testify/require"
)

// What was found in others, octet for octet, as DIFFERENTIAL.md lists it. A row fails when a library's new version does it right: then it is to be taken out.
func TestFindings(t *testing.T) {
	takeover := &fuzz.Deflate{Bits: 15, Takeover: true}
	alone := &fuzz.Deflate{Bits: 15}
	for _, row := range []struct {
		name    string
		adapter fuzz.Adapter
		role    fuzz.Role
		deflate *fuzz.Deflate
		octets  string
		want    string // of the reference
		does    string // a part of what is wrong
	}{
		{"coder: a Close inside a compressed message panics", coder{}, fuzz.Client, takeover, "4100 8800", "closed", "panic: runtime error: invalid memory address"},
		{"coder: a message that the end of the stream cuts is whole", coder{}, fuzz.Client, nil, "01 03 616263", "need more", `event 0 is text "abc"; want none`},
		{"coder: so is a frame of which nothing has come", coder{}, fuzz.Client, nil, "81 05", "need more", `event 0 is text ""; want none`},
		{"coder: RFC 7692 7.2.3.4 spoils the next message", coder{}, fuzz.Client, takeover, "c1 08 f348cdc9c9070000 c1 07 f248cdc9c90700", "open", "want one more"},
		{"coder: a masked frame from a server", coder{}, fuzz.Client, nil, "82 81 37fa213d 76", "failed", `event 0 is binary "v"`},
		{"gws: a length with the most significant bit panics", newGws(), fuzz.Server, nil, "81 ff ff00000000000000 37fa213d", "failed", "panic: runtime error: slice bounds"},
		{"gws: and in a client", newGws(), fuzz.Client, nil, "82 7f 8000000000000000", "failed", "panic: runtime error: slice bounds"},
		{"gws: RSV3 behind compression", newGws(), fuzz.Client, alone, "91 01 61", "failed", `event 0 is text "a"`},
		{"nbio: an empty message is not delivered", nbio{}, fuzz.Client, nil, "81 00", "open", "want one more"},
		{"nbio: a client's frame that is not masked", nbio{}, fuzz.Server, nil, "81 01 61", "failed", `event 0 is text "a"`},
		{"nbio: a negative length is waited for", nbio{}, fuzz.Client, nil, "82 7f 8000000000000000 00", "failed", "no failure"},
		{"nbio: a length near 2^63 panics", nbio{}, fuzz.Server, nil, "82 ff 7fffffffffffffff 37fa213d 00", "need more", "panic: runtime error: slice bounds"},
		{"nbio: also with its usual limit", nbio{websocket.DefaultMessageLengthLimit}, fuzz.Server, nil, "02 81 00000000 61 80 ff 7fffffffffffffff 00000000", "need more",
			"panic: runtime error: slice bounds"},
		{"gorilla: a block that is cut short is filled up from what is appended", gorilla{}, fuzz.Client, alone, "c2 06 010a00f5ff00", "failed", "event 0 is binary"},
		{"gorilla: a Close of one octet", gorilla{}, fuzz.Client, nil, "88 01 03", "failed", "event 0 is close 1005"},
	} {
		t.Run(row.name, func(t *testing.T) {
			stream, err := hex.DecodeString(strings.ReplaceAll(row.octets, " ", ""))
			require.NoError(t, err)
			d := &fuzz.Differential{Adapter: row.adapter}
			s := fuzz.Session{Setup: row.adapter.Nearest(fuzz.Setup{Role: row.role, Deflate: row.deflate})}
			require.Equal(t, row.want, fuzz.Judge(s.Setup, stream).State.String())
			v := d.Play(&s, stream)
			require.NotNil(t, v)
			require.Contains(t, v.Wrong, row.does)
		})
	}
}

// Quirks are of rules that there are, say why, and are rows of DIFFERENTIAL.md.
func TestQuirks(t *testing.T) {
	text, err := os.ReadFile("../DIFFERENTIAL.md")
	require.NoError(t, err)
	for _, p := range All() {
		for _, q := range p.Quirks {
			require.NotEmpty(t, fuzz.Rules[q.Rule].Sentence, "%s: %s", p.Adapter.Name(), q.Rule)
			require.NotEmpty(t, q.Why)
			require.Contains(t, string(text), q.Row())
		}
	}
}
