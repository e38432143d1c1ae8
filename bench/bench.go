// Package bench holds the measurements of what servers cost: cmd/idle for memory, cmd/cpu for time. README.md says how to run them and how they
// measure. The package itself only builds the floor that times are compared with.
package bench

import (
	_ "embed" // for the source
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed floor/floor.c
var floor []byte

// BuildFloor compiles floor/floor.c, a bare epoll program, into dir and returns its path. It needs a C compiler: $CC, cc or gcc.
func BuildFloor(dir string) (string, error) {
	src, bin := filepath.Join(dir, "floor.c"), filepath.Join(dir, "floor")
	if err := os.WriteFile(src, floor, 0o600); err != nil {
		return "", err
	}
	for _, cc := range []string{os.Getenv("CC"), "cc", "gcc"} {
		path, err := exec.LookPath(cc)
		if err != nil {
			continue
		}
		if out, err := exec.Command(path, "-O2", "-o", bin, src).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", cc, err, out)
		}
		return bin, nil
	}
	return "", fmt.Errorf("no C compiler")
}
