package peers

import (
	"os"
	"strconv"
	"testing"

	"github.com/idlewire/idlewire/fuzz"
	"github.com/stretchr/testify/require"
)

// What each library makes of IDLEWIRE_SESSIONS sessions, from IDLEWIRE_FROM on, is what the reference does, or explained.
func TestDifferential(t *testing.T) {
	from, n := howMany(t, "IDLEWIRE_FROM", 0), howMany(t, "IDLEWIRE_SESSIONS", 500)
	for _, p := range All() {
		t.Run(p.Adapter.Name(), func(t *testing.T) {
			d := &fuzz.Differential{Adapter: p.Adapter, Quirks: p.Quirks}
			tally := d.Run(from, n)
			t.Logf("%v", tally)
			require.Zero(t, tally.Unexplained)
		})
	}
}

// howMany is a number from the environment.
func howMany(t *testing.T, name string, usual int) int {
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}
