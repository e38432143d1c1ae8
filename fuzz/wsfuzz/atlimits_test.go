package main

import (
	"bytes"
	"compress/flate"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/netpoll"
)

// afresh is a message compressed as RFC 7692, 7.2.1 says, that refers to none before it.
func afresh(t *testing.T, payload []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	require.NoError(t, err)
	_, err = w.Write(payload)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// An endpoint is held to the limits that the user names, to the octet and to the fragment.
func TestAtLimits(t *testing.T) {
	u := loopServer(t, netpoll.DefaultDriver) // takes 1 MiB in 1024 fragments
	common := []string{"-url", u, "-seed", "8", "-timeout", "20s", "-sessions", "1", "-j", "1", "-deflate=false"}
	for _, row := range []struct{ name, flag, value, want string }{
		{"a message", "-min-message", "1048576", ""},
		{"a message and no longer one", "-max-message", "1048576", ""},
		{"a message that is too long for it", "-min-message", "1048577", "sends Close 1009 in the middle of a good session"},
		{"a longer message than it should take", "-max-message", "1048575", "broken: 10.4: message longer than the limit: accepts it, and sends a message"},
		{"fragments", "-min-fragments", "1024", ""},
		{"fragments and no more", "-max-fragments", "1024", ""},
		{"too many fragments for it", "-min-fragments", "1025", "in the middle of a good session"},
		{"more fragments than it should take", "-max-fragments", "1023", "broken: 10.4: message in more fragments than the limit: accepts it, and sends a message"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			status, out, errs := command(t, append(common, row.flag, row.value, "-o", dir)...)
			if row.want == "" {
				require.Equal(t, nothingFound, status, "%s%s", out, errs)
				return
			}
			require.Equal(t, somethingIs, status, "%s%s", out, errs)
			require.Contains(t, out, row.want)

			files, err := filepath.Glob(filepath.Join(dir, "*.wsfuzz"))
			require.NoError(t, err)
			require.NotEmpty(t, files, out)
			text, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.Less(t, len(text), 200<<10, "runs are written once")
			status, out, _ = command(t, "-url", u, "-timeout", "20s", row.flag, row.value, "-replay", files[0])
			require.Equal(t, somethingIs, status, "%s", out)
			require.Contains(t, out, row.want)
		})
	}
}
