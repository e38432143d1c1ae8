package autobahn

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"nothing is not broken into lines", []any{object{}, []any{}, map[int]int{}, ""}, "[\n   {},\n   [],\n   {},\n   \"\"\n]"},
		{"keys are sorted as text", object{"b": 1, "a": nil, "B": true}, "{\n   \"B\": true,\n   \"a\": null,\n   \"b\": 1\n}"},
		{"case IDs, too", object{"2.1": 1, "10.1": 2}, "{\n   \"10.1\": 2,\n   \"2.1\": 1\n}"},
		{"numbers as numbers", map[int]int{13: 1, 4: 2, 206: 3}, "{\n   \"4\": 2,\n   \"13\": 1,\n   \"206\": 3\n}"},
		{"short escapes", "\"\\\b\t\n\f\r", `"\"\\\b\t\n\f\r"`},
		{"long ones", "\x00\x0b\x7f\u00e9\u20ac", `"\u0000\u000b\u007f\u00e9\u20ac"`},
		{"beyond 16 bits: a pair", "\U0001F600", `"\ud83d\ude00"`},
		{"not UTF-8", "a\xffb", `"a\ufffdb"`},
		{"no escapes for HTML", "</&>", `"</&>"`},
		{"floats have a point", []any{1.0, 0.0, 0.03125, 0.11627366709257754, 1e22, 1e-5, -2.5}, "[\n   1.0,\n   0.0,\n   0.03125,\n   0.11627366709257754,\n   1e+22,\n   1e-05,\n   -2.5\n]"},
		{"ints have none", -7, "-7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := appendJSON(nil, c.v, 0)
			assert.Equal(t, c.want, string(b))
			assert.True(t, json.Valid(b))
		})
	}
	assert.Panics(t, func() { appendJSON(nil, int64(1), 0) })
}

func TestOctetsText(t *testing.T) {
	star := func(n int) string { return strings.Repeat("*", n) }
	for _, c := range []struct {
		name   string
		b      string
		length int
		want   string
	}{
		{"empty", "", 0, ""},
		{"text", "κόσμε", 11, "κόσμε"},
		{"not UTF-8", "\xf4\x90\x80\x80", 4, "0xf4908080"},
		{"60 octets are whole", star(60), 60, star(60)},
		{"61 are whole and look cut", star(61), 61, star(61) + " ..."},
		{"65 are cut", star(65), 65, star(64) + " ..."},
		{"what was cut before is marked", star(64), 1 << 20, star(64) + " ..."},
		{"a cut character makes it hexadecimal", star(63) + "é", 65, "0x" + strings.Repeat("2a", 63) + "c3 ..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, octetsText([]byte(c.b), c.length))
		})
	}
	assert.Equal(t, strings.Repeat("2a", 64)+" ...", octetsHex([]byte(star(70)), 70))
	assert.Equal(t, "0a", octetsHex([]byte("\n"), 1))
}

func FuzzAppendString(f *testing.F) {
	f.Add(hostile)
	f.Add("\xed\xa0\x80\U0010FFFF\uFFFD")
	f.Fuzz(func(t *testing.T, s string) {
		b := appendString(nil, s)
		for _, c := range b {
			require.True(t, ' ' <= c && c <= '~', "%q has an octet that is not ASCII", b)
		}
		var back string
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, string([]rune(s)), back) // which makes U+FFFD of what is not UTF-8
	})
}
