package corpus

// A rng is a source of random numbers (splitmix64, by Sebastiano Vigna). It is here because its numbers may never change: the octets of a corpus
// are to be the same on every machine and with every version of Go.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number from 0 to n-1. 0 < n < 1<<32.
func (r *rng) below(n int) int {
	return int(r.next() >> 32 * uint64(n) >> 32)
}

// between returns a number from low to high.
func (r *rng) between(low, high int) int {
	return low + r.below(high-low+1)
}

// chance reports true so many times out of a hundred.
func (r *rng) chance(percent int) bool {
	return r.below(100) < percent
}

func pick[T any](r *rng, of []T) T {
	return of[r.below(len(of))]
}

// skewed returns a number from 0 to n-1, the smaller the likelier: six of ten are below a quarter of n.
func (r *rng) skewed(n int) int {
	return r.below(r.below(n) + 1)
}
