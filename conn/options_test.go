package conn

import (
	"math"
	"testing"
)

// Zero is the default, negative is off, and nil is all defaults.
func TestOptionsOfTheMachine(t *testing.T) {
	for _, o := range []struct {
		o         *Options
		message   int64
		fragments int
	}{
		{nil, 1 << 20, 1024},
		{&Options{}, 1 << 20, 1024},
		{&Options{MaxMessage: 1, MaxFragments: 2}, 1, 2},
		{&Options{MaxMessage: math.MaxInt, MaxFragments: math.MaxInt}, math.MaxInt, math.MaxInt},
		{&Options{MaxMessage: -1, MaxFragments: -1}, math.MaxInt, math.MaxInt},
		{&Options{MaxMessage: math.MinInt, MaxFragments: math.MinInt}, math.MaxInt, math.MaxInt},
	} {
		if o.o.maxMessage() != o.message || o.o.maxFragments() != o.fragments {
			t.Errorf("%+v: %d, %d", o.o, o.o.maxMessage(), o.o.maxFragments())
		}
	}
}
