package netpoll

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idlewire/idlewire/deflate"
	"github.com/idlewire/idlewire/frame"
)

// A sim is a server in a world, with clients.
type sim struct {
	*world
	srv      *Server
	ln       *sock
	clients  []*client
	next     int64 // when the next client comes, or the next outsider acts
	calm     bool  // the end is near: everybody says goodbye
	stopped  bool  // beginShutdown
	killed   bool
	crowded  bool          // MaxConns may refuse
	off      bool          // some limits are
	jumps    bool          // time does
	made     func(*client) // may change a new client
	finished bool          // all clients came to their ends by themselves

	struckSoFar   int
	drops, panics uint64 // so many there have been

	stopStep                   int
	budget                     int
	population                 int
	outside                    int // how often, of 1024, an outsider acts
	big                        int // longest message
	maxFragments, controlBurst int
	scratch, scratch2          []byte
}

// newSim draws a server and the laws of its world.
func newSim(seed uint64) *sim {
	w := newWorld(seed)
	s := &sim{world: w, scratch: make([]byte, 0, 1<<16), scratch2: make([]byte, 0, 1<<16)}
	some := func(most int) int { // half of the worlds do not know the fault; in most it is rare
		if w.chance(512) {
			return 0
		}
		return w.upTo(most)
	}
	w.luck = luck{
		eintr: some(100), eagain: some(200), short: some(800), dribble: some(300), late: some(700), spurious: some(300), split: some(700),
		accept: some(200), register: some(60), modify: some(30), write: some(12), read: some(8), shutdown: some(100),
		jump: some(60), strike: some(100), abort: some(10), shuffle: w.chance(768),
	}
	s.jumps = w.luck.jump > 0
	tenths := func(n int) time.Duration { return time.Duration(w.upTo(n)) * 100 * time.Millisecond }
	srv := &Server{}
	s.srv = srv
	srv.Open = s.open
	srv.Upgrader.Hook = s.hook
	s.big = 16 + w.upTo(1<<14)
	srv.Options.MaxMessage = s.big
	s.maxFragments = 8 + w.upTo(64)
	srv.Options.MaxFragments = s.maxFragments
	srv.Options.HandshakeTimeout = tenths(50)
	srv.Options.PingInterval = 5 * tenths(300)
	srv.Options.PongTimeout = tenths(200)
	srv.Options.CloseTimeout = tenths(50)
	srv.Options.WriteStallTimeout = tenths(100)
	s.controlBurst = 40 + w.intn(60)
	srv.Options.ControlBurst = s.controlBurst
	srv.Options.ControlRate = 1 + w.intn(20)
	srv.WriteQueueSoft = w.upTo(1 << 15)
	srv.WriteQueueHard = srv.WriteQueueSoft + w.upTo(1<<16)
	if w.chance(512) {
		srv.WriteQueuePolicy = DropWhenFull
	}
	if w.chance(200) { // some of the limits are off
		for _, d := range []*time.Duration{&srv.Options.HandshakeTimeout, &srv.Options.PingInterval, &srv.Options.PongTimeout, &srv.Options.WriteStallTimeout} {
			if w.chance(300) {
				*d = -1
			}
		}
		for _, n := range []*int{&srv.WriteQueueSoft, &srv.WriteQueueHard, &srv.Options.ControlRate} {
			if w.chance(300) {
				*n = -1
			}
		}
		s.off = true
	}
	if w.chance(250) {
		srv.Options.Compression = w.compression()
	}
	srv.MaxConns = -1
	if w.chance(200) {
		srv.MaxConns = 1 + w.intn(4)
		s.crowded = true
	}
	if w.chance(100) {
		w.limit = 3 + w.intn(6)
	}
	loops := 1
	if w.chance(300) {
		loops = 2 + w.intn(2)
	}
	s.ln = w.listener()
	var ks []kernel
	for range loops {
		ks = append(ks, w.newKernel())
	}
	srv.prepare(ks)
	w.loopTime = func(k *simKernel) int64 { // what it would say if it looked now
		l := srv.loops[k.id]
		d := w.clock - l.last
		if l.planned >= 0 {
			d = min(d, l.planned+maxStep)
		}
		return l.clock + d
	}
	w.resting, w.closing, w.passing = s.check, s.checkClosing, s.passing
	if s.outside = some(200); w.luck.strike > 0 {
		w.strike = s.struck
	}
	s.budget = 1100
	s.stopStep = -1
	if w.chance(512) {
		s.stopStep = w.intn(1000)
	}
	s.population = 1 + w.upTo(16)
	w.actors = append(w.actors, s)
	s.next = w.clock
	return s
}

// compression draws a policy.
func (w *world) compression() *deflate.Options {
	o := &deflate.Options{
		Level: w.upTo(4), MinSize: w.intn(200) - 1,
		ServerContextTakeover: w.chance(600), ClientContextTakeover: w.chance(600),
		ServerMaxWindowBits: 8 + w.intn(8), ClientMaxWindowBits: 8 + w.intn(8),
	}
	if w.chance(300) {
		o.Budget = int64(1 + w.intn(1<<17))
	}
	return o
}

// struck is what happens while a loop is inside a kernel's call.
func (s *sim) struck() {
	s.struckSoFar++
	switch s.intn(4) {
	case 0:
		if len(s.clients) > 0 {
			if cl := s.clients[s.intn(len(s.clients))]; cl.s != nil && !cl.gone {
				cl.act()
			}
		}
	case 1:
		if s.chance(20) && s.steps > s.budget/2 {
			s.stop(false)
		}
	default:
		s.meddle(nil)
	}
}

func (s *sim) when() int64 {
	if s.calm || s.stopped {
		return never
	}
	return s.next
}

// act brings the next client, or lets an outsider do something.
func (s *sim) act() {
	if len(s.clients) > 0 && s.chance(s.outside*2) {
		s.meddle(nil)
	} else if len(s.clients) < s.population*4 {
		s.arrive()
	}
	live := 0
	for _, c := range s.clients {
		if !c.gone {
			live++
		}
	}
	s.next = s.clock + int64(s.upTo(1e7))
	if live >= s.population {
		s.next += int64(s.upTo(2000)) * 1e6
	}
}

// arrive makes a client.
func (s *sim) arrive() {
	w := s.world
	c := &client{sim: s, id: uint32(len(s.clients)), cutAt: -1, piece: w.upTo(4096)}
	c.proto.Role = 1
	c.proto.Options = &s.srv.Options
	s.clients = append(s.clients, c)
	w.actors = append(w.actors, c)
	c.at = w.clock + int64(w.upTo(1e6))
	defer func() {
		if s.made != nil {
			s.made(c)
		}
	}()
	if w.chance(400) {
		c.opening = opening_(w.intn(int(openings)))
	}
	c.server = conduct(w.intn(int(conducts)))
	if w.chance(512) {
		c.server = doEcho
	}
	c.panicked = c.opening == openRefused && w.chance(256)
	if w.chance(700) {
		c.fate = fate(w.intn(int(fates)))
	}
	if w.chance(300) || s.srv.Options.Compression != nil && w.chance(800) {
		c.offers = w.compression()
	}
	c.want = w.upTo(24)
	if w.chance(300) {
		c.reads = reading(1 + w.intn(3))
	}
	if w.chance(300) {
		c.pause = int64(w.upTo(3000)) * 1e6
		c.slow = true
	}
	c.silent = w.chance(60)
	c.rude = w.chance(60)
	if c.fate >= fateFin && w.chance(512) {
		c.cutAt = int64(w.upTo(3000))
	}
	if c.fate == fateViolate {
		c.cutAt = -1
	}
}

// stop is beginShutdown.
func (s *sim) stop(now bool) {
	s.note(opStop, 0, 0, nil)
	s.stopped = true
	s.killed = s.killed || now
	for _, c := range s.clients {
		c.codes = append(c.codes, frame.CloseGoingAway)
	}
	s.srv.beginShutdown(now)
}

// run plays the world to its end.
func (s *sim) run() {
	defer s.leave()
	if err := s.srv.loops[0].listen(s.ln.h); err != nil {
		return // the world is against it; Serve would say so
	}
	for i, l := range s.srv.loops {
		s.start(s.kernels[i], l.turn)
	}
	for s.steps < s.budget && !s.stopped {
		if s.steps >= s.stopStep && s.stopStep >= 0 {
			break
		}
		s.step()
	}
	if !s.stopped && s.chance(512) {
		s.settleDown()
	}
	if !s.stopped {
		s.stop(s.chance(200))
	}
	s.outlast()
	s.reckon()
}

// settleDown lets everybody finish.
func (s *sim) settleDown() {
	s.calm = true
	s.luck.jump = 0
	for _, c := range s.clients {
		c.pause = 0
		c.poke()
	}
	end := s.clock + 30e9
	for s.busy() && s.clock < end && s.steps < 20*s.budget {
		if !s.step() {
			break
		}
	}
	s.finished = !s.busy() && !s.stopped
}

func (s *sim) busy() bool {
	for _, c := range s.clients {
		if c.s == nil || !c.gone {
			return true
		}
	}
	return false
}

// outlast waits for the end of a server that has been told to stop: it comes, and in time (E33).
func (s *sim) outlast() {
	s.luck.jump = 0
	began, first := s.clock, s.steps
	o := &s.srv.Options
	limit := began + 3*int64(o.CloseTimeout) + 20*tickLength
	for {
		over := true
		for _, k := range s.kernels {
			over = over && k.over
		}
		if over {
			return
		}
		if !s.killed && s.chance(2) {
			s.stop(true)
		}
		if !s.step() {
			s.fail("the server has been told to stop, and waits for ever")
		}
		if s.clock > limit {
			s.fail("the server has been told to stop, and goes on after %v", time.Duration(s.clock-began))
		}
		if s.steps-first > 200*s.budget {
			s.fail("the server has been told to stop, and goes on after %d steps", s.steps-first)
		}
	}
}

// play runs one seed, in a world that tweaks have changed, and returns the world, and what went wrong.
func play(seed uint64, verbose func(string), tweaks ...func(*sim)) (s *sim, failure string) {
	s = newSim(seed)
	s.verbose = verbose
	for _, f := range tweaks {
		f(s)
	}
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(failed); !ok && s.failure == "" {
				panic(v)
			}
		}
		failure = s.failure
	}()
	s.run()
	return s, ""
}

func number(t *testing.T, name string, otherwise int) int {
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestSimulation runs the whole server in so many worlds (IDLEWIRE_SEEDS), from IDLEWIRE_FIRST on. IDLEWIRE_SEED=n replays one and prints all
// that happens in it.
func TestSimulation(t *testing.T) {
	if os.Getenv("IDLEWIRE_SEED") != "" {
		s, failure := play(uint64(number(t, "IDLEWIRE_SEED", 0)), func(line string) { fmt.Println(line) })
		if failure != "" {
			t.Fatalf("seed %d, step %d: %s", s.seed, s.steps, failure)
		}
		return
	}
	seeds := number(t, "IDLEWIRE_SEEDS", few(2000))
	steps := playAll(t, seeds, nil)
	t.Logf("%d seeds, %d steps each on average", seeds, steps/int64(seeds))
}

// few is n, or a tenth of it where n would take long.
func few(n int) int {
	if simRace || testing.Short() {
		return n / 10
	}
	return n
}

// playAll runs so many seeds on all processors, and calls seen, if there is such a thing, with each world at its end. It returns the number of steps.
func playAll(t *testing.T, seeds int, seen func(*sim), tweaks ...func(*sim)) int64 {
	t.Helper()
	first := number(t, "IDLEWIRE_FIRST", 1)
	var steps, failures, next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex // guards seen
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := next.Add(1) - 1
				if seed >= int64(seeds) || failures.Load() >= 5 {
					return
				}
				s, failure := play(uint64(int64(first)+seed), nil, tweaks...)
				steps.Add(int64(s.steps))
				if failure != "" {
					failures.Add(1)
					t.Errorf("seed %d, step %d: %s\n%s", s.seed, s.steps, failure, s.trace(40))
				}
				if seen != nil {
					mu.Lock()
					seen(s)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return steps.Load()
}

// TestSimulationIsDeterministic: a seed that fails must fail again.
func TestSimulationIsDeterministic(t *testing.T) {
	for seed := range uint64(50) {
		a, _ := play(seed, nil)
		b, _ := play(seed, nil)
		if a.digest != b.digest || a.entries != b.entries {
			t.Fatalf("seed %d: %d entries and %d, digests %x and %x", seed, a.entries, b.entries, a.digest, b.digest)
		}
	}
}
