package autobahn

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The suite does not use what it tests: of this module frame and handshake alone, and its own parts. (The command's echo server and client are idlewire's, and
// are in wstest.) Of others' code it uses the compressor.
func TestImports(t *testing.T) {
	const module = "github.com/idlewire/idlewire/"
	allowed := map[string]bool{
		module + "frame": true, module + "handshake": true, module + "autobahn/internal/corpus": true, module + "autobahn/internal/deflate": true,
		"github.com/klauspost/compress/flate": true,
	}
	n := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() && name == "wstest" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		n++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if strings.Contains(path, ".") { // the standard library's have no dot
				require.True(t, allowed[path], "%s imports %s", name, path)
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, n, 50)
}
