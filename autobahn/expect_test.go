package autobahn

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriteExpect(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteExpect(&b, aReport()))
	golden(t, "expect.json", b.Bytes())
	e, err := ParseExpect("expect.json", b.Bytes())
	require.NoError(t, err)
	assert.Empty(t, Diff(aReport(), e))
	b.Reset()
	require.NoError(t, WriteExpect(&b, &Report{}))
	e, err = ParseExpect("", b.Bytes())
	require.NoError(t, err)
	assert.Empty(t, e)
}

// A report's own index is a recorded list, too.
func TestExpectIndex(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, aReport().Write(dir))
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	e, err := ParseExpect("index.json", b)
	require.NoError(t, err)
	assert.Equal(t, Verdicts{NonStrict, Unclean}, e["Fäst Server/2"]["6.4.1"])
	assert.Empty(t, Diff(aReport(), e))
}

func TestDiff(t *testing.T) {
	r := &Report{}
	for _, x := range []*Result{
		result("a", "1.1.1", OK, OK),
		result("a", "2.9", Failed, OK),
		result("a", "2.10", OK, OK),
		result("a", "3.1", NonStrict, Unclean),
		result("a", "3.2", OK, WrongCode),
		result("a", "3.3", Informational, OK),
		result("a", "4.1", OK, FailedByClient),
		result("a", "5.1", OK, OK),
		result("b\x1b", "1.1.1", OK, OK),
	} {
		x.Reason, x.ReasonClose = "why \x1b", "why close"
		r.Add(x)
	}
	ok := Verdicts{OK, OK}
	e := Expected{
		"a": {"1.1.1": ok, "2.9": ok, "2.10": {NonStrict, Failed}, "3.1": {Failed, OK}, "3.2": {OK, Unclean}, "3.3": ok, "4.1": ok, "6.4.1": ok},
		"c": {"1.1.1": ok, "1.1.2": ok},
	}
	var lines []string
	for _, d := range Diff(r, e) {
		lines = append(lines, d.String())
	}
	assert.Equal(t, []string{
		`a 2.9: worse: FAILED / OK, recorded was OK / OK ("why \x1b")`,
		"a 2.10: better: OK / OK, recorded was NON-STRICT / FAILED",
		"a 3.1: changed: NON-STRICT / UNCLEAN, recorded was FAILED / OK (why close)",
		"a 3.2: changed: OK / WRONG CODE, recorded was OK / UNCLEAN",
		"a 3.3: changed: INFORMATIONAL / OK, recorded was OK / OK",
		"a 4.1: worse: OK / FAILED BY CLIENT, recorded was OK / OK (why close)",
		"a 5.1: new: OK / OK, of a case that is not recorded",
		"a 6.4.1: missing: this case did not run, recorded was OK / OK",
		`"b\x1b": new: 1 cases of an agent that is not recorded`,
		"c: missing: this agent did not run, recorded were 2 cases",
	}, lines)
	assert.Len(t, e["a"], 8, "the list stays as it was")
}

func TestDiffAnyAgent(t *testing.T) {
	ok := Verdicts{OK, OK}
	e := Expected{AnyAgent: {"1.1.1": ok, "1.1.2": ok}, "strange": {"1.1.2": {Failed, Failed}}}
	r := &Report{}
	for _, agent := range []string{"a", "strange"} {
		r.Add(result(agent, "1.1.1", OK, OK))
	}
	r.Add(result("a", "1.1.2", OK, OK))
	r.Add(result("strange", "1.1.2", Failed, Failed))
	assert.Empty(t, Diff(r, e))
	assert.Equal(t, Expected{AnyAgent: {"1.1.1": ok, "1.1.2": ok}, "strange": {"1.1.2": {Failed, Failed}}}, e)

	r.Add(result("a", "1.1.2", Failed, OK))
	r.Add(result("strange", "1.1.2", OK, OK))
	diffs := Diff(r, e)
	require.Len(t, diffs, 2)
	assert.Equal(t, CaseWorse, diffs[0].Change)
	assert.Equal(t, CaseBetter, diffs[1].Change, "better is a difference as well")

	diffs = Diff(&Report{}, Expected{AnyAgent: {"1.1.1": ok}})
	require.Len(t, diffs, 1)
	assert.Equal(t, "missing: no agent ran, recorded were 1 cases of any", diffs[0].String())
	assert.Empty(t, Diff(&Report{}, Expected{}))
}
