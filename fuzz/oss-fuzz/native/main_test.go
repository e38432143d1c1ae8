package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// What this Go's package testing has of what is changed in it, is there, once.
func TestThisGo(t *testing.T) {
	needsGo(t)
	goroot, err := output("go", "env", "GOROOT")
	require.NoError(t, err)
	dir := filepath.Join(string(goroot[:len(goroot)-1]), "src", "testing")
	o := overlay{dir: t.TempDir(), Replace: map[string]string{}}
	require.NoError(t, o.testing(filepath.Dir(filepath.Dir(dir))))
	require.Len(t, o.Replace, 2)
	changed, err := os.ReadFile(o.Replace[filepath.Join(dir, "testing.go")])
	require.NoError(t, err)
	for _, h := range hooks {
		require.Contains(t, string(changed), h[0]+"\n"+h[1])
	}
	text, err := os.ReadFile(filepath.Join(dir, "fuzz.go"))
	require.NoError(t, err)
	require.Len(t, allSeeds.FindAll(text, -1), 1)
}

// From what saveSeeds writes, F.Fuzz makes the same arguments: of all types, and however their lengths differ.
func TestRoundTrip(t *testing.T) {
	needsGo(t)
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "testing"), 0o700))
	write("testing/fuzz.go", string(fuzzFile))
	write("testing/save.go", string(saveFile))
	write("testing/rest.go", `package testing

type T struct{}

type testDeps any

func InputOf(values ...any) []byte { return inputOf(values) }
`)
	write("go.mod", "module roundtrip\n\ngo 1.25\n")
	write("main.go", `package main

import (
	"bytes"
	"fmt"
	"os"
	"roundtrip/testing"
)

func check(ok bool, what ...any) {
	if !ok {
		fmt.Println(what...)
		os.Exit(1)
	}
}

func main() {
	called := 0
	testing.NewF(testing.InputOf(int8(-2), "stream", uint16(0xabcd), true, int64(-1), []byte{1, 2}, 1.5, uint32(7), float32(-2), "", uint64(1)<<63, byte(9))).
		Fuzz(func(_ *testing.T, a int8, s string, b uint16, c bool, d int64, e []byte, f float64, g uint32, h float32, i string, j uint64, k byte) {
			called++
			check(a == -2 && s == "stream" && b == 0xabcd && c && d == -1 && bytes.Equal(e, []byte{1, 2}) && f == 1.5 && g == 7 && h == -2 && i == "" && j == 1<<63 && k == 9,
				a, s, b, c, d, e, f, g, h, i, j, k)
		})
	for _, n := range [][2]int{{0, 0}, {0, 9}, {9, 0}, {1, 1}, {7, 300}, {300, 7}, {3000, 4}, {12, 3000}, {255, 256}, {1999, 5}} {
		x, y := bytes.Repeat([]byte("x"), n[0]), bytes.Repeat([]byte("y"), n[1])
		testing.NewF(testing.InputOf(x, y)).Fuzz(func(_ *testing.T, a, b []byte) {
			called++
			check(bytes.Equal(a, x) && len(b) >= n[1] && bytes.Count(b, []byte("y")) == len(b) && (n[1] > 0 || len(b) == 0), n, len(a), len(b))
			check(n[0] > 300 || len(b) == n[1], n, len(b)) // then it need not be said again
		})
	}
	testing.NewF([]byte{200}).Fuzz(func(_ *testing.T, a uint16, b []byte) {
		called++
		check(a == 200<<8 && len(b) == 0, a, b)
	})
	check(called == 12, called)
}
`)
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func needsGo(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not here")
	}
	if runtime.GOOS == "windows" {
		t.Skip("for systems with a shell")
	}
}
