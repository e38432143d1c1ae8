package handshake

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func params(kv ...string) (p []Param) {
	for i := 0; i < len(kv); i += 2 {
		p = append(p, Param{kv[i], kv[i+1]})
	}
	return p
}

var extensionTests = []struct {
	name  string
	value string
	want  []Extension // nil: malformed
	again string      // as AppendExtensions writes it
}{
	{"9.1 the RFC's first", "foo", []Extension{{"foo", nil}}, "foo"},
	{"9.1 the RFC's second", "bar; baz=2", []Extension{{"bar", params("baz", "2")}}, "bar; baz=2"},
	{"9.1 both", "foo, bar; baz=2", []Extension{{"foo", nil}, {"bar", params("baz", "2")}}, "foo, bar; baz=2"},
	{"9.1 deflate-stream", "deflate-stream", []Extension{{"deflate-stream", nil}}, "deflate-stream"},
	{"9.1 several", "mux; max-channels=4; flow-control, deflate-stream",
		[]Extension{{"mux", params("max-channels", "4", "flow-control", "")}, {"deflate-stream", nil}},
		"mux; max-channels=4; flow-control, deflate-stream"},
	{"9.1 private", "private-extension", []Extension{{"private-extension", nil}}, "private-extension"},
	{"RFC 7692 7.1.3", `permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits`,
		[]Extension{{"permessage-deflate", params("client_max_window_bits", "", "server_max_window_bits", "10")},
			{"permessage-deflate", params("client_max_window_bits", "")}},
		"permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits"},
	{"9.1 quoted", `a; b="10"`, []Extension{{"a", params("b", "10")}}, "a; b=10"},
	{"9.1 quoted with backslashes", `a; b="\1\0"; c`, []Extension{{"a", params("b", "10", "c", "")}}, "a; b=10; c"},
	{"9.1 no white space", `a;b;c=d,e;f="g"`, []Extension{{"a", params("b", "", "c", "d")}, {"e", params("f", "g")}}, "a; b; c=d, e; f=g"},
	{"9.1 much white space", " \ta\t; b \t=\t c\t,\t", []Extension{{"a", params("b", "c")}}, "a; b=c"},
	{"9.1 empty elements", ",,a, ,\tb,", []Extension{{"a", nil}, {"b", nil}}, "a, b"},
	{"9.1 same name twice", "a, a", []Extension{{"a", nil}, {"a", nil}}, "a, a"},
	{"9.1 same parameter twice", "a; b; b=1", []Extension{{"a", params("b", "", "b", "1")}}, "a; b; b=1"},
	{"9.1 case is kept", "A; B=C", []Extension{{"A", params("B", "C")}}, "A; B=C"},
	// V37: names that mean something elsewhere.
	{"V37 names of other languages", "constructor; __proto__=toString, hasOwnProperty",
		[]Extension{{"constructor", params("__proto__", "toString")}, {"hasOwnProperty", nil}}, "constructor; __proto__=toString, hasOwnProperty"},
	{"at the limit of extensions", strings.Repeat("a,", maxExtensions), repeat(Extension{"a", nil}, maxExtensions), strings.Repeat("a, ", maxExtensions-1) + "a"},
	{"at the limit of parameters", "a" + strings.Repeat(";b", maxParams), []Extension{{"a", repeat(Param{"b", ""}, maxParams)}}, "a" + strings.Repeat("; b", maxParams)},

	{"above the limit of extensions", strings.Repeat("a,", maxExtensions) + "a", nil, ""},
	{"above the limit of parameters", "a" + strings.Repeat(";b", maxParams+1), nil, ""},
	{"9.1 empty", "", nil, ""},
	{"9.1 commas", " , ,", nil, ""},
	{"9.1 no comma", "a b", nil, ""},
	{"9.1 no name", "; a", nil, ""},
	{"9.1 no parameter", "a;", nil, ""},
	{"9.1 no parameter before the next", "a; , b", nil, ""},
	{"9.1 two semicolons", "a;; b", nil, ""},
	{"9.1 no value", "a; b=", nil, ""},
	{"9.1 no value before the next", "a; b=; c", nil, ""},
	{"9.1 no parameter name", "a; =b", nil, ""},
	{"9.1 two values", "a; b=c=d", nil, ""},
	{"9.1 two words of value", "a; b=c d", nil, ""},
	{"9.1 value without a parameter", "a=b", nil, ""},
	{"9.1 quoted name", `"a"`, nil, ""},
	{"9.1 empty quotes", `a; b=""`, nil, ""},
	{"9.1 quotes not closed", `a; b="c`, nil, ""},
	{"9.1 quotes not closed after a backslash", `a; b="c\`, nil, ""},
	{"9.1 quote escaped", `a; b="c\"`, nil, ""},
	{"9.1 quoted, no token", `a; b="c d"`, nil, ""},
	{"9.1 quoted comma", `a; b="c,d"`, nil, ""},
	{"9.1 quoted and escaped, no token", `a; b="c\ d"`, nil, ""},
	{"9.1 something after the quotes", `a; b="c"d`, nil, ""},
	{"9.1 octet above 127", "a; b=\xe4", nil, ""},
	{"9.1 NUL", "a\x00", nil, ""},
}

func repeat[T any](v T, n int) (s []T) {
	for range n {
		s = append(s, v)
	}
	return s
}

func TestParseExtensions(t *testing.T) {
	for _, tt := range extensionTests {
		t.Run(tt.name, func(t *testing.T) {
			before := []Extension{{"before", nil}}
			got, err := ParseExtensions(before, []byte(tt.value))
			if tt.want == nil {
				require.Same(t, ErrExtensions, err)
				require.Equal(t, before, got)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got[1:])
			b, err := AppendExtensions([]byte("X: "), tt.want)
			require.NoError(t, err)
			require.Equal(t, "X: "+tt.again, string(b))
		})
	}
}

func TestAppendExtensionsRefuses(t *testing.T) {
	for _, e := range []Extension{
		{"", nil}, {"a b", nil}, {"a\r\nX: y", nil}, {"a", params("", "")}, {"a", params("", "b")}, {"a", params("b", "c d")},
		{"a", params("b", "c\n")}, {"a", params("b", `"c"`)}, {"a", params("b\x00", "")}, {"a,b", nil}, {"ä", nil},
	} {
		b, err := AppendExtensions([]byte("X: "), []Extension{{"good", nil}, e})
		require.Error(t, err, "%q", e)
		require.Equal(t, "X: ", string(b), "nothing is appended")
	}
	b, err := AppendExtensions(nil, nil)
	require.NoError(t, err)
	require.Empty(t, b)
}

// V37: whatever an extension, a parameter or a header is called, it is a name like any other.
func TestV37Names(t *testing.T) {
	u := &Upgrader{Extensions: func(_ *Request, offers []Extension) []Extension { return offers }}
	for _, name := range []string{
		"__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "nil", "0", "-1", "NaN", "%s", "%00", "..", "*", "|", "~", "^", "`", "'",
		strings.Repeat("a", 4000), strings.Repeat("A-", 1000),
	} {
		response, r, err := upgrade(t, u, request("+", "Sec-WebSocket-Extensions: "+name+"; "+name[:min(len(name), 40)], "+", name[:min(len(name), 4000)]+": x"))
		require.NoError(t, err, name)
		require.Equal(t, name, r.Extensions[0].Name)
		require.Contains(t, response, "\r\nSec-WebSocket-Extensions: "+name+"; ")
		require.Equal(t, "x", string(r.Header(name)))
	}
}

// The offers of all lines count together.
func TestExtensionLimitOverLines(t *testing.T) {
	for n, want := range map[int]error{maxExtensions: nil, maxExtensions + 1: ErrExtensions, 90: ErrExtensions} {
		var r Request
		_, _, err := r.Receive([]byte(request("+", strings.TrimSuffix(strings.Repeat("Sec-WebSocket-Extensions: a\r\n", n), "\r\n"))))
		if want == nil {
			require.NoError(t, err)
		} else {
			require.Same(t, want, err)
		}
	}
}

// FuzzExtensions: what ParseExtensions accepts is made of tokens, and is the same after it has
// been appended and parsed again; checking without keeping gives the same verdict.
func FuzzExtensions(f *testing.F) {
	for _, tt := range extensionTests {
		f.Add([]byte(tt.value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		exts, err := ParseExtensions(nil, value)
		_, n, ok := parseExtensions(nil, value, 0, false)
		require.Equal(t, err == nil, ok && n > 0)
		if err != nil {
			require.Nil(t, exts)
			return
		}
		require.Len(t, exts, n)
		b, err := AppendExtensions(nil, exts)
		require.NoError(t, err, "everything is a token")
		again, err := ParseExtensions(nil, b)
		require.NoError(t, err)
		require.Equal(t, exts, again)
	})
}
