package deflate

import "sync/atomic"

// A budget counts octets that connections have reserved. What it counts is never above its limit, not for a moment.
type budget struct {
	limit int64        // no limit if negative
	used  atomic.Int64 // 0 <= used, and used <= limit if there is one
}

// reserve takes n octets, or nothing and returns false.
func (b *budget) reserve(n int64) bool {
	for {
		used := b.used.Load()
		if b.limit >= 0 && n > b.limit-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

func (b *budget) giveBack(n int64) { b.used.Add(-n) }

// room says whether n octets could be reserved now.
func (b *budget) room(n int64) bool { return b.limit < 0 || n <= b.limit-b.used.Load() }

// reserve reserves the windows of a connection, 1<<bits octets for each side that takes over, the server's first. It takes takeover from the
// side for whose window there is no room, and returns how much it has reserved.
func (o *Options) reserve(takeover *[2]bool, bits [2]int) (held int64) {
	limit := o.use().connBudget
	for s := range takeover {
		if !takeover[s] {
			continue
		}
		n := int64(1) << bits[s]
		if takeover[s] = (limit < 0 || n <= limit-held) && o.budget.reserve(n); takeover[s] {
			held += n
		}
	}
	return held
}
