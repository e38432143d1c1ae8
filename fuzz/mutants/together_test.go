package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A function goes over to its copy, whatever its arguments and results are; what is not in a function stays apart.
func TestTogether(t *testing.T) {
	const source = `package a

var x = 1

func (t *T) f(a int, b ...string) (int, error) { return a + 10, nil }

func g() { _ = 20 }

func h(_ int) { _ = 30 }
`
	b, apart, err := together([]byte(source), "a/a.go", []mutant{
		{file: "b/b.go", old: "nowhere"},
		{file: "a/a.go", old: "x = 1", new: "x = 2"},
		{file: "a/a.go", old: "a + 10", new: "a + 100"},
		{file: "a/a.go", old: "10, nil", new: "11, nil"},
		{file: "a/a.go", old: "20", new: "2"},
		{file: "a/a.go", old: "30", new: "3"},
	})
	require.NoError(t, err)
	require.Equal(t, []int{2, 6}, apart)
	require.Equal(t, `package a

var x = 1

func (t *T) f(a int, b ...string) (int, error) { if theMutant == 4 { return t.f__4(a, b...) }; if theMutant == 3 { return t.f__3(a, b...) }; return a + 10, nil }

func g() { if theMutant == 5 { g__5(); return }; _ = 20 }

func h(_ int) { _ = 30 }

func (t *T) f__3(a int, b ...string) (int, error) { return a + 100, nil }

func (t *T) f__4(a int, b ...string) (int, error) { return a + 11, nil }

func g__5() { _ = 2 }
`, string(b))

	_, _, err = together([]byte(source), "a/a.go", []mutant{{name: "n", file: "a/a.go", old: "nowhere"}})
	require.EqualError(t, err, "n: its text is not in a/a.go")
}

// Most of the mutants can be built together.
func TestMostTogether(t *testing.T) {
	list, alone, done := mutants(), 0, map[string]bool{}
	for _, m := range list {
		if done[m.file] {
			continue
		}
		done[m.file] = true
		source, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(m.file)))
		require.NoError(t, err)
		b, apart, err := together(source, m.file, list)
		require.NoError(t, err)
		_, err = parser.ParseFile(token.NewFileSet(), m.file, b, parser.AllErrors)
		require.NoError(t, err)
		alone += len(apart)
	}
	require.Less(t, alone, len(list)/8)
	t.Log(alone, "of", len(list), "are built alone")
}
