package deflate

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/handshake"
)

const (
	plainOffer   = "permessage-deflate; client_max_window_bits"
	withTakeover = "permessage-deflate"
	noTakeover   = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	halfTakeover = "permessage-deflate; client_no_context_takeover"
)

// At the limit a window is granted; an octet past it is not, and no takeover then.
func TestBudget(t *testing.T) {
	for _, test := range []struct {
		connBudget, budget int64
		answers            []string // to one connection after the other, none of them over
	}{
		{0, 0, []string{withTakeover, withTakeover}},
		{-1, -1, []string{withTakeover, withTakeover}},
		{1 << 16, 2 << 16, []string{withTakeover, withTakeover, noTakeover, noTakeover}},
		{1 << 16, 2<<16 - 1, []string{withTakeover, halfTakeover, noTakeover}},
		{-1, 1 << 15, []string{halfTakeover, noTakeover}},
		{-1, 1<<15 - 1, []string{noTakeover, noTakeover}},
		{1<<16 - 1, -1, []string{halfTakeover, halfTakeover}},
		{1<<15 - 1, -1, []string{noTakeover, noTakeover}},
		{1, 1, []string{noTakeover}},
	} {
		o := &Options{ServerContextTakeover: true, ClientContextTakeover: true, ConnBudget: test.connBudget, Budget: test.budget}
		offers := parse(t, plainOffer)
		var open []conn.Compressor
		for i, want := range test.answers {
			answer, c, ok := o.Accept(offers)
			require.True(t, ok)
			require.Equal(t, want, wire(t, answer), "connection %d of %+v", i, test)
			open = append(open, c)
		}
		used := int64(0)
		for _, c := range open {
			for _, w := range []*window{c.(*compressor).sent, c.(*compressor).received} {
				if w != nil {
					used += int64(w.size)
				}
			}
		}
		require.Equal(t, used, o.budget.used.Load())
		for _, c := range open {
			c.Release()
			c.Release() // once is enough
		}
		require.Zero(t, o.budget.used.Load())
		answer, _, _ := o.Accept(offers)
		require.Equal(t, test.answers[0], wire(t, answer), "what was given back is there again")
	}
}

func TestBudgetDefaults(t *testing.T) {
	o := like(&both)
	o.use()
	require.EqualValues(t, 65536, o.policy.connBudget)
	require.EqualValues(t, 268435456, o.budget.limit)
	require.True(t, o.budget.reserve(268435456-65536))
	answer, _, _ := o.Accept(parse(t, plainOffer))
	require.Equal(t, withTakeover, wire(t, answer))
	answer, _, _ = o.Accept(parse(t, plainOffer))
	require.Equal(t, noTakeover, wire(t, answer))
}

// A client without room refuses the server's takeover, and if the room goes while the server answers, fails rather than keep the window.
func TestBudgetClient(t *testing.T) {
	o := &Options{ServerContextTakeover: true, ClientContextTakeover: true, Budget: 1<<16 + 1<<14}
	takeover := parse(t, "permessage-deflate")
	require.Equal(t, "permessage-deflate; client_max_window_bits", wire(t, o.Offers()...))
	c1, err := o.Agree(takeover)
	require.NoError(t, err)
	requireWindows(t, c1.(*compressor), 1<<15, 1<<15)

	require.Equal(t, "permessage-deflate; server_no_context_takeover; client_max_window_bits", wire(t, o.Offers()...))
	_, err = o.Agree(takeover)
	require.ErrorIs(t, err, handshake.ErrResponseWindow)
	require.EqualValues(t, 1<<16, o.budget.used.Load(), "nothing is held for what failed")

	c2, err := o.Agree(parse(t, "permessage-deflate; server_no_context_takeover"))
	require.NoError(t, err)
	requireWindows(t, c2.(*compressor), 0, 0) // its own takeover it may use or not
	c3, err := o.Agree(parse(t, "permessage-deflate; server_no_context_takeover; client_max_window_bits=14"))
	require.NoError(t, err)
	requireWindows(t, c3.(*compressor), 1<<14, 0)
	_, err = o.Agree(parse(t, "permessage-deflate; server_max_window_bits=8"))
	require.ErrorIs(t, err, handshake.ErrResponseWindow)

	c1.Release()
	c3.Release()
	require.Zero(t, o.budget.used.Load())
	require.Equal(t, "permessage-deflate; client_max_window_bits", wire(t, o.Offers()...))

	// Room for just that window is room enough; an octet less is not.
	o = &Options{ServerContextTakeover: true, Budget: 1 << 15}
	require.Equal(t, "permessage-deflate; client_no_context_takeover; client_max_window_bits", wire(t, o.Offers()...))
	o = &Options{ServerContextTakeover: true, Budget: 1<<15 - 1}
	require.Equal(t, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits", wire(t, o.Offers()...))

	// Of what is taken for a connection that fails nothing stays: there is room for the client's window, but not for the server's.
	o = &Options{ServerContextTakeover: true, ClientContextTakeover: true, Budget: 1 << 10}
	_, err = o.Agree(parse(t, "permessage-deflate; client_max_window_bits=8"))
	require.ErrorIs(t, err, handshake.ErrResponseWindow)
	require.Zero(t, o.budget.used.Load())
}

// Whoever comes at once: the budget is never exceeded, and all of it comes back.
func TestBudgetIsStrict(t *testing.T) {
	o := &Options{ServerContextTakeover: true, ClientContextTakeover: true, Budget: 5 << 15}
	offers := parse(t, plainOffer)
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				_, got, _ := o.Accept(offers)
				c := got.(*compressor)
				n := int64(0)
				for _, w := range []*window{c.sent, c.received} {
					if w != nil {
						n += int64(w.size)
					}
				}
				now := held.Add(n)
				for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
				}
				held.Add(-n)
				var both sync.WaitGroup
				both.Go(c.Release)
				c.Release()
				both.Wait()
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), o.Budget)
	require.Zero(t, o.budget.used.Load())
}

// Not one octet is lost between goroutines that reserve and give back at once.
func TestBudgetCounts(t *testing.T) {
	b := budget{limit: 3}
	var inUse, over atomic.Int64
	var wg sync.WaitGroup
	times := 500_000 // some of which meet, also on a busy machine
	if raceEnabled {
		times = 20_000
	}
	for range 4 {
		wg.Go(func() {
			for range times {
				if b.reserve(2) {
					over.Add(max(0, inUse.Add(2)-b.limit))
					inUse.Add(-2)
					b.giveBack(2)
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, over.Load())
	require.Zero(t, b.used.Load())
}
