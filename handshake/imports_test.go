package handshake

import (
	"go/build"
	goparser "go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The package stands on the standard library alone: not even on frame, which it shares a floor
// with. And no regexp: nobody has to wonder what one costs (V35).
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	io := map[string][]string{} // who imports what can do I/O
	n := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		n++
		f, err := goparser.ParseFile(token.NewFileSet(), name, nil, goparser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			require.NotContains(t, []string{"C", "unsafe", "regexp", "log", "os", "math/rand", "math/rand/v2"}, path, name)
			p, err := build.Import(path, ".", build.FindOnly)
			require.NoError(t, err)
			require.True(t, p.Goroot, "%s imports %s", name, path)
			if slices.Contains([]string{"io", "bufio", "time", "sync", "context", "net/netip"}, path) {
				io[path] = append(io[path], name)
			}
		}
	}
	require.Greater(t, n, 10)
	// No clock, lock or reader anywhere but in the glue to net/http. (request.go has net for the
	// type of an address, others have net/http for Header and the numbers.)
	for path, names := range io {
		require.Equal(t, []string{"http.go"}, names, path)
	}
}
