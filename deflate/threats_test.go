package deflate

import (
	"bytes"
	stdflate "compress/flate"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/frame"
	"github.com/idlewire/idlewire/handshake"
)

// What went wrong in other implementations, as far as it is DEFLATE's. V26 is in negotiate_test.go and params_test.go, the bombs are in netpoll.

// smuggled are payloads that end early, go on behind a final block, or leave bits behind the last one; and the same that do not.
func smuggled(t testing.TB) (payloads [][]byte) {
	payloads = splitTests(t)
	hello := octets(t, "f2 48 cd c9 c9 07 00")
	final := octets(t, "f3 48 cd c9 c9 07 00")
	for cut := range len(hello) + 1 { // (a)
		payloads = append(payloads, hello[:cut], final[:cut], append(bytes.Clone(hello[:cut]), 0))
	}
	for _, more := range [][]byte{hello, final, {0}, {1}, {3, 0}, {0, 0, 0xff, 0xff}, []byte("smuggled"), {0xff}, bytes.Repeat([]byte{0}, 9)} { // (b)
		payloads = append(payloads, append(bytes.Clone(final), more...), append(bytes.Clone(hello), more...))
	}
	for n := range 17 { // (c), and (d): blocks end at every bit
		for _, ones := range []int{0, 1, 1<<n - 1} {
			w := new(bitWriter).fixed().lit("bit").code(0, 7)
			for range n % 8 { // ten bits each
				w.fixed().code(0, 7)
			}
			payloads = append(payloads, bytes.Clone(w.put(0, 3).b), w.put(ones, n).b)
			payloads = append(payloads, new(bitWriter).final().lit("bit").code(0, 7).put(ones, n).b)
		}
	}
	return payloads
}

// Tomcat CVE-2026-87022: what was left over of one message became the beginning of the next. Whatever a payload is, it is one message, the one that the
// naive twin and the standard library read in it, or the end of the connection; and the next is what it is.
func TestV75NothingIsLeftForTheNext(t *testing.T) {
	next := octets(t, "f2 48 cd c9 c9 07 00")
	good, bad := 0, 0
	for _, takeover := range []bool{false, true} {
		o := &Options{ServerContextTakeover: takeover, ClientContextTakeover: takeover}
		answer := o.Offers()[0]
		answer.Params = answer.Params[:len(answer.Params)-1] // client_max_window_bits has no value in an answer
		for _, payload := range smuggled(t) {
			want, _, err := naiveInflate(payload, nil, 1<<maxBits)
			if err == errNaiveLong {
				continue
			}
			std, left, stdErr := stdInflate(payload)
			if err == nil {
				require.NoError(t, stdErr, "%x", payload)
				require.True(t, bytes.HasPrefix(want, std), "%x", payload)
				if left == 0 { // it has met no final block
					require.Equal(t, std, want, "%x", payload)
				}
				good++
			} else {
				require.True(t, stdErr != nil || left > 0, "%x: %v", payload, err)
				bad++
			}
			for cut := range len(payload) + 1 {
				if (len(payload) > 300 || raceEnabled) && cut > 20 && cut < len(payload)-20 {
					continue
				}
				c, agreeErr := o.Agree([]handshake.Extension{answer})
				require.NoError(t, agreeErr)
				p := &conn.Protocol{Role: conn.Client, Compressor: c}
				b := frame.Append(nil, frame.Header{Opcode: frame.Binary, Rsv: frame.Rsv1}, payload[:cut])
				b = frame.Append(b, frame.Header{Opcode: frame.Continuation, Fin: true}, payload[cut:])
				b = frame.Append(b, frame.Header{Opcode: frame.Binary, Fin: true, Rsv: frame.Rsv1}, next)
				b = frame.Append(b, frame.Header{Opcode: frame.Binary, Fin: true}, []byte("plain"))
				var got []string
				var broken error
				for broken == nil {
					var m conn.Message
					if m, b, broken = p.Receive(b); m.Op == 0 {
						break
					}
					got = append(got, string(m.Payload))
				}
				p.Release()
				c.Release()
				if err != nil {
					require.Equal(t, error(frame.ErrInvalidDeflate), broken, "%x, cut at %d", payload, cut)
					require.Empty(t, got)
				} else {
					require.NoError(t, broken, "%x, cut at %d", payload, cut)
					require.Equal(t, []string{string(want), "Hello", "plain"}, got, "%x, cut at %d", payload, cut)
				}
			}
		}
	}
	require.Greater(t, good, 100)
	require.Greater(t, bad, 100)
}

// stdInflate is what the standard library reads in a payload, up to a final block; left is what it has not read.
func stdInflate(payload []byte) (message []byte, left int, err error) {
	r := bytes.NewReader([]byte(string(payload) + tail + "\x01\x00\x00\xff\xff"))
	message, err = io.ReadAll(stdflate.NewReader(r))
	return message, r.Len(), err
}

// zlib CVE-2016-9840, CVE-2018-25032, CVE-2022-37434, in those who inherited it. There is no zlib here, and nothing but Go; and nothing that inflates but this package.
func TestV29PureGo(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Module,CgoFiles,CFiles,CXXFiles,SFiles,SysoFiles,SwigFiles,HFiles", ".")
	out, err := cmd.Output()
	require.NoError(t, err)
	var others []string
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p struct {
			ImportPath                                                       string
			Standard                                                         bool
			Module                                                           *struct{ Path string }
			CgoFiles, CFiles, CXXFiles, SFiles, SysoFiles, SwigFiles, HFiles []string
		}
		require.NoError(t, d.Decode(&p))
		if p.Standard {
			continue
		}
		for _, files := range [][]string{p.CgoFiles, p.CFiles, p.CXXFiles, p.SFiles, p.SysoFiles, p.SwigFiles, p.HFiles} {
			require.Empty(t, files, p.ImportPath)
		}
		if !strings.HasPrefix(p.ImportPath, "github.com/idlewire/idlewire/") {
			others = append(others, p.ImportPath)
		}
	}
	for _, path := range others {
		require.True(t, path == "github.com/klauspost/compress/flate" || strings.HasPrefix(path, "github.com/klauspost/compress/internal/"), path)
	}
	require.NotEmpty(t, others)
}

// Of the library's packages this one alone imports anything that compresses, and calls none that inflates.
func TestV29OneInflater(t *testing.T) {
	calls := map[string]bool{}
	for _, dir := range []string{"frame", "handshake", "conn", "netpoll", "deflate"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, spec := range f.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				require.NoError(t, err)
				require.NotEqual(t, "C", path, name)
				if strings.Contains(path, "compress") {
					require.Equal(t, "github.com/klauspost/compress/flate deflate", fmt.Sprint(path, " ", dir), name)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "flate" {
						calls[s.Sel.Name] = true
					}
				}
				return true
			})
			return nil
		})
		require.NoError(t, err)
	}
	require.True(t, calls["NewWriter"])
	for name := range calls {
		require.True(t, strings.HasPrefix(name, "NewWriter") || name == "Writer" || strings.HasSuffix(name, "Compression") || name == "HuffmanOnly", "flate.%s", name)
	}
}
