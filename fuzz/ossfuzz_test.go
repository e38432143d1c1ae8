package fuzz

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The list of targets in oss-fuzz/build.sh is that of the targets there are, but for those that it names as left out.
func TestOSSFuzzTargets(t *testing.T) {
	text, err := os.ReadFile("oss-fuzz/build.sh")
	require.NoError(t, err)
	script := string(text)
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+) (Fuzz\w+)$`).FindAllStringSubmatch(script, -1) {
		listed[m[1]+"."+m[2]] = true
	}
	for name := range testsOf(t, "..") {
		folder, target, _ := strings.Cut(name, ".")
		if !strings.HasPrefix(target, "Fuzz") || strings.HasPrefix(folder, "autobahn") || strings.Contains(folder, "/") {
			continue
		}
		if !listed[name] {
			require.Contains(t, script, name, "%s is neither listed nor left out", name)
		}
		delete(listed, name)
	}
	require.Empty(t, listed, "there are no such targets")
}
