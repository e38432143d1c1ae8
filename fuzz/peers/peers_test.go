package peers

import (
	"os"
	"strconv"
	"testing"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/stretchr/testify/require"
)

// What each library makes of IDLEWIRE_SESSIONS sessions is what the reference does, or explained.
func TestDifferential(t *testing.T) {
	n := 500
	if text := os.Getenv("IDLEWIRE_SESSIONS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for _, p := range All() {
		t.Run(p.Adapter.Name(), func(t *testing.T) {
			d := &fuzz.Differential{Adapter: p.Adapter, Quirks: p.Quirks}
			tally := d.Run(0, n)
			t.Logf("%v", tally)
			require.Zero(t, tally.Unexplained)
		})
	}
}
