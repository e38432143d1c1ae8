package autobahn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseExpect(t *testing.T) {
	e, err := ParseExpect("f", []byte("\uFEFF"+`{
		"*": {},
		"a": {"6.4.1": ["NON-STRICT", "FAILED BY CLIENT"],
		      "7.1.6": {"reportfile": {"deep": [1]}, "behaviorClose": "INFORMATIONAL", "remoteCloseCode": null, "behavior": "INFORMATIONAL"}}
	}`))
	require.NoError(t, err)
	assert.Equal(t, Expected{AnyAgent: {}, "a": {"6.4.1": {NonStrict, FailedByClient}, "7.1.6": {Informational, Informational}}}, e)
}

func TestParseExpectErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "f:1:1: "},
		{"{\n  \"a\": {\n    \"1.1\": [\"OK\" \"OK\"]\n", "f:3:18: this is not JSON: "},
		{`{"ä": nul}`, "f:1:10: this is not JSON: "},
		{`[1]`, "f:1:1: expected an object of agents by name, found a list"},
		{`null`, "f:1:1: expected an object of agents by name, found null"},
		{`{"ä": 1}`, "f:1:7: ä: expected an object of cases by ID, found 1"},
		{"{\"a\": {},\n \"a\": {}}", "f:2:2: expected \"a\" once, found it twice"},
		{`{"a": {"1.1": ["OK", "OK"], "1.1": ["OK", "OK"]}}`, `f:1:29: a: expected "1.1" once, found it twice`},
		{`{"a": {"1.1": "OK"}}`, "f:1:15: a.1.1: expected [behavior, behaviorClose], or an object with these fields, found \"OK\""},
		{`{"a": {"1.1": ["OK"]}}`, "f:1:15: a.1.1: expected [behavior"},
		{`{"a": {"1.1": ["OK", "OK", "OK"]}}`, "f:1:15: a.1.1: expected [behavior"},
		{`{"a": {"1.1": ["UNCLEAN", "OK"]}}`, `f:1:16: a.1.1[0]: expected one of ["OK" "NON-STRICT" "INFORMATIONAL" "UNIMPLEMENTED" "FAILED"], found "UNCLEAN"`},
		{`{"a": {"1.1": ["OK", "ok"]}}`, `f:1:22: a.1.1[1]: expected one of ["OK" "INFORMATIONAL" "FAILED BY CLIENT" "UNCLEAN" "WRONG CODE" "FAILED"], found "ok"`},
		{`{"a": {"1.1": ["OK", 1]}}`, "f:1:22: "},
		{`{"a": {"1.1": {"behavior": "OK"}}}`, `f:1:15: a.1.1: expected a field "behaviorClose", such as "OK"`},
		{`{"a": {"1.1": {"behavior": "OK", "behaviorClose": null}}}`, `f:1:15: a.1.1: expected a field "behaviorClose", such as "OK"`},
		{`{} {}`, "f:1:4: this is not JSON: "},
		{strings.Repeat("[", 20000), "f:1:1"},
	} {
		e, err := ParseExpect("f", []byte(c.text))
		var where *ConfigError
		require.ErrorAs(t, err, &where, c.text)
		assert.True(t, strings.HasPrefix(err.Error(), c.want), "%s\n%s", c.text, err)
		assert.Nil(t, e)
	}
	_, err := ParseExpect("f", make([]byte, maxExpect+1))
	assert.ErrorContains(t, err, "expected at most 67108864 octets")
}
