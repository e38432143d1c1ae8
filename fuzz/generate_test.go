package fuzz

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seeds are strings of octets of all lengths, as good as random.
func seeds() (all [][]byte) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 300 {
		b := make([]byte, 3+n*2)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		all = append(all, b)
	}
	return all
}

// sessions are those of seeds.
func sessions() (all []Session) {
	for _, data := range seeds() {
		s, rest := SetupOf(data)
		all = append(all, Generate(s, rest))
	}
	return all
}

// What the generator is for: most of its frames are legal, faults come late as well as early, of all kinds, and some sessions have none.
func TestGenerateReach(t *testing.T) {
	rules, notes := map[string]int{}, map[string]int{}
	states := map[State]int{}
	heard, late, compressed := 0, 0, 0
	for _, s := range sessions() {
		v := Judge(within(s.Setup), s.Bytes())
		states[v.State]++
		heard += len(v.Events)
		if v.State == Failed {
			rules[v.Fault.Rule]++
			if len(v.Events) >= 5 {
				late++
			}
		}
		for _, f := range s.Frames {
			notes[f.Note]++
			if f.Rsv == 4 && s.Deflate != nil {
				compressed++
			}
		}
	}
	t.Log(states, heard, late, compressed, rules, notes)
	for _, s := range []State{Open, NeedMore, Closed, Failed} {
		require.Greater(t, states[s], 5, s)
	}
	require.Greater(t, states[Failed], 80)
	require.Greater(t, late, 25)
	require.Greater(t, heard, 20*300)
	require.Greater(t, compressed, 300)
	require.GreaterOrEqual(t, len(rules), 20)
	require.GreaterOrEqual(t, len(notes), 30)
}

// Every rule that the reference knows is broken by some session.
func TestGenerateBreaksEveryRule(t *testing.T) {
	rules := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 12)
	for _, fault := range faults {
		for n := range 1200 {
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			s := Setup{Role: Role(n & 1), Limits: Limits{Message: 300, Fragments: 5, Wire: 16*300 + 4096}}
			if n&2 != 0 {
				s.Deflate = &Deflate{Bits: 8 + n%8, Takeover: n&4 == 0}
			}
			g := &generator{Session: Session{Setup: s}, dice: dice{data}}
			fault(g)
			if v := Judge(s, g.Bytes()); v.State == Failed {
				rules[v.Fault.Section+": "+v.Fault.Rule] = true
			}
		}
	}
	known := strings.Join(rulesInSource(t), "\n")
	for rule := range rules {
		_, text, _ := strings.Cut(rule, ": ")
		require.Contains(t, known, text)
	}
	for _, rule := range rulesInSource(t) {
		found := false
		for r := range rules {
			found = found || strings.HasSuffix(r, ": "+rule)
		}
		if !found && rule != "repeats a code length, and there is none" && rule != "repeats a code length beyond the last" { // codes are spelled without repetitions
			t.Errorf("no session is in breach of %q", rule)
		}
	}
}

// Whatever is not of a fault is legal.
func TestGenerateLegal(t *testing.T) {
	for _, data := range seeds() {
		s, rest := SetupOf(data)
		g := &generator{Session: Session{Setup: s}, dice: dice{rest}}
		for !g.empty() && !g.full() && !g.closed {
			g.legal()
		}
		v := Judge(within(s), g.Bytes())
		want := Open
		if g.closed {
			want = Closed
		}
		require.Equal(t, want.String(), v.State.String(), "%v\n%v", v.Fault, &g.Session)
	}
}

// The same octets make the same session, and more octets go on with it.
func TestGenerateIsAFunction(t *testing.T) {
	for _, data := range seeds()[:100] {
		s, rest := SetupOf(data)
		before := bytes.Clone(rest)
		a, b := Generate(s, rest), Generate(s, rest)
		require.Equal(t, a, b)
		require.Equal(t, before, rest)
		require.LessOrEqual(t, len(a.Frames), MaxFrames)
		require.LessOrEqual(t, len(a.Bytes()), MaxStream+2048)
	}
}

// However many octets, and whatever they say, there is an end.
func TestGenerateBounds(t *testing.T) {
	for value := 0; value < 256; value += 17 {
		data := bytes.Repeat([]byte{byte(value)}, 20000)
		for i := range data {
			data[i] += byte(i>>8) * byte(value)
		}
		for _, s := range []Setup{{}, {Role: Client, Limits: Limits{Message: 1 << 20, Fragments: 1024}, Deflate: &Deflate{Bits: 15, Takeover: true}}} {
			session := Generate(s, data)
			require.LessOrEqual(t, len(session.Frames), MaxFrames)
			require.LessOrEqual(t, len(session.Bytes()), MaxStream+2048)
			require.Less(t, len(session.Pieces()), len(session.Bytes())+maxCuts)
		}
	}
}

// Taken apart and put together a stream is what it was.
func TestDissect(t *testing.T) {
	for _, s := range sessions() {
		stream := s.Bytes()
		for _, n := range []int{len(stream), len(stream) / 2, len(stream) / 3} {
			frames, rest := Dissect(stream[:n])
			again := Session{Frames: frames, Tail: rest}
			require.Equal(t, stream[:n], again.Bytes())
		}
	}
}

func TestCut(t *testing.T) {
	stream := []byte("abcdefgh")
	require.Equal(t, "[abcdefgh]", fmt.Sprintf("%s", Cut(stream, nil)))
	require.Equal(t, "[a b c d e f g h]", fmt.Sprintf("%s", Cut(stream, []int{1})))
	require.Equal(t, "[abc  d efg h]", fmt.Sprintf("%s", Cut(stream, []int{3, 0, 1})))
	require.Equal(t, "[ a b c d e f g h]", fmt.Sprintf("%s", Cut(stream, []int{-1})))
	require.Empty(t, Cut(nil, []int{0}))
}

// A listing says all that is odd about a frame.
func TestListing(t *testing.T) {
	s := Session{Setup: Setup{Deflate: &Deflate{Bits: 9}}, Tail: []byte{0x81}, Cuts: []int{2}, Frames: []Frame{
		{Fin: true, Opcode: OpText, Length: 5, Masked: true, Key: [4]byte{0x37, 0xfa, 0x21, 0x3d}, Payload: []byte("Hello")},
		{Rsv: 5, Opcode: 3, Form: Form64, Length: 1 << 63, Payload: []byte{0xff}, Note: "why"},
		{Opcode: OpPing}, {Opcode: OpPing},
	}}
	require.Equal(t, `to a server, limits {Message:0 Fragments:0 Wire:0}, permessage-deflate {Bits:9 Takeover:false}, cut by [2]
     0 FIN text 5 masked 37fa213d "Hello"
    11 RSV1 RSV3 opcode-3 9223372036854775808 but has 1 ff -- why
    22 ping 0, 2 times
    26 81, no frame
`, s.String())
}
