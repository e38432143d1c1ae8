package autobahn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func idsOf(cases []*Case) []string {
	var s []string
	for _, c := range cases {
		s = append(s, c.ID)
	}
	return s
}

// Patterns over the 517 cases. What is easy to get wrong: a pattern is held to the beginning of an ID and not to its end.
func TestSelect(t *testing.T) {
	sections := func(s ...string) (want []string) {
		for _, c := range Cases() {
			if n, _, _ := strings.Cut(c.ID, "."); slices.Contains(s, n) {
				want = append(want, c.ID)
			}
		}
		return want
	}
	list := func(s string) []string { return strings.Fields(s) }
	var having12 []string // the IDs of section 12 that end with .1 or with .10 to .18
	for part := range 5 {
		for _, n := range []int{1, 10, 11, 12, 13, 14, 15, 16, 17, 18} {
			having12 = append(having12, fmt.Sprintf("12.%d.%d", part+1, n))
		}
	}
	var part131 []string
	for i := range 18 {
		part131 = append(part131, fmt.Sprintf("13.1.%d", i+1))
	}
	for _, tt := range []struct {
		name              string
		patterns, exclude []string
		want              []string
	}{
		{"all", list("*"), nil, idsOf(Cases())},
		{"nothing asked", nil, nil, nil},
		{"nothing left", list("*"), list("*"), nil},
		{"an ID", list("1.1.1"), nil, list("1.1.1")},
		{"an ID is no prefix", list("7.7.1"), nil, list("7.7.1")}, // not 7.7.10
		{"a section", list("1.*"), nil, sections("1")},
		{"the dot is literal", list("1.*"), list("1.1.* 1.2.*"), nil}, // it would match 10, 12 and 13 as well
		{"1* is four sections", list("1*"), nil, sections("1", "10", "12", "13")},
		{"*.1 is not held to the end", list("*.1"), list("12.* 13.* 7.* 6.* 5.* 9.* 2.* 3.* 4.*"), append(idsOf(Cases()[:8]), "1.2.1", "10.1.1")},
		{"12.*.1", list("12.*.1"), nil, having12},
		{"7.7.1*", list("7.7.1*"), nil, list("7.7.1 7.7.10 7.7.11 7.7.12 7.7.13")},
		{"a star stands for nothing too", list("3.1*"), nil, list("3.1")},
		{"a star at the beginning", list("*13.1"), nil, append(list("6.13.1 7.13.1"), part131...)},
		{"two stars", list("9.*.*6"), nil, list("9.1.6 9.2.6 9.3.6 9.4.6 9.5.6 9.6.6 9.7.6 9.8.6")},
		{"sorted by numbers", list("2.10 2.9 10.1.1 2.1"), nil, list("2.1 2.9 2.10 10.1.1")},
		{"no case twice", list("2.1 2.1* 2.1"), nil, list("2.1 2.10 2.11")},
		{"without an ID", list("4.1.*"), list("4.1.3"), list("4.1.1 4.1.2 4.1.4 4.1.5")},
		{"without a pattern", list("4.*"), list("4.2*"), list("4.1.1 4.1.2 4.1.3 4.1.4 4.1.5")},
		{"unknown IDs in exclude", list("3.1"), []string{"3.8", "", "8.*", "nonsense"}, list("3.1")},
		{"a pattern that matches nothing", list("8.* 11.* 3.1"), nil, list("3.1")},
		{"nothing but stars is special", []string{"3.[12]*", "3.1|3.2*", "(3*", "3.1$*"}, nil, nil},
		{"more stars than can be good", []string{"3" + strings.Repeat("*", 1<<20) + "6"}, nil, list("3.6")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Select(Cases(), tt.patterns, tt.exclude)
			require.NoError(t, err)
			assert.Equal(t, tt.want, idsOf(got))
		})
	}
}

// Select works on whatever it is given, in any order, and leaves it alone.
func TestSelectOtherCases(t *testing.T) {
	own := []*Case{{ID: "20.10"}, {ID: "20.9"}, {ID: "3.1"}, {ID: "20.x"}, {ID: "20.9.1"}, {ID: "20.9"}}
	before := slices.Clone(own)
	got, err := Select(own, []string{"*"}, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"3.1", "20.9", "20.9.1", "20.10", "20.x"}, idsOf(got))
	assert.Equal(t, before, own)

	_, err = Select(Cases(), []string{"20.9"}, nil)
	assert.Error(t, err)
}

func TestSelectUnknown(t *testing.T) {
	for _, tt := range []struct {
		id   string
		near []string
		text string
	}{
		{"6.4", []string{"6.4.*"}, `autobahn: there is no case "6.4"; perhaps 6.4.* is meant`},
		{"6", []string{"6.*"}, `autobahn: there is no case "6"; perhaps 6.* is meant`},
		{"6.", []string{"6.*"}, `autobahn: there is no case "6."; perhaps 6.* is meant`},
		{"5.21", []string{"5.1", "5.2", "5.11"}, `autobahn: there is no case "5.21"; perhaps 5.1, 5.2 or 5.11 is meant`},
		{" 7.13.2", []string{"7.13.2"}, `autobahn: there is no case " 7.13.2"; perhaps 7.13.2 is meant`},
		{"1.1.1.1", []string{"1.1.1", "6.11.1", "10.1.1"}, ""},
		{"1.1.1.1.1", nil, ""},
		{"2.12", []string{"2.1", "2.2", "2.10"}, ""}, // rather than 12.1.2
		{"nonsense", nil, `autobahn: there is no case "nonsense"`},
		{"", nil, `autobahn: there is no case ""`},
		{strings.Repeat("1.", 1<<20), nil, ""}, // no time is spent on it
	} {
		_, err := Select(Cases(), []string{"1.*", tt.id, "another"}, nil)
		var unknown *UnknownCaseError
		require.True(t, errors.As(err, &unknown), "%.20q", tt.id)
		assert.Equal(t, tt.id, unknown.ID)
		assert.Equal(t, tt.near, unknown.Near, "%.20q", tt.id)
		if tt.text != "" {
			assert.Equal(t, tt.text, err.Error())
		}
	}
}

func TestSkipAgents(t *testing.T) {
	skip := SkipAgents(map[string][]string{
		"Chrome*":   {"6.4.*", "1.1"},
		"Firefox":   {"*.1"},
		"a.b":       {"3.1", "8.1", "nonsense"},
		"*":         {"13.7.18"},
		"*(beta)*":  {"2.*"},
		"":          {"5.1"},
		"Safari*17": {"*"},
	})
	for _, tt := range []struct {
		agent, id string
		want      bool
	}{
		{"Chrome/120", "6.4.1", true},
		{"Chrome", "6.4.4", true},
		{"Google Chrome/120", "6.4.1", false}, // held to the beginning
		{"Chrome/120", "6.5.1", false},
		{"Chrome/120", "1.1.1", false}, // 1.1 is an ID that no case has
		{"Firefox", "2.1", true},
		{"Firefox", "1.1.1", true},
		{"Firefox", "1.1.8", false}, // held to the end: other than in Select
		{"Firefox", "2.10", false},
		{"Firefox 3", "2.1", false}, // an agent without a star is the whole of it
		{"a.b", "3.1", true},
		{"axb", "3.1", false}, // the dot is literal
		{"anybody", "13.7.18", true},
		{"anybody", "13.7.1", false},
		{"x (beta) y", "2.11", true}, // so are brackets
		{"x beta y", "2.11", false},
		{"", "5.1", true},
		{"x", "5.1", false},
		{"Safari 17", "9.1.1", true},
		{"Safari 17.1", "9.1.1", false},
		{"Safari\n17", "9.1.1", true},
	} {
		assert.Equal(t, tt.want, skip(tt.agent, &Case{ID: tt.id}), "%q %s", tt.agent, tt.id)
	}
	assert.False(t, SkipAgents(nil)("x", Cases()[0]))
}

// The matcher says what three plain lines say.
func TestMatcherTwin(t *testing.T) {
	var naive func(pattern, s string, toTheEnd bool) bool
	naive = func(pattern, s string, toTheEnd bool) bool {
		switch {
		case pattern == "":
			return s == "" || !toTheEnd
		case pattern[0] == '*':
			return naive(pattern[1:], s, toTheEnd) || s != "" && naive(pattern, s[1:], toTheEnd)
		}
		return s != "" && s[0] == pattern[0] && naive(pattern[1:], s[1:], toTheEnd)
	}
	r := rand.New(rand.NewPCG(1, 2))
	letters := func(alphabet string, n int) string {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	matched := 0
	for range 20000 {
		p, s := letters("12..**", 6), letters("12.", 8)
		loose, strict := matchers([]string{p}, false).match(s), matchers([]string{p}, true).match(s)
		require.Equal(t, naive(p, s, !isPattern(p)), loose, "%q %q", p, s)
		require.Equal(t, naive(p, s, true), strict, "%q %q", p, s)
		if loose != strict {
			matched++
		}
	}
	assert.Greater(t, matched, 100, "patterns too wild to tell the two apart")
}
