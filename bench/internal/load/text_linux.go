package load

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// text returns n octets of JSON, n >= 128, of the kind that servers push: events with numbers, names, prices, times and some prose, of which hardly two
// are alike. It is the same for the same rnd.
func text(n int, rnd *rand.Rand) []byte {
	b := fmt.Appendf(nil, `{"stream":%q,"seq":%d,"events":[`, pick(rnd, streams), rnd.IntN(1e9))
	for first := true; ; first = false {
		whole := len(b)
		if !first {
			b = append(b, ',')
		}
		b = event(b, rnd)
		if len(b)+len(`],"note":""}`) > n {
			b = b[:whole]
			break
		}
	}
	// A note of the length that is missing.
	b = append(b, `],"note":"`...)
	for len(b) < n {
		b = append(append(b, pick(rnd, words)...), ' ')
	}
	return append(b[:n-2], `"}`...)
}

func event(b []byte, rnd *rand.Rand) []byte {
	at := time.UnixMilli(1_790_000_000_000 + rnd.Int64N(30*24*3600*1000)).UTC()
	b = fmt.Appendf(b, `{"id":"%08x-%04x-4%03x","type":%q,"at":%q,"user":{"id":%d,"name":"%s %s","email":"%s.%d@example.%s"}`,
		rnd.Uint32(), rnd.Uint32()&0xffff, rnd.Uint32()&0xfff, pick(rnd, types), at.Format("2006-01-02T15:04:05.000Z"),
		100_000+rnd.IntN(900_000), pick(rnd, given), pick(rnd, family), pick(rnd, words), rnd.IntN(1000), pick(rnd, domains))
	b = append(b, `,"price":`...)
	b = strconv.AppendFloat(b, float64(rnd.IntN(1_000_000))/100, 'f', 2, 64)
	b = fmt.Appendf(b, `,"quantity":%d,"active":%t,"position":[%.5f,%.5f],"tags":[%q,%q],"text":"`, rnd.IntN(50), rnd.IntN(3) > 0,
		rnd.Float64()*180-90, rnd.Float64()*360-180, pick(rnd, words), pick(rnd, words))
	for i := range 4 + rnd.IntN(12) {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, pick(rnd, words)...)
	}
	return append(b, `"}`...)
}

func pick(rnd *rand.Rand, from []string) string { return from[rnd.IntN(len(from))] }

var (
	streams = []string{"orders", "trades", "presence", "chat", "telemetry", "alerts"}
	types   = []string{"order.created", "order.paid", "order.shipped", "message.new", "message.edited", "user.joined", "user.left", "price.changed"}
	domains = []string{"com", "net", "org"}
	given   = []string{"Ada", "Björn", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hiroshi", "Ines", "Jamal", "Katarzyna", "Liam", "Mei", "Noor",
		"Olga", "Pablo", "Quentin", "Rosa", "Søren", "Tariq", "Uma", "Victor", "Wanjiru", "Ximena", "Yusuf", "Zoë"}
	family = []string{"Andersson", "Bauer", "Castillo", "Dubois", "Eriksen", "Ferrari", "Garcia", "Hoffmann", "Ivanova", "Jensen", "Kowalski",
		"Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rossi", "Schneider", "Tanaka", "Ueda", "Vargas", "Weber", "Xu", "Yilmaz", "Zhang"}
	words = []string{"about", "account", "again", "arrived", "balance", "before", "blue", "bridge", "called", "cannot", "change", "city", "closed", "coffee",
		"delivery", "different", "door", "early", "email", "evening", "every", "failed", "family", "first", "forward", "garden", "green", "harbour", "heavy",
		"hello", "house", "invoice", "january", "journey", "kitchen", "large", "later", "letter", "library", "market", "meeting", "message", "minute", "morning",
		"mountain", "never", "number", "office", "order", "package", "paper", "payment", "people", "please", "question", "quick", "receipt", "refund", "request",
		"river", "schedule", "second", "ship", "silver", "station", "street", "summer", "table", "thank", "ticket", "today", "tomorrow", "train", "under",
		"update", "urgent", "village", "waiting", "water", "week", "window", "winter", "without", "yellow", "yesterday"}
)
