package handshake

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// receiver is what Request and Response have in common.
type receiver interface {
	Receive(b []byte) (rest []byte, done bool, err error)
	Buffered() int
}

// feed gives stream to r in pieces that end at the cuts, and returns what Receive says in the end.
// rest is everything that r left over. Each piece is overwritten once r has returned, unless r
// may point into it.
func feed(t testing.TB, r receiver, stream string, cuts ...int) (rest string, done bool, err error) {
	t.Helper()
	from := 0
	for i, to := range append(cuts, len(stream)) {
		b := []byte(stream[from:to])
		var left []byte
		left, done, err = r.Receive(b)
		if err != nil {
			require.False(t, done)
			require.Nil(t, left, "nothing is to be used after an error")
			_, _, again := r.Receive([]byte("GET / HTTP/1.1\r\n"))
			require.Same(t, err, again, "errors are sticky")
			require.Zero(t, r.Buffered(), "nothing is kept of what is refused")
			return "", false, err
		}
		rest += string(left)
		if r.Buffered() > 0 || !done && i == 0 {
			for j := range b[:len(b)-len(left)] {
				b[j] = 0xdb
			}
		}
		// Retained memory follows what was received.
		require.LessOrEqual(t, r.Buffered(), 2*to+512)
		if !done {
			require.Empty(t, left)
		}
		from = to
	}
	return rest, done, err
}

// splits calls f with every way to cut a stream of n octets that the tests know: whole, octet by
// octet, at each single place, and at random places.
func splits(n int, f func(name string, cuts []int)) {
	f("whole", nil)
	every := make([]int, 0, n)
	for i := 1; i < n; i++ {
		every = append(every, i)
	}
	f("octet by octet", every)
	if n > 1<<11 {
		every = []int{1, 2, n / 3, n / 2, n - 2, n - 1} // each place of a long one would take too long
	}
	for _, i := range every {
		f(fmt.Sprintf("at %d", i), []int{i})
	}
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range 64 {
		var cuts []int
		for at := 0; ; {
			if at += rnd.IntN(1 + n/(1+rnd.IntN(8))); at >= n {
				break
			}
			cuts = append(cuts, at)
		}
		f(fmt.Sprintf("at random %d", i), cuts)
	}
}

// outcome is all that one can know of a request.
func requestOutcome(t testing.TB, u *Upgrader, stream string, cuts ...int) string {
	r := Request{Limits: &u.Limits}
	rest, done, err := feed(t, &r, stream, cuts...)
	var s strings.Builder
	fmt.Fprintf(&s, "done %v err %v rest %q\n", done, err, rest)
	if done {
		fmt.Fprintf(&s, "target %q path %q query %q host %q origin %q\n", r.Target(), r.Path(), r.Query(), r.Host(), r.Origin())
		for name, value := range r.All() {
			fmt.Fprintf(&s, "%q: %q\n", name, value)
		}
	}
	if done || err != nil {
		response, err := u.AppendResponse(nil, &r)
		fmt.Fprintf(&s, "%q %v %q %q", response, err, r.Subprotocol, r.Extensions)
	}
	return s.String()
}

func responseOutcome(t testing.TB, o *Offer, stream string, cuts ...int) string {
	var r Response
	rest, done, err := feed(t, &r, stream, cuts...)
	var s strings.Builder
	fmt.Fprintf(&s, "done %v err %v rest %q status %d\n", done, err, rest, r.Status)
	for name, value := range r.All() {
		fmt.Fprintf(&s, "%q: %q\n", name, value)
	}
	err = o.Check(&r)
	fmt.Fprintf(&s, "%v %q %q", err, r.Subprotocol, r.Extensions)
	return s.String()
}
