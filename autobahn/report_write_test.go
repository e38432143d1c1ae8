package autobahn

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with", "parents")
	r := aReport()
	require.NoError(t, r.Write(dir))
	index, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	golden(t, "index.json", index)

	files := map[string]bool{"index.json": true, "index.html": true}
	for agent, cases := range decode(t, index) {
		for id, entry := range cases.(map[string]any) {
			e := entry.(map[string]any)
			requireFields(t, indexFields, e)
			name := e["reportfile"].(string)
			files[name] = true
			b, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			d := decode(t, b)
			requireFields(t, detailFields, d)
			assert.Equal(t, []any{agent, id, e["behavior"], e["behaviorClose"], e["duration"], e["remoteCloseCode"]},
				[]any{d["agent"], d["id"], d["behavior"], d["behaviorClose"], d["duration"], d["remoteCloseCode"]})
		}
	}
	assert.Len(t, files, 6)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		assert.True(t, files[e.Name()], "%s is one too many", e.Name())
	}

	// Again, into the same folder: files are replaced, others stay.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.json"), nil, 0o666))
	one := &Report{}
	one.Add(result("a", "1.1.1", OK, OK))
	require.NoError(t, one.Write(dir))
	index, err = os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	assert.Len(t, decode(t, index), 1)
	assert.FileExists(t, filepath.Join(dir, "other.json"))
}

func TestWriteEmpty(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, (&Report{}).Write(dir))
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	assert.Equal(t, "{}", string(b))
	assert.FileExists(t, filepath.Join(dir, "index.html"))
}

// A folder stands where a file has to go: the error names it, what was there stays, and nothing is left over.
func TestWriteErrors(t *testing.T) {
	for _, name := range []string{"a_case_1_1_1.json", "index.html", "index.json"} {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name, "inside"), 0o777))
		r := &Report{}
		r.Add(result("a", "1.1.1", OK, OK))
		err := r.Write(dir)
		require.ErrorContains(t, err, filepath.Join(dir, name))
		left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
		require.NoError(t, err)
		assert.Empty(t, left)
		assert.DirExists(t, filepath.Join(dir, name, "inside"))
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	assert.ErrorContains(t, aReport().Write(filepath.Join(file, "dir")), file)
}

// The index names no file that is not there yet.
func TestWriteOrder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "index.html"), 0o777))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "index.html", "inside"), 0o777))
	require.Error(t, aReport().Write(dir))
	assert.NoFileExists(t, filepath.Join(dir, "index.json"))
	assert.FileExists(t, filepath.Join(dir, "f_st_server_2_case_6_4_1.json"))
}

// The process ends while a file is being written: what was there before stays whole.
func TestWriteKeepsOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.json")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o666))
	f, err := createTemp(path)
	require.NoError(t, err)
	_, err = f.WriteString("half of the n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(b))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(f.Name())
		require.NoError(t, err)
		old, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, old.Mode(), info.Mode(), "as readable as any file")
	}
}

func TestCleanName(t *testing.T) {
	for agent, want := range map[string]string{
		"AutobahnPython/0.6.0":          "autobahnpython_0_6_0",
		"  two  spaces ":                "two__spaces",
		"(nginx)":                       "nginx",
		"Größe":                         "gr__e",
		"../../etc/passwd":              "etc_passwd",
		"con:\\\x00*?":                  "con",
		"":                              "",
		"日本":                            "",
		strings.Repeat("Long", 1000):    strings.Repeat("long", 25),
		hostile:                         "script__script_alert_1___script" + strings.Repeat("_", 19) + "2j",
		"a\xffb":                        "a_b",
		"\u212Aelvin is K when lowered": "kelvin_is_k_when_lowered",
	} {
		assert.Equal(t, want, cleanName(agent), agent)
	}
}

// Agents whose names differ only in what file names or JSON cannot hold do not overwrite each other.
func TestDistinctNames(t *testing.T) {
	r := &Report{}
	for _, agent := range []string{"WS 1", "ws-1", "ws 1 2", "a\xff", "a\xfe"} {
		r.Add(result(agent, "1.1.1", OK, OK))
	}
	dir := t.TempDir()
	require.NoError(t, r.Write(dir))
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	index := decode(t, b)
	files := map[string]string{}
	for agent, cases := range index {
		files[agent] = cases.(map[string]any)["1.1.1"].(map[string]any)["reportfile"].(string)
	}
	assert.Equal(t, map[string]string{
		"WS 1": "ws_1_case_1_1_1.json", "ws 1 2": "ws_1_2_case_1_1_1.json", "ws-1": "ws_1_3_case_1_1_1.json",
		"a\uFFFD": "a_case_1_1_1.json", "a\uFFFD_2": "a_2_case_1_1_1.json",
	}, files)
}
