package deflate

import (
	"sync"

	"github.com/idlewire/idlewire/conn"
	"github.com/idlewire/idlewire/handshake"
)

// Options are an endpoint's policy of compression, and implement [conn.Compression]. The zero value is the default policy: whoever offers
// permessage-deflate gets it, and neither side refers to earlier messages, so that an idle connection holds nothing.
//
// One Options serves any number of connections and goroutines, which share its budget and what compresses. It must not be copied or changed
// once it is in use. In numbers, what is out of range is taken for the nearest in it.
type Options struct {
	// Level is how hard to try, from 1, the fastest, to 9, the smallest. It concerns what this endpoint sends, and is not negotiated. The
	// default, 0, is DefaultLevel. With takeover it also says how far back to search: 2 KiB up to level 3, then 4, 4 and 8, from level 7 on
	// all of the window, and always as far as the message is long. Messages that do not fit into a window below 15 bits all have a level
	// much like 5.
	Level int

	// MinSize is the least length in octets of a message that is compressed; shorter ones go as they are. A message that is sent in
	// fragments is judged by the first. The default is 64; negative, all are tried.
	MinSize int

	// ServerContextTakeover says that messages of the server may refer to earlier ones: a server grants it to clients that do not refuse, a
	// client offers it. It makes short messages that resemble each other much smaller, and costs a window at both ends. (RFC 7692, 7.1.1.1)
	ServerContextTakeover bool

	// ClientContextTakeover says the same of messages of the client. (7.1.1.2)
	ClientContextTakeover bool

	// ServerMaxWindowBits is the greatest window to agree to for messages of the server: 1<<ServerMaxWindowBits octets, from 8 (256 octets) to
	// 15 (32 KiB). The default is 15. A client whose server knows no such limit does without takeover in this direction. (7.1.2.1)
	ServerMaxWindowBits int

	// ClientMaxWindowBits is the same for messages of the client. A server grants no takeover to clients that cannot be limited. (7.1.2.2)
	ClientMaxWindowBits int

	// ClientOffers is what a client offers, in its order of preference, instead of what follows from the fields above. A server ignores it.
	// Where a window has no room in the budgets, server_no_context_takeover or client_no_context_takeover is added.
	//
	// A server that accepts none of the offers should go on without compression; Node's ws, set up with serverNoContextTakeover: false, answers 400 instead.
	// A last offer that leaves the server its takeover helps.
	ClientOffers []Params

	// ConnBudget is how many octets the windows of one connection may take: 1<<bits for each direction with takeover, however little was
	// said in it. A window that would go beyond is not granted, and takeover in its direction neither; the server's direction comes first.
	// The default is 65536, two windows of the greatest size; negative, there is no limit.
	ConnBudget int64

	// Budget is the same for all connections of this Options together, as long as they last. The default is 268435456 (256 MiB): some
	// 4000 connections with takeover both ways at 15 bits, 260000 at 9. Negative, there is no limit.
	Budget int64

	budget budget // of all connections

	once   sync.Once // guards policy and offers until they are set
	policy policy
	offers offers

	mu      sync.RWMutex                   // guards what follows
	alike   map[[2]int]*compressor         // without takeover, by window bits of what is sent and received; at most 64
	answers map[Params]handshake.Extension // at most 4*9*9
}

var _ conn.Compression = (*Options)(nil)

// DefaultLevel is the level of Options that say none. For messages of 1 KiB the next ones save 1 to 4 % of their size for up to twice the time.
const DefaultLevel = 1

const (
	defaultMinSize    = 64
	defaultConnBudget = 2 << maxBits
	defaultBudget     = 256 << 20
)

// A policy is Options with its defaults and in range.
type policy struct {
	level, minSize int
	takeover       [2]bool // by side
	bits           [2]int
	connBudget     int64
}

// A side is one that sends.
type side uint8

const (
	server side = iota
	client
)

// use returns the policy of o, settled by the first call.
func (o *Options) use() *policy {
	o.once.Do(func() {
		p := &o.policy
		p.level = min(max(orDefault(o.Level, DefaultLevel), 1), 9)
		p.minSize = orDefault(o.MinSize, defaultMinSize)
		p.takeover = [2]bool{o.ServerContextTakeover, o.ClientContextTakeover}
		p.bits = [2]int{
			min(max(orDefault(o.ServerMaxWindowBits, maxBits), minBits), maxBits),
			min(max(orDefault(o.ClientMaxWindowBits, maxBits), minBits), maxBits),
		}
		p.connBudget = orDefault(o.ConnBudget, defaultConnBudget)
		o.budget.limit = orDefault(o.Budget, defaultBudget)
		o.offers = p.newOffers(o.ClientOffers)
	})
	return &o.policy
}

func orDefault[T int | int64](n, whenZero T) T {
	if n == 0 {
		return whenZero
	}
	return n
}
