package conn

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/idlewire/idlewire/frame"
)

// V65: Beast, aiohttp, gobwas and more had keys that could be predicted. A million of ours: no more repeats than birthdays allow, each bit set
// in half of them, each bit independent of the one before in time.
func TestV65MaskKeysAreRandom(t *testing.T) {
	if raceBuild {
		t.Skip("there is nothing to race in a sum, and it takes ten times as long")
	}
	const n = 1 << 20
	keys := make([]uint32, 0, n)
	var ones, changed [32]int
	last := randomKey()
	for range n {
		key := randomKey()
		keys = append(keys, key)
		for bit := range 32 {
			ones[bit] += int(key >> bit & 1)
			changed[bit] += int((key ^ last) >> bit & 1)
		}
		last = key
	}
	slices.Sort(keys)
	// n*n/2 pairs, each equal with a chance of 1<<-32: 128 are expected, with a deviation of 11.
	if repeats := n - len(slices.Compact(keys)); repeats < 128-80 || repeats > 128+80 {
		t.Errorf("%d repeats, expected about 128", repeats)
	}
	// Half of n, with a deviation of sqrt(n)/2. Seven deviations do not happen.
	most := 7 * math.Sqrt(n) / 2
	for bit := range 32 {
		if d := math.Abs(float64(ones[bit] - n/2)); d > most {
			t.Errorf("bit %d is set in %d of %d", bit, ones[bit], n)
		}
		if d := math.Abs(float64(changed[bit] - n/2)); d > most {
			t.Errorf("bit %d changes %d times of %d", bit, changed[bit], n)
		}
	}
}

// 5.3: "fresh"; 10.3: not one key for all frames. What the wire carries are the keys, and each once, whoever asks.
func TestV65AFreshKeyForEachFrame(t *testing.T) {
	var mu sync.Mutex
	seen := map[uint32]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := Protocol{Role: Client}
			var b []byte
			for range 500 {
				b, _ = p.AppendMessage(b, frame.Binary, []byte("same"))
				b, _ = p.AppendFragment(b, frame.Binary, false, []byte("same"))
				b, _ = p.AppendPing(b, []byte("same"))
				b, _ = p.AppendFragment(b, frame.Continuation, true, []byte("same"))
				b = p.AppendReply(b, pingOf("same"))
			}
			mu.Lock()
			defer mu.Unlock()
			for len(b) > 0 {
				h, n, err := frame.ParseHeader(b, frame.FromClient, 0)
				if err != nil || n == 0 {
					t.Error(err)
					return
				}
				seen[h.Key]++
				b = b[n+int(h.Length):]
			}
		}()
	}
	wg.Wait()
	if len(seen) < 8*2500-3 {
		t.Errorf("%d keys in %d frames", len(seen), 8*2500)
	}
}

func TestMaskKeyAllocatesNothing(t *testing.T) {
	if raceBuild {
		t.Skip("sync.Pool forgets at random when built with race")
	}
	if avg := testing.AllocsPerRun(5000, func() { randomKey() }); avg != 0 {
		t.Errorf("%v allocations", avg)
	}
}

func TestMaskKeyOption(t *testing.T) {
	n := uint32(0)
	o := &Options{MaskKey: func() uint32 { n++; return n }}
	p := Protocol{Role: Client, Options: o}
	b, err := p.AppendMessage(nil, frame.Binary, nil)
	if err == nil {
		b, err = p.AppendPing(b, nil)
	}
	if err != nil || string(b) != string(wire("82 80 01000000 89 80 02000000")) {
		t.Errorf("%x, %v", b, err)
	}
	server := Protocol{Options: o}
	if _, err := server.AppendMessage(nil, frame.Binary, nil); err != nil || n != 2 {
		t.Errorf("a server asked for a key: %d, %v", n, err)
	}
}
