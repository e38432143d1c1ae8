package fuzz

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each row of THREATS.md names the tests that show it, or says what it waits for. A row without either, and a test that does not exist, is a failure.
func TestThreatsHaveTests(t *testing.T) {
	text, err := os.ReadFile("THREATS.md")
	require.NoError(t, err)
	exist := testsOf(t, "..")
	row := regexp.MustCompile(`^\| ([VEF]\d\d) \| (.*) \| (.*) \|$`)
	name := regexp.MustCompile("`([a-z./]+)\\.((?:Test|Fuzz|Example)\\w+)`")
	rows := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		id, shown := m[1], m[3]
		require.False(t, rows[id], "%s is there twice", id)
		rows[id] = true
		names := name.FindAllStringSubmatch(shown, -1)
		if len(names) == 0 {
			require.Regexp(t, `^(waits for|not ours): \S`, shown, "%s has no test, and says no reason", id)
		}
		for _, n := range names {
			require.True(t, exist[n[1]+"."+n[2]], "%s: there is no test %s in %s", id, n[2], n[1])
		}
	}
	for prefix, last := range map[string]int{"V": 84, "E": 34} {
		for i := 1; i <= last; i++ {
			id := prefix + string([]byte{byte('0' + i/10), byte('0' + i%10)})
			if !absent[id] {
				require.True(t, rows[id], "%s has no row", id)
			}
		}
	}
}

// Numbers that the list of threats does not use.
var absent = map[string]bool{"V09": true, "V18": true, "V21": true, "V31": true, "V36": true, "V38": true, "V40": true, "V44": true,
	"V57": true, "V58": true, "V59": true, "V79": true, "V82": true}

// testsOf returns the test functions of all packages below root, as "folder.Name".
func testsOf(t *testing.T, root string) map[string]bool {
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				tests[filepath.ToSlash(folder)+"."+fn.Name.Name] = true
			}
		}
		return err
	})
	require.NoError(t, err)
	return tests
}
