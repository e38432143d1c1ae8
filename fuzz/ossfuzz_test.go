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

// README.md has a property for each target there is.
func TestTargetsAreDescribed(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	described := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([\w./]+(?:, Fuzz\w+)*) \| .`).FindAllStringSubmatch(string(text), -1) {
		folder, _, _ := strings.Cut(row[1], ".")
		if folder == row[1] || strings.HasPrefix(folder, "Fuzz") {
			folder = "fuzz"
		}
		for _, name := range strings.Split(row[1], ", ") {
			described[folder+"."+strings.TrimPrefix(name, folder+".")] = true
		}
	}
	for name := range testsOf(t, "..") {
		if strings.Contains(name, ".Fuzz") {
			require.True(t, described[name], "%s has no row", name)
		}
	}
}
