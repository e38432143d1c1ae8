package conn

import "time"

// A limiter says how many control frames a peer may send: a bucket of ControlBurst, which fills at ControlRate a second.
type limiter struct {
	spent float64       // frames taken out and not yet filled up; 0 <= spent <= ControlBurst
	last  time.Duration // when spent was right
}

const (
	defaultControlRate  = 100
	defaultControlBurst = 200
)

// allow takes one frame out, and reports whether there was one.
func (l *limiter) allow(now time.Duration, o *Options) bool {
	rate, burst := defaultControlRate, defaultControlBurst
	if o != nil && o.ControlRate != 0 {
		rate = o.ControlRate
	}
	if o != nil && o.ControlBurst != 0 {
		burst = o.ControlBurst
	}
	if rate < 0 || burst < 0 {
		return true
	}
	l.spent = max(0, l.spent-max(0, now-l.last).Seconds()*float64(rate))
	l.last = now
	if l.spent+1 > float64(burst) {
		return false
	}
	l.spent++
	return true
}

// maxPings is how many pings may wait for their pongs.
const maxPings = 16

// pings are the payloads of pings that have not been answered, oldest first, each behind an octet with its length.
type pings struct {
	b    []byte
	n    int // 0 <= n <= maxPings
	last int // where in b the newest begins, until the first pop
}

// push queues a payload. When the queue is full, it takes the place of the newest: 5.5.3: "MAY elect to send a Pong frame for only the most
// recently processed Ping frame".
func (q *pings) push(payload []byte) {
	if q.n < maxPings {
		q.n++
		q.last = len(q.b)
	}
	q.b = append(append(q.b[:q.last], byte(len(payload))), payload...)
}

// pop takes the oldest.
func (q *pings) pop() []byte {
	n := 1 + int(q.b[0])
	payload := q.b[1:n]
	q.b = q.b[n:]
	q.n--
	return payload
}
